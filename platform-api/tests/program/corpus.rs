//! The corpus of claims gets the same verdict here as from the library.

use crate::scene::{LIST, Scene, refused};
use crate::store::Kind;
use claims::Draft;
use futures::StreamExt as _;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::Path;

#[derive(Deserialize)]
struct Corpus {
    base: Map<String, Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(default)]
    set: Map<String, Value>,
    #[serde(default)]
    remove: Vec<String>,
    text: Option<String>,
}

impl Corpus {
    fn text(&self, case: &Case) -> String {
        case.text.clone().unwrap_or_else(|| {
            let mut claim = self.base.clone();
            claim.retain(|field, _| !case.remove.contains(field));
            claim.extend(case.set.clone());
            Value::Object(claim).to_string()
        })
    }
}

/// What the library finds wrong with it; what a claim may leave open here is filled in.
fn faults(text: &str) -> Vec<(String, String)> {
    let read = Draft::read(text.as_bytes());
    let read = read.and_then(|draft| draft.complete("ada@example.com", Timestamp::now()));
    let faults = read.err().into_iter().flat_map(|faults| faults.0);
    // The time of the second look differs in its seconds.
    faults
        .map(|fault| (fault.pointer, fault.message))
        .map(timeless)
        .collect()
}

fn timeless((pointer, message): (String, String)) -> (String, String) {
    let message = if message.starts_with("is not after now") {
        "is not after now".to_owned()
    } else {
        message
    };
    (pointer, message)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interface_and_the_library_judge_every_claim_of_the_corpus_alike() {
    let scene = Scene::start(Kind::Versitygw).await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/claims.json");
    let corpus: Corpus =
        serde_json::from_slice(&std::fs::read(path).expect("the corpus")).expect("JSON");
    assert!(corpus.cases.len() >= 250, "{} cases", corpus.cases.len());
    let asked = corpus.cases.iter().map(|case| {
        let text = corpus.text(case);
        let request = scene
            .admin("POST", &format!("{LIST}?dry_run=true"))
            .header("content-type", "application/json")
            .text(&text);
        let scene = &scene;
        async move { (case, text, scene.send(&request).await) }
    });
    let mut asked = futures::stream::iter(asked).buffer_unordered(8);
    let (mut good, mut bad) = (0, 0);
    while let Some((case, text, answer)) = asked.next().await {
        let expected = faults(&text);
        if expected.is_empty() {
            assert_eq!(answer.status, 200, "{}: {answer:?}", case.name);
            good += 1;
            continue;
        }
        let problem = refused(&answer, 422, "SLW-410");
        let found: Vec<(String, String)> = problem["faults"]
            .as_array()
            .expect("faults")
            .iter()
            .map(|fault| {
                let text = |field: &str| fault[field].as_str().expect("a text").to_owned();
                timeless((text("pointer"), text("message")))
            })
            .collect();
        assert_eq!(found, expected, "{}", case.name);
        bad += 1;
    }
    assert!(good > 50 && bad > 50, "{good} good, {bad} bad");
}
