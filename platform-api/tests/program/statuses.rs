//! Every refusal, as its caller meets it.

use crate::program::Request;
use crate::scene::{LIST, Scene, draft, path, refused};
use crate::store::Kind;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_or_nonsense_about_themselves_is_not_let_in() {
    let scene = Scene::start(Kind::Versitygw).await;
    let nobody = scene.send(&Request::new("GET", LIST)).await;
    refused(&nobody, 401, "SLW-501");
    assert_eq!(nobody.header("www-authenticate").as_deref(), Some("Bearer"));
    let liar = Request::new("GET", LIST).header("authorization", "Bearer nonsense");
    refused(&scene.send(&liar).await, 401, "SLW-570");
    refused(
        &scene.send(&scene.member("GET", "/api/v1/nothing")).await,
        404,
        "SLW-504",
    );
    let patch = scene.send(&scene.member("PATCH", LIST)).await;
    refused(&patch, 405, "SLW-505");
    assert!(
        patch
            .header("allow")
            .is_some_and(|allow| allow.contains("POST"))
    );
    let named = scene
        .member("GET", LIST)
        .header("x-request-id", "my-request-1");
    assert_eq!(
        scene.send(&named).await.header("x-request-id").as_deref(),
        Some("my-request-1")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_read_is_told_every_fault_at_once() {
    let scene = Scene::start(Kind::Versitygw).await;
    let bad = json!({ "environment_name": "X", "environment_type": "production", "services": { "shop": 7 }, "colour": "red" });
    let problem = refused(
        &scene.send(&scene.member("POST", LIST).json(&bad)).await,
        422,
        "SLW-410",
    );
    let places: Vec<&str> = problem["faults"]
        .as_array()
        .expect("faults")
        .iter()
        .map(|fault| fault["pointer"].as_str().expect("a place"))
        .collect();
    for place in [
        "/environment_name",
        "/environment_pool",
        "/environment_type",
        "/services/shop",
        "/colour",
    ] {
        assert!(places.contains(&place), "{place} in {places:?}");
    }
    let form = scene
        .member("POST", LIST)
        .header("content-type", "text/plain")
        .text("hello");
    refused(&scene.send(&form).await, 415, "SLW-516");
    let mut large = draft("dev-large", "dev");
    large["user"] = "x".repeat(300 * 1024).into();
    refused(
        &scene.send(&scene.member("POST", LIST).json(&large)).await,
        413,
        "SLW-515",
    );
    let query = scene.member("GET", "/api/v1/environments?colour=red");
    refused(&scene.send(&query).await, 400, "SLW-511");
    let nonsense = scene.member("GET", "/api/v1/environments?type=big");
    refused(&scene.send(&nonsense).await, 400, "SLW-511");
    assert_eq!(
        scene.store.versions("").await,
        1,
        "only the bucket's own mark"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_decide_and_what_may_not_be_seen_does_not_exist() {
    let scene = Scene::start(Kind::Versitygw).await;
    scene.made("dev-x", "dev").await;
    scene.made("prod-x", "prod").await;
    let stranger = |method, path: &str| scene.of("eve@example.com", &["team2"], method, path);
    for (method, path) in [
        ("GET", path("dev-x")),
        ("DELETE", path("dev-x")),
        ("GET", path("dev-x") + "/explain"),
        ("GET", path("dev-none")),
    ] {
        refused(&scene.send(&stranger(method, &path)).await, 404, "SLW-503");
    }
    let denied = scene.send(&scene.member("DELETE", &path("prod-x"))).await;
    let problem = refused(&denied, 403, "SLW-575");
    assert_eq!(problem["object"], "prod-x", "{problem}");
    // A name that is taken is taken for everybody; whose it is learns only who may see it.
    let mut taken = draft("dev-x", "dev");
    taken["environment_pool"] = "team2".into();
    let problem = refused(
        &scene.send(&stranger("POST", LIST).json(&taken)).await,
        409,
        "SLW-507",
    );
    assert!(!problem.to_string().contains("ada@"), "{problem}");
    let problem = refused(
        &scene
            .send(&scene.member("POST", LIST).json(&draft("dev-x", "dev")))
            .await,
        409,
        "SLW-507",
    );
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|text| text.contains("ada@example.com")),
        "{problem}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_says_which_state_it_starts_from() {
    let scene = Scene::start(Kind::Versitygw).await;
    let first = scene.made("dev-x", "dev").await;
    let change = |state: Option<&str>, version: &str| {
        let mut body = draft("dev-x", "dev");
        body["services"]["shop"] = version.into();
        let request = scene.member("PUT", &path("dev-x"));
        match state {
            Some(state) => request.header("if-match", state),
            None => request,
        }
        .json(&body)
    };
    refused(&scene.send(&change(None, "v2.0.0")).await, 428, "SLW-513");
    let taken = scene.send(&change(Some(&first), "v2.0.0")).await;
    assert_eq!(taken.status, 202, "{taken:?}");
    let second = taken.header("etag").expect("a state");
    let problem = refused(
        &scene.send(&change(Some(&first), "v3.0.0")).await,
        412,
        "SLW-402",
    );
    assert_eq!(
        problem["etag"].as_str(),
        Some(second.trim_matches('"')),
        "{problem}"
    );
    let read = scene.send(&scene.member("GET", &path("dev-x"))).await;
    assert_eq!(read.header("etag"), Some(second.clone()));
    assert_eq!(read.json()["claim"]["services"]["shop"], "v2.0.0");
    assert_eq!(read.json()["claim"]["user"], "ada@example.com");
    // Neither the name nor the pool can be walked out of.
    let moved = scene
        .member("PUT", &path("dev-x"))
        .header("if-match", &second);
    refused(
        &scene
            .send(&moved.clone().json(&draft("dev-y", "dev")))
            .await,
        422,
        "SLW-410",
    );
    let mut pool = draft("dev-x", "dev");
    pool["environment_pool"] = "team2".into();
    refused(&scene.send(&moved.json(&pool)).await, 403, "SLW-575");
    let new = scene
        .member("PUT", &path("dev-new"))
        .header("if-none-match", "*");
    assert_eq!(
        scene.send(&new.json(&draft("dev-new", "dev"))).await.status,
        202
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_pool_takes_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = r#"@id("all") permit (principal, action, resource);"#;
    std::fs::write(folder.path().join("all.cedar"), policy).expect("a policy");
    let data = json!([
        { "uid": { "type": "Slipway::Team", "id": "team1" }, "attrs": {}, "parents": [] },
        { "uid": { "type": "Slipway::Pool", "id": "team1" }, "parents": [],
          "attrs": { "team": { "__entity": { "type": "Slipway::Team", "id": "team1" } }, "max_environments": 2 } },
    ]);
    std::fs::write(folder.path().join("data.json"), data.to_string()).expect("data");
    let more = json!({ "policies": { "source": "folder", "path": folder.path() } });
    let scene = Scene::start_with(Kind::Versitygw, &more).await;
    let requests: Vec<Request> = (0..6)
        .map(|number| {
            scene
                .member("POST", LIST)
                .json(&draft(&format!("dev-{number}"), "dev"))
        })
        .collect();
    let answers =
        futures::future::join_all(requests.iter().map(|request| scene.send(request))).await;
    let taken = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!(taken, 2, "{answers:#?}");
    for full in answers.iter().filter(|answer| answer.status != 202) {
        let problem = refused(full, 429, "SLW-576");
        assert!(
            problem["policies"]
                .to_string()
                .contains("floor/pools-have-limits"),
            "{problem}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_platform_takes_no_claims_until_it_is_opened() {
    let scene = Scene::start(Kind::Versitygw).await;
    let state = scene.made("dev-x", "dev").await;
    let drain = "/api/v1/platform/drain";
    refused(
        &scene.send(&scene.member("POST", drain)).await,
        403,
        "SLW-575",
    );
    let frozen = scene.send(&scene.admin("POST", drain)).await;
    assert_eq!(
        (frozen.status, &frozen.json()["environments"]),
        (202, &json!(["dev-x"]))
    );
    refused(
        &scene
            .send(&scene.member("POST", LIST).json(&draft("dev-y", "dev")))
            .await,
        423,
        "SLW-415",
    );
    let change = scene
        .member("PUT", &path("dev-x"))
        .header("if-match", &state);
    refused(
        &scene.send(&change.json(&draft("dev-x", "dev"))).await,
        423,
        "SLW-415",
    );
    assert_eq!(
        scene
            .send(&scene.member("GET", "/api/v1/platform"))
            .await
            .json()["frozen"],
        true
    );
    assert_eq!(scene.send(&scene.admin("DELETE", drain)).await.status, 202);
    assert_eq!(
        scene
            .send(&scene.member("POST", LIST).json(&draft("dev-y", "dev")))
            .await
            .status,
        202
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_evaluation_can_be_extended_and_only_forward() {
    let scene = Scene::start(Kind::Versitygw).await;
    scene.made("dev-x", "dev").await;
    scene.made("sue-x", "sue").await;
    let extend = |name: &str, hours| {
        let until = Timestamp::now() + SignedDuration::from_hours(hours);
        scene
            .member("POST", &(path(name) + "/extend"))
            .json(&json!({ "until": until.to_string() }))
    };
    refused(&scene.send(&extend("dev-x", 48)).await, 409, "SLW-518");
    refused(&scene.send(&extend("sue-x", -1)).await, 422, "SLW-510");
    refused(&scene.send(&extend("sue-x", 1)).await, 422, "SLW-510");
    let longer = scene.send(&extend("sue-x", 48)).await;
    assert_eq!(longer.status, 202, "{longer:?}");
    let empty = scene
        .member("POST", &(path("sue-x") + "/extend"))
        .json(&json!({}));
    refused(&scene.send(&empty).await, 422, "SLW-510");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_waits() {
    let more = json!({ "rate": { "per_second": 1, "burst": 2 } });
    let scene = Scene::start_with(Kind::Versitygw, &more).await;
    let ask = scene.member("GET", LIST);
    let answers = futures::future::join_all((0..6).map(|_| scene.send(&ask))).await;
    let slow: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 429)
        .collect();
    assert!(slow.len() >= 3, "{answers:#?}");
    refused(slow[0], 429, "SLW-560");
    assert!(slow[0].header("retry-after").is_some());
    let other = scene.of("otto@example.com", &[], "GET", LIST);
    assert_eq!(scene.send(&other).await.status, 200);
}
