//! Static environments: shown, never changed here, and proposed by merge requests.

use crate::gitlab::GitLab;
use crate::scene::{LIST, Scene, draft, path, refused};
use crate::store::Kind;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const REPOSITORY: &str = "platform/environments";

fn managed_in_git(name: &str, url: &str) -> Value {
    let mut claim = draft(name, "prod");
    claim["deployment_method"] = "git".into();
    claim["git_repository"] = format!("{url}{REPOSITORY}").into();
    claim["branch"] = "main".into();
    claim
}

/// The folder holds the token.
async fn scene(gitlab: &GitLab, folder: &TempDir) -> Scene {
    let token = folder.path().join("token");
    std::fs::write(&token, GitLab::token()).expect("a token");
    let more = json!({
        "gitlab": { "url": gitlab.url, "token_file": token },
        "git_types": ["prod"],
    });
    Scene::start_with(Kind::Versitygw, &more).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_environment_is_shown_and_changed_in_git_alone() {
    let gitlab = GitLab::start(REPOSITORY).await;
    let folder = tempfile::tempdir().expect("a folder");
    let scene = scene(&gitlab, &folder).await;
    let mut claim = managed_in_git("prod-main", &gitlab.url);
    claim["user"] = "ada@example.com".into();
    claim["creation_date"] = "2026-01-01T00:00:00Z".into();
    let put = scene
        .store
        .client()
        .put_object()
        .bucket("static-environments")
        .key("prod-main.json");
    put.body(claim.to_string().into_bytes().into())
        .send()
        .await
        .expect("the pipeline writes");
    let ask = scene.admin("GET", &path("prod-main"));
    let deadline = Instant::now() + Duration::from_secs(30);
    while scene.send(&ask).await.status != 200 {
        assert!(Instant::now() < deadline, "{}", scene.program.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let seen = scene.send(&ask).await.json();
    assert_eq!(seen["origin"], "git", "{seen}");
    let state = seen["etag"].as_str().expect("a state");
    let change = scene
        .admin("PUT", &path("prod-main"))
        .header("if-match", state);
    for request in [
        change.json(&draft("prod-main", "prod")),
        scene.admin("DELETE", &path("prod-main")),
        scene
            .admin("DELETE", &path("prod-main"))
            .header("if-match", state),
        scene.admin("POST", &(path("prod-main") + "/rollback")),
        scene.admin("POST", &(path("prod-main") + "/restore")),
    ] {
        let problem = refused(&scene.send(&request).await, 409, "SLW-506");
        let told = problem["detail"].as_str().expect("why");
        assert!(
            told.contains(REPOSITORY) && told.contains("main"),
            "{problem}"
        );
    }
    // Its name is taken for dynamic environments too.
    let twin = scene.admin("POST", LIST).json(&draft("prod-main", "dev"));
    refused(&scene.send(&twin).await, 409, "SLW-507");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_environment_is_proposed_by_one_merge_request_however_often_it_is_sent() {
    let gitlab = GitLab::start(REPOSITORY).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut scene = scene(&gitlab, &folder).await;
    let plain = scene.admin("POST", LIST).json(&draft("prod-new", "prod"));
    let problem = refused(&scene.send(&plain).await, 422, "SLW-410");
    assert_eq!(
        problem["faults"][0]["pointer"], "/deployment_method",
        "{problem}"
    );

    let propose = scene
        .admin("POST", LIST)
        .header("idempotency-key", "one")
        .json(&managed_in_git("prod-new", &gitlab.url));
    let answer = scene.send(&propose).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let opened = answer.json()["merge_request"].clone();
    // Another program, which does not know that it was answered already.
    scene.program.kill().await;
    scene.program = scene
        .program
        .start_again(&scene.store.endpoint, &scene.issuer)
        .await;
    let again = scene.send(&propose).await;
    assert_eq!(again.json()["merge_request"], opened, "{again:?}");

    let requests = gitlab.merge_requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0]["target_branch"], "main");
    let (file, content) = gitlab.only_file();
    assert_eq!(file, "environments/prod-new.json");
    let claim = claims::Claim::read(content.as_bytes()).expect("a claim");
    assert_eq!(
        (claim.user.as_str(), claim.git.is_some()),
        ("ada@example.com", true)
    );
    refused(
        &scene.send(&scene.admin("GET", &path("prod-new"))).await,
        404,
        "SLW-503",
    );

    let elsewhere = managed_in_git("prod-other", "https://git.elsewhere.example/");
    refused(
        &scene
            .send(&scene.admin("POST", LIST).json(&elsewhere))
            .await,
        422,
        "SLW-522",
    );
}
