//! One corpus of good and bad claims: the reader gives the verdict that stands there, and the published schema refuses
//! nothing that the reader takes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::Path;

use claims::{Claim, claim_schema};
use corpus::Corpus;
use serde_json::Value;

#[path = "../../../tests/corpus/corpus.rs"]
mod corpus;

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
