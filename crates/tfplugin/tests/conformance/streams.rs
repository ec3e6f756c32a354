//! Actions and lists of a real process. Terraform 1.11 does not ask for them; the miniature core does.

use serde_json::json;
use tfcore::{Config, Diagnostic};

use crate::driver::unruly;

#[tokio::test]
async fn actions_stream_their_progress_and_end_once() {
    let core = unruly().await;
    let poke = |config| Config::from(config);
    let well = core
        .invoke("unruly_poke", &poke(json!({ "times": 3 })))
        .await;
    let well = well.unwrap();
    assert_eq!(well.progress, ["poked 1", "poked 2", "poked 3"]);
    assert_eq!(well.diagnostics, []);
    for (breaks, sentence) in [("panic", "poked too hard"), ("firm", "It does not move")] {
        let ended = core
            .invoke("unruly_poke", &poke(json!({ "breaks": breaks })))
            .await;
        let ended = ended.unwrap();
        assert_eq!(ended.progress, ["poked 1"]);
        let said: Vec<String> = ended.diagnostics.iter().map(ToString::to_string).collect();
        assert!(said[0].contains(sentence), "{said:?}");
    }
}

#[tokio::test]
async fn a_stop_ends_an_action() {
    let core = unruly().await;
    let config = Config::from(json!({ "breaks": "stop" }));
    let mut waiting = std::pin::pin!(core.invoke("unruly_poke", &config));
    let ended = loop {
        let soon = std::time::Duration::from_millis(20);
        match tokio::time::timeout(soon, &mut waiting).await {
            Ok(ended) => break ended.unwrap(),
            Err(_) => core.stop().await.unwrap(),
        }
    };
    assert!(ended.diagnostics[0].detail.contains("stopped on request"));
}

#[tokio::test]
async fn lists_stop_at_the_limit_and_end_with_their_first_error() {
    let core = unruly().await;
    let all = Config::default();
    let some = core.list("unruly_thing", &all, 3, false).await.unwrap();
    assert_eq!(some.found.len(), 3);
    assert_eq!(some.found[2].identity, json!({ "id": "2" }));
    assert!(some.found[0].object.is_none());
    let every = core.list("unruly_thing", &all, 0, true).await.unwrap();
    assert_eq!(every.found.len(), 10);
    assert_eq!(every.found[9].object.as_ref().unwrap()["name"], "9");
    let broken = Config::from(json!({ "panic_at": 4 }));
    let ended = core.list("unruly_thing", &broken, 0, false).await.unwrap();
    assert_eq!(ended.found.len(), 4);
    assert!(ended.diagnostics.iter().any(Diagnostic::is_error));
}
