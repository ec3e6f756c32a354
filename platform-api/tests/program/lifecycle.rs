//! An environment from the question what it would be to the last word about it.

use crate::scene::{LIST, Scene, draft, path, refused};
use crate::store::Kind;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_what_would_happen_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let plans = folder.path().join("plans.json");
    std::fs::write(
        &plans,
        r#"{"plans": [{"id": "vc2-2c-4gb", "hourly_cost": 0.03}]}"#,
    )
    .expect("prices");
    let size = json!({ "plan": "vc2-2c-4gb", "nodes": 1 });
    let more = json!({
        "plans_file": plans,
        "sizes": { "dev": { "general-restricted": size, "general-public": size, "spot": size } },
    });
    let scene = Scene::start_with(Kind::Versitygw, &more).await;
    let trial = |who: &str, groups: &[&str], body| {
        scene
            .of(who, groups, "POST", &format!("{LIST}?dry_run=true"))
            .json(&body)
    };
    let allowed = scene
        .send(&trial("mia@example.com", &["team1"], draft("dev-x", "dev")))
        .await;
    assert_eq!(allowed.status, 200, "{allowed:?}");
    let plan = allowed.json();
    assert_eq!(plan["verdict"]["allowed"], true, "{plan}");
    assert_eq!(
        plan["verdict"]["policies"],
        json!(["teams-write-dev-and-sue"]),
        "{plan}"
    );
    assert_eq!(plan["price_per_day"], "2.16", "{plan}");
    assert_eq!(plan["claim"]["user"], "mia@example.com", "{plan}");
    assert!(
        plan["objects"]
            .as_array()
            .is_some_and(|all| all.contains(&json!({ "kind": "Namespace", "name": "env-dev-x" }))),
        "{plan}"
    );
    let forbidden = scene
        .send(&trial("eve@example.com", &["team2"], draft("dev-x", "dev")))
        .await;
    assert_eq!(forbidden.json()["verdict"]["allowed"], false);
    let unpriced = scene
        .send(&trial(
            "ada@example.com",
            &["platform-admins"],
            draft("prod-x", "prod"),
        ))
        .await
        .json();
    assert_eq!(unpriced["price_per_day"], json!(null));
    assert!(
        unpriced["no_price_because"]
            .as_str()
            .is_some_and(|why| why.contains("general-restricted")),
        "{unpriced}"
    );
    refused(
        &scene.send(&scene.member("GET", &path("dev-x"))).await,
        404,
        "SLW-503",
    );
    assert_eq!(scene.store.versions("dev-x.json").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_can_be_restored_and_what_was_changed_undone() {
    let mut scene = Scene::start(Kind::Versitygw).await;
    let first = scene.made("dev-x", "dev").await;
    let mut body = draft("dev-x", "dev");
    body["services"]["shop"] = "v2.0.0".into();
    let change = scene
        .member("PUT", &path("dev-x"))
        .header("if-match", &first)
        .json(&body);
    assert_eq!(scene.send(&change).await.status, 202);
    let back = scene
        .send(&scene.member("POST", &(path("dev-x") + "/rollback")))
        .await;
    assert_eq!(back.status, 202, "{back:?}");
    assert_eq!(
        back.json()["environment"]["claim"]["services"]["shop"],
        "v1.0.0"
    );

    // As the text shows it: no state is named.
    let gone = scene.send(&scene.member("DELETE", &path("dev-x"))).await;
    assert_eq!(gone.status, 202, "{gone:?}");
    assert_eq!(
        gone.json()["environment"]["withdrawn"]["by"],
        "mia@example.com"
    );
    let seen = scene
        .send(&scene.member("GET", &path("dev-x")))
        .await
        .json();
    assert_eq!(seen["phase"], "Draining", "{seen}");
    let again = scene.send(&scene.member("DELETE", &path("dev-x"))).await;
    let problem = refused(&again, 409, "SLW-508");
    assert!(
        problem["action"]
            .as_str()
            .is_some_and(|way| way.contains("/restore")),
        "{problem}"
    );

    // A program that has just been started knows it from the bucket.
    scene.program.kill().await;
    let fresh = scene
        .program
        .start_again(&scene.store.endpoint, &scene.issuer)
        .await;
    let restore = scene.member("POST", &(path("dev-x") + "/restore"));
    let restored = fresh.send(&restore).await;
    assert_eq!(restored.status, 202, "{restored:?}");
    assert_eq!(
        restored.json()["environment"]["claim"]["services"]["shop"],
        "v1.0.0"
    );
    refused(&fresh.send(&restore).await, 409, "SLW-519");
    fresh.verify_audit(restored.header("slipway-audit")).await;
}

/// The controller says that `dev-x` waits, in that state of its claim.
async fn blocked(scene: &Scene, state: &str) {
    let status = json!({
        "environment_name": "dev-x",
        "source": { "bucket": "environments", "key": "dev-x.json", "etag": state },
        "phase": "Blocked", "since": "2026-05-01T12:00:00Z", "reason": "the quota of instances is used up",
        "blocker": { "kind": "KubernetesCluster", "name": "dev-x" },
    });
    let put = scene
        .store
        .client()
        .put_object()
        .bucket("status")
        .key("dev-x.json");
    put.body(status.to_string().into_bytes().into())
        .send()
        .await
        .expect("a status");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_the_store_itself_hears_the_controller_s_last_word() {
    // After its first look the program does not look again by itself.
    let seldom = json!({ "sweep_seconds": 3600 });
    let scene = Scene::start_with(Kind::Versitygw, &seldom).await;
    let state = scene.made("dev-x", "dev").await;
    blocked(&scene, &state).await;
    let ask = scene.member("GET", &path("dev-x"));
    assert_eq!(scene.send(&ask).await.json()["phase"], "Pending");
    let itself = ask.header("cache-control", "no-cache");
    assert_eq!(scene.send(&itself).await.json()["phase"], "Blocked");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_controller_s_words_are_shown_and_explained() {
    let scene = Scene::start(Kind::Versitygw).await;
    let state = scene.made("dev-x", "dev").await;
    let explain = scene.member("GET", &(path("dev-x") + "/explain"));
    let before = scene.send(&explain).await.json();
    assert_eq!(before["phase"], "Pending", "{before}");
    assert_eq!(
        before["rights"]["DeleteEnvironment"]["policies"],
        json!(["teams-write-dev-and-sue"]),
        "{before}"
    );
    blocked(&scene, &state).await;
    let asked = scene.member("GET", &path("dev-x"));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while scene.send(&asked).await.json()["phase"] != "Blocked" {
        assert!(
            std::time::Instant::now() < deadline,
            "{}",
            scene.program.log()
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let after = scene.send(&explain).await.json();
    assert_eq!(
        after["reason"], "the quota of instances is used up",
        "{after}"
    );
    assert_eq!(after["waits_for"], "KubernetesCluster dev-x", "{after}");
    let blocked = scene
        .send(&scene.member("GET", "/api/v1/environments?phase=Blocked"))
        .await
        .json();
    assert_eq!(blocked["environments"][0]["name"], "dev-x", "{blocked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_hears_what_they_may_see() {
    let scene = Scene::start(Kind::Versitygw).await;
    scene.made("dev-old", "dev").await;
    let mut mine = scene
        .program
        .events(&scene.member("GET", "/api/v1/events"))
        .await;
    let mut others = scene
        .program
        .events(&scene.of("eve@example.com", &["team2"], "GET", "/api/v1/events"))
        .await;
    assert!(mine.next_containing("present").await.contains("dev-old"));
    scene.made("dev-new", "dev").await;
    assert!(mine.next_containing("added").await.contains("dev-new"));
    let removed = scene.send(&scene.member("DELETE", &path("dev-new"))).await;
    assert_eq!(removed.status, 202, "{removed:?}");
    assert!(mine.next_containing("changed").await.contains("Draining"));
    let mut theirs = draft("dev-theirs", "dev");
    theirs["environment_pool"] = "team2".into();
    assert_eq!(
        scene
            .send(&scene.admin("POST", LIST).json(&theirs))
            .await
            .status,
        202
    );
    assert!(others.next_containing("added").await.contains("dev-theirs"));
    assert!(!others.heard().contains("dev-new"), "{}", others.heard());
    refused(
        &scene
            .send(&scene.of(
                "eve@example.com",
                &["team2"],
                "GET",
                &(path("dev-old") + "/events"),
            ))
            .await,
        404,
        "SLW-503",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_told_to_stop_ends_by_itself() {
    let mut scene = Scene::start(Kind::Versitygw).await;
    scene.made("dev-x", "dev").await;
    let mut events = scene
        .program
        .events(&scene.member("GET", "/api/v1/events"))
        .await;
    events.next_containing("present").await;
    let ended = scene.program.terminate().await;
    assert!(ended.success(), "{ended:?} {}", scene.program.log());
    assert!(scene.program.log().contains("stopped"));
}
