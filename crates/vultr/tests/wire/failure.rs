//! What becomes of answers that are no success, and of answers that never come.

use std::time::{Duration, Instant};

use serde_json::json;
use vultr::{Budget, Client, Error};

use crate::server::{KEY, Reply, Server, client, error, page, vpc};

fn account() -> Reply {
    Reply::Json(
        200,
        json!({"account": {"name": "A", "email": "a@example.com", "acls": [], "balance": -10, "pending_charges": 0.5}}),
    )
}

#[tokio::test]
async fn the_key_travels_in_its_header_and_in_nothing_else() {
    let server = Server::start(|_| account()).await;
    server.client().account().await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].authorization, format!("Bearer {KEY}"));
    assert!(!seen[0].line.contains(KEY));
}

#[tokio::test]
async fn no_error_repeats_the_key() {
    let server = Server::start(|_| error(401, &format!("Invalid API token {KEY}."))).await;
    let failed = server.client().account().await.unwrap_err();
    assert_eq!(failed.code(), "SLW-201");
    assert!(failed.is_access());
    assert!(!format!("{failed} {failed:?}").contains(KEY), "{failed}");
    assert!(
        failed
            .to_string()
            .contains("Invalid API token [the API key]. (HTTP 401)"),
        "{failed}"
    );
    assert_eq!(server.seen().len(), 1, "a refused key is not tried again");
}

#[tokio::test]
async fn access_and_absence_have_types_of_their_own() {
    for (status, text, code) in [
        (401, "Unauthorized IP address: 203.0.113.7", "SLW-201"),
        (403, "No permission", "SLW-202"),
        (400, "Bad request.", "SLW-204"),
        (422, "Unprocessable", "SLW-204"),
        (400, "VPC is attached to 10.0.0.3", "SLW-205"),
    ] {
        let server = Server::start(move |_| error(status, text)).await;
        let failed = server.client().vpc("v1").await.unwrap_err();
        assert_eq!(failed.code(), code);
        assert!(failed.to_string().contains(text), "{failed}");
        assert!(failed.to_string().contains("GET /v2/vpcs/v1"), "{failed}");
        assert_eq!(server.seen().len(), 1, "{text} is final");
    }
    let server = Server::start(|_| error(404, "Invalid VPC ID")).await;
    assert!(server.client().vpc("v1").await.unwrap().is_none());
    let server = Server::start(|_| error(400, "invalid instance ID")).await;
    assert!(server.client().instance("i1").await.unwrap().is_none());
}

#[tokio::test]
async fn only_the_api_can_prove_absence() {
    for reply in [
        || {
            Reply::With(
                404,
                vec![("content-type", "text/html".into())],
                "<h1>Not Found</h1>".into(),
            )
        },
        || Reply::Empty(404),
        || Reply::With(302, vec![("location", "/elsewhere".into())], String::new()),
    ] {
        let server = Server::start(move |_| reply()).await;
        let failed = server.client().vpc("v1").await.unwrap_err();
        assert_eq!(failed.code(), "SLW-211", "{failed}");
        assert_eq!(server.seen().len(), 1, "no redirect is followed");
    }
}

#[tokio::test]
async fn a_request_id_reaches_the_error() {
    let server = Server::start(|_| {
        Reply::With(
            400,
            vec![("x-request-id", "req-7".into())],
            r#"{"error":"Bad request.","status":400}"#.into(),
        )
    })
    .await;
    let failed = server.client().vpc("v1").await.unwrap_err();
    assert!(
        failed
            .to_string()
            .contains("Bad request. (HTTP 400, request req-7)"),
        "{failed}"
    );
}

#[tokio::test]
async fn reads_are_repeated_after_every_failure_that_passes() {
    for trouble in [
        || error(500, "Internal server error."),
        || error(503, "Service unavailable"),
        || error(429, "rate limit exceeded"),
        || {
            Reply::With(
                502,
                vec![("content-type", "text/html".into())],
                "<h1>Bad gateway</h1>".into(),
            )
        },
        || Reply::Cut(200, r#"{"account":{"name":"A","#),
        || Reply::With(200, vec![], r#"{"account":{"name":"A","#.into()),
        || Reply::Silence,
    ] {
        let server =
            Server::start(move |seen| if seen.n < 2 { trouble() } else { account() }).await;
        server.client().account().await.unwrap();
        assert_eq!(server.seen().len(), 3);
    }
}

#[tokio::test]
async fn repeats_are_bounded_and_say_so() {
    for (trouble, code, told) in [
        (
            (|| error(500, "Internal server error.")) as fn() -> Reply,
            "SLW-207",
            "failed 3 times",
        ),
        (
            || error(429, "rate limit exceeded"),
            "SLW-206",
            "after 3 attempts",
        ),
        (|| Reply::Silence, "SLW-208", "after 3 attempts"),
        (|| Reply::Cut(200, "{"), "SLW-208", "after 3 attempts"),
    ] {
        let server = Server::start(move |_| trouble()).await;
        let failed = server.client().account().await.unwrap_err();
        assert_eq!(failed.code(), code);
        assert!(failed.to_string().contains(told), "{failed}");
        assert!(failed.is_transient());
        assert_eq!(server.seen().len(), 3);
    }
    let server = Server::start(|_| error(501, "Not implemented")).await;
    server.client().account().await.unwrap_err();
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn retry_after_holds_for_every_clone() {
    let server = Server::start(|seen| match seen.n {
        0 => Reply::With(
            429,
            vec![("retry-after", "1".into())],
            r#"{"error":"rate limit exceeded","status":429}"#.into(),
        ),
        _ => account(),
    })
    .await;
    let client = server.client();
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.account().await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    client.account().await.unwrap();
    first.await.unwrap().unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen[1].at - seen[0].at >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_pause_longer_than_patience_ends_the_call() {
    let server = Server::start(|_| {
        Reply::With(
            429,
            vec![("retry-after", "3600".into())],
            r#"{"error":"rate limit exceeded","status":429}"#.into(),
        )
    })
    .await;
    let start = Instant::now();
    let failed = server.client().account().await.unwrap_err();
    assert_eq!(failed.code(), "SLW-206");
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_host_that_nobody_serves_is_an_error_without_the_key() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let failed = client(&url).account().await.unwrap_err();
    assert_eq!(failed.code(), "SLW-208");
    assert!(
        failed
            .to_string()
            .to_lowercase()
            .contains("connection refused"),
        "{failed}"
    );
    assert!(!failed.to_string().contains(KEY));
    // What was never sent was never made.
    let failed = client(&url).create_ssh_key("n", "k").await.unwrap_err();
    assert!(
        matches!(failed, Error::Unreachable { attempts: 3, .. }),
        "{failed}"
    );
}

#[tokio::test]
async fn a_prefix_of_the_path_is_kept() {
    let server = Server::start(|_| page("vpcs", &[vpc("v1", "")], 1, "")).await;
    for (suffix, path) in [
        ("", "/v2"),
        ("/v2", "/v2"),
        ("/gate", "/gate/v2"),
        ("/gate/v2/", "/gate/v2"),
    ] {
        client(&format!("{}{suffix}", server.url))
            .vpcs()
            .await
            .unwrap();
        assert_eq!(
            server.lines().pop().unwrap(),
            format!("GET {path}/vpcs?per_page=500")
        );
    }
}

#[tokio::test]
async fn an_object_without_an_id_is_not_asked_for() {
    let server = Server::start(|seen| panic!("{}", seen.line)).await;
    let failed = server.client().delete_vpc("").await.unwrap_err();
    assert_eq!(failed.code(), "SLW-217");
}

#[tokio::test]
async fn clones_share_one_budget() {
    let server = Server::start(|_| account()).await;
    let client = Client::builder(KEY.to_owned().into())
        .address(&server.url)
        .budget(Budget::new(40, 5))
        .build()
        .unwrap();
    let tasks: Vec<_> = (0..25)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.account().await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let seen = server.seen();
    // Five at once and twenty more at 40 a second take half a second.
    assert!(seen[24].at - seen[0].at >= Duration::from_millis(450));
}
