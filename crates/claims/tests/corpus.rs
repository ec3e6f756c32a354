//! One corpus of good and bad claims: the reader gives the verdict that stands there, and the published schema refuses
//! nothing that the reader takes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;
use std::path::Path;

use claims::{Claim, claim_schema};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A good claim, and cases that each change something of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    base: Map<String, Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    set: Map<String, Value>,
    #[serde(default)]
    remove: Vec<String>,
    /// The whole document, where it is not a change of the base.
    text: Option<String>,
    /// Places of the faults; none for a good claim.
    faults: Vec<String>,
    /// A fault that no schema can see.
    #[serde(default)]
    beyond_schema: bool,
}

impl Corpus {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/claims.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    fn text(&self, case: &Case) -> String {
        case.text.clone().unwrap_or_else(|| {
            let mut claim = self.base.clone();
            claim.retain(|field, _| !case.remove.contains(field));
            claim.extend(case.set.clone());
            Value::Object(claim).to_string()
        })
    }
}

#[test]
fn the_reader_gives_the_verdict_of_the_corpus() {
    let corpus = Corpus::read();
    assert!(corpus.cases.len() >= 150, "{} cases", corpus.cases.len());
    let mut wrong = String::new();
    for case in &corpus.cases {
        let mut found: Vec<String> = Claim::read(corpus.text(case).as_bytes())
            .err()
            .into_iter()
            .flat_map(|faults| faults.0)
            .map(|fault| fault.pointer)
            .collect();
        found.dedup();
        if found != case.faults {
            let _ = writeln!(
                wrong,
                "{}: expected {:?}, found {found:?}",
                case.name, case.faults
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_schema_refuses_the_same_where_a_schema_can() {
    let schema = jsonschema::validator_for(&claim_schema()).unwrap();
    let corpus = Corpus::read();
    let mut wrong = String::new();
    for case in &corpus.cases {
        let Ok(value) = serde_json::from_str::<Value>(&corpus.text(case)) else {
            continue;
        };
        let accepted = schema.is_valid(&value);
        let expected = case.faults.is_empty() || case.beyond_schema;
        if accepted != expected {
            let _ = writeln!(wrong, "{}: accepted is {accepted}", case.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_published_schema_is_this_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/claim.schema.json");
    let text = serde_json::to_string_pretty(&claim_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let published = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        published == text,
        "docs/claim.schema.json is not what the code says; write it anew with UPDATE_SCHEMA=1"
    );
}
