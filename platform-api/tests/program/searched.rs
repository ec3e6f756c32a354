//! Questions that a real search engine answers: with what the caller may see, and again after its index was lost.

// The engine of the index's own tests.
#[path = "../../../crates/search/tests/engine/node.rs"]
pub(crate) mod node;

use crate::scene::{LIST, Scene, draft};
use crate::store::Kind;
use node::Node;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_mins(2);

/// What a question finds, by name; nothing while the engine is being prepared.
async fn found(scene: &Scene, who: &str, groups: &[&str], question: &str) -> Vec<String> {
    let path = format!("{LIST}?q={question}");
    let answer = scene.send(&scene.of(who, groups, "GET", &path)).await;
    if answer.status == 503 {
        return Vec::new();
    }
    assert_eq!(answer.status, 200, "{answer:?}");
    let page = answer.json();
    let environments = page["environments"].as_array().expect("a list").iter();
    let name = |seen: &Value| seen["name"].as_str().expect("a name").to_owned();
    environments.map(name).collect()
}

/// Waits until an administrator's question finds just that.
async fn finds(scene: &Scene, question: &str, expected: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = found(scene, "ada@example.com", &["platform-admins"], question).await;
        if now == expected {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{question} finds {now:?} for ever"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_answers_with_what_the_caller_may_see_and_again_when_its_index_was_lost() {
    let node = Node::empty().await;
    let more = json!({ "search": { "address": node.address } });
    let scene = Scene::start_with(Kind::Versitygw, &more).await;
    scene.made("dev-a", "dev").await;
    let mut theirs = draft("dev-theirs", "dev");
    theirs["environment_pool"] = "team2".into();
    theirs["services"] = json!({ "till": "v3.1.4" });
    let made = scene.send(&scene.admin("POST", LIST).json(&theirs)).await;
    assert_eq!(made.status, 202, "{made:?}");

    finds(&scene, "dev", &["dev-a", "dev-theirs"]).await;
    finds(&scene, "service:till@v3.*", &["dev-theirs"]).await;
    let mine = found(&scene, "mia@example.com", &["team1"], "dev").await;
    assert_eq!(mine, ["dev-a"]);
    assert!(node.index().health().await.expect("an engine").usable());

    node.raw("DELETE", "environments*").await;
    scene.made("dev-b", "dev").await;
    finds(&scene, "dev", &["dev-a", "dev-b", "dev-theirs"]).await;
    node.refresh().await;
}
