//! The corpus of good and bad claims, for every test that asks one of the ways to a claim for its verdict.
//!
//! Included with `#[path = "…/tests/corpus/corpus.rs"] mod corpus;`: a claim is read by one library, and judged by one
//! corpus, wherever it comes from.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A good claim, and cases that each change something of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Corpus {
    base: Map<String, Value>,
    pub(crate) cases: Vec<Case>,
}

/// One claim, and the verdict on it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    #[serde(default)]
    set: Map<String, Value>,
    #[serde(default)]
    remove: Vec<String>,
    /// The whole document, where it is not a change of the base.
    text: Option<String>,
    /// Places of the faults, in order; none for a good claim.
    pub(crate) faults: Vec<String>,
    /// A fault that no schema can see.
    #[serde(default)]
    #[allow(dead_code, reason = "only the test of the schema asks")]
    pub(crate) beyond_schema: bool,
}

impl Corpus {
    /// The corpus beside this file.
    pub(crate) fn read() -> Self {
        match serde_json::from_str(include_str!("claims.json")) {
            Ok(corpus) => corpus,
            Err(error) => panic!("tests/corpus/claims.json: {error}"),
        }
    }

    /// The claim of a case as text.
    #[allow(dead_code, reason = "not every way takes a text")]
    pub(crate) fn text(&self, case: &Case) -> String {
        match &case.text {
            Some(text) => text.clone(),
            None => Value::Object(self.changed(case)).to_string(),
        }
    }

    /// The claim of a case as fields; none for a document that is not a change of the base.
    #[allow(dead_code, reason = "not every way takes fields")]
    pub(crate) fn fields(&self, case: &Case) -> Option<Map<String, Value>> {
        case.text.is_none().then(|| self.changed(case))
    }

    fn changed(&self, case: &Case) -> Map<String, Value> {
        let mut claim = self.base.clone();
        claim.retain(|field, _| !case.remove.contains(field));
        claim.extend(case.set.clone());
        claim
    }
}
