//! Lists: filtered, in pages, and searched.

use crate::scene::{LIST, Scene, draft, refused};
use crate::store::Kind;
use serde_json::Value;

fn names(page: &Value) -> Vec<&str> {
    let environments = page["environments"].as_array().expect("a list");
    environments
        .iter()
        .map(|seen| seen["name"].as_str().expect("a name"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_filtered_paged_and_searched() {
    let scene = Scene::start(Kind::Versitygw).await;
    for name in ["dev-a", "dev-b", "dev-c"] {
        scene.made(name, "dev").await;
    }
    scene.made("sue-a", "sue").await;
    let mut theirs = draft("dev-theirs", "dev");
    theirs["environment_pool"] = "team2".into();
    theirs["services"] = serde_json::json!({ "till": "v3.1.4" });
    assert_eq!(
        scene
            .send(&scene.admin("POST", LIST).json(&theirs))
            .await
            .status,
        202
    );
    let list = async |query: &str| {
        let answer = scene
            .send(&scene.admin("GET", &format!("{LIST}{query}")))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    assert_eq!(
        names(&list("").await),
        ["dev-a", "dev-b", "dev-c", "dev-theirs", "sue-a"]
    );
    assert_eq!(names(&list("?type=sue").await), ["sue-a"]);
    assert_eq!(
        names(&list("?pool=team2&phase=Pending&origin=bucket").await),
        ["dev-theirs"]
    );
    assert_eq!(names(&list("?owner=nobody@example.com").await), [""; 0]);
    assert_eq!(names(&list("?q=till").await), ["dev-theirs"]);
    let mut seen = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = list(&query).await;
        seen.extend(names(&page).into_iter().map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => query = format!("?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["dev-a", "dev-b", "dev-c", "dev-theirs", "sue-a"]);
    let mine = scene.send(&scene.member("GET", LIST)).await.json();
    assert_eq!(names(&mine), ["dev-a", "dev-b", "dev-c", "sue-a"]);
    refused(
        &scene
            .send(&scene.admin("GET", &format!("{LIST}?limit=0")))
            .await,
        400,
        "SLW-511",
    );
    refused(
        &scene
            .send(&scene.admin("GET", &format!("{LIST}?cursor=A")))
            .await,
        400,
        "SLW-511",
    );
}

/// A search engine that is away holds up nothing but questions to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_is_away_concerns_questions_alone() {
    let more = serde_json::json!({ "search": { "address": "http://127.0.0.1:1" } });
    let scene = Scene::start_with(Kind::Versitygw, &more).await;
    scene.made("dev-x", "dev").await;
    refused(
        &scene
            .send(&scene.member("GET", &format!("{LIST}?q=dev")))
            .await,
        503,
        "SLW-601",
    );
    let all = scene.send(&scene.member("GET", LIST)).await.json();
    assert_eq!(names(&all), ["dev-x"]);
}
