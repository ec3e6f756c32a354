//! Engines that do not answer, or not with what was asked for.

use crate::documents::document;
use crate::node::settings;
use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use search::{Access, Filter, Index, Limits, Query, SearchError, Settings};
use secrecy::SecretString;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// An engine that answers everything with the same, and remembers what it was asked and by whom.
async fn answering(status: StatusCode, body: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let remember = Arc::clone(&asked);
    let router = Router::new().fallback(
        async move |method: Method, uri: Uri, headers: HeaderMap, text: String| {
            let who = headers
                .get("authorization")
                .and_then(|value| value.to_str().ok())
                .unwrap_or("nobody");
            remember
                .lock()
                .expect("a lock")
                .push(format!("{method} {uri} {who} {text}"));
            (status, body)
        },
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, asked)
}

fn index(address: &str) -> Index {
    Index::new(settings(address)).expect("an index")
}

async fn find(index: &Index) -> Result<search::Page, SearchError> {
    index.find(&Query::everything(), &Filter::nothing()).await
}

#[tokio::test]
async fn nobody_there_is_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/", listener.local_addr().expect("an address"));
    drop(listener);
    let begun = Instant::now();
    let index = index(&address);
    assert!(matches!(
        find(&index).await,
        Err(SearchError::Unavailable { .. })
    ));
    assert!(matches!(
        index.put(&[document("a", "Ready", 1)]).await,
        Err(SearchError::Unavailable { .. })
    ));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn silence_is_waited_for_no_longer_than_its_limit() {
    // Takes connections and never says a word.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let limits = Limits {
        question: Duration::from_millis(300),
        batch: Duration::from_millis(600),
        ..Limits::default()
    };
    let address = format!("http://{}/", listener.local_addr().expect("an address"));
    let index = Index::new(Settings {
        limits,
        ..settings(&address)
    })
    .expect("an index");
    let begun = Instant::now();
    let error = find(&index).await.expect_err("no answer");
    assert!(
        error.to_string().starts_with("SLW-601: ") && error.to_string().contains("not within"),
        "{error}"
    );
    assert!(matches!(
        index.put(&[document("a", "Ready", 1)]).await,
        Err(SearchError::Unavailable { .. })
    ));
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn each_refusal_is_told_for_what_it_is() {
    for (status, body, code) in [
        (
            StatusCode::UNAUTHORIZED,
            r#"{"error":"missing token"}"#,
            "SLW-602",
        ),
        (
            StatusCode::FORBIDDEN,
            r#"{"error":{"reason":"no permissions"}}"#,
            "SLW-602",
        ),
        (
            StatusCode::NOT_FOUND,
            r#"{"error":{"reason":"no such index"}}"#,
            "SLW-603",
        ),
        (
            StatusCode::BAD_REQUEST,
            r#"{"error":{"reason":"too many clauses"}}"#,
            "SLW-604",
        ),
        (StatusCode::TOO_MANY_REQUESTS, "{}", "SLW-601"),
        (StatusCode::SERVICE_UNAVAILABLE, "<html>", "SLW-601"),
        (StatusCode::OK, "<html>", "SLW-605"),
        (StatusCode::OK, "{}", "SLW-605"),
        (
            StatusCode::OK,
            r#"{"timed_out":true,"hits":{"total":{"value":0},"hits":[]}}"#,
            "SLW-601",
        ),
    ] {
        let (address, _) = answering(status, body).await;
        let error = find(&index(&address))
            .await
            .expect_err("a refusal")
            .to_string();
        assert!(error.starts_with(code), "{status} {body}: {error}");
    }
}

#[tokio::test]
async fn half_an_answer_to_a_batch_is_no_answer() {
    let one = r#"{"items":[{"index":{"_id":"a","status":201}}]}"#;
    let busy = r#"{"items":[{"index":{"_id":"a","status":201}},{"index":{"_id":"b","status":429,"error":{"reason":"queue full"}}}]}"#;
    let both = [document("a", "Ready", 1), document("b", "Ready", 1)];
    for (body, code) in [(one, "SLW-605"), (busy, "SLW-601")] {
        let (address, _) = answering(StatusCode::OK, body).await;
        let error = index(&address)
            .put(&both)
            .await
            .expect_err("half of it")
            .to_string();
        assert!(error.starts_with(code), "{error}");
    }
}

#[tokio::test]
async fn the_secret_is_sent_and_never_shown() {
    let (address, asked) = answering(StatusCode::UNAUTHORIZED, r#"{"error":"who?"}"#).await;
    let canary = || SecretString::from("canary-3f9a");
    let basic = Access::Basic {
        user: "slipway".to_owned(),
        password: canary(),
    };
    for (access, sent) in [
        (basic, "Basic c2xpcHdheTpjYW5hcnktM2Y5YQ=="),
        (Access::ApiKey(canary()), "ApiKey canary-3f9a"),
        (Access::Open, "nobody"),
    ] {
        let settings = Settings {
            access,
            ..settings(&address)
        };
        let shown = format!("{settings:?}");
        let index = Index::new(settings).expect("an index");
        let error = find(&index).await.expect_err("a refusal");
        for text in [
            shown,
            format!("{index:?}"),
            error.to_string(),
            format!("{error:?}"),
        ] {
            assert!(!text.contains("canary"), "{text}");
        }
        let last = asked.lock().expect("a lock").pop().expect("a request");
        assert!(last.contains(sent), "{last}");
    }
}

#[tokio::test]
async fn elasticsearch_gets_its_own_word_for_a_field_of_any_shape() {
    let (address, asked) = answering(
        StatusCode::OK,
        r#"{"version":{"number":"9.1.0"},"tagline":"You Know, for Search"}"#,
    )
    .await;
    // What comes after the template does not matter here: this engine knows one answer only.
    let _ = index(&address).prepare().await;
    let asked = asked.lock().expect("a lock").join("\n");
    assert!(
        asked.contains("PUT /_index_template/environments-v1")
            && asked.contains(r#""type":"flattened""#),
        "{asked}"
    );
    assert!(!asked.contains("flat_object"), "{asked}");
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (address, ca) in [
        ("ftp://127.0.0.1/", None),
        ("http://user:secret-canary@127.0.0.1/", None),
        ("https://127.0.0.1/", Some("no pem")),
    ] {
        let settings = Settings {
            ca_pem: ca.map(str::to_owned),
            ..settings(address)
        };
        let error = Index::new(settings).expect_err("a refusal").to_string();
        assert!(
            error.starts_with("SLW-600") && !error.contains("canary"),
            "{error}"
        );
    }
}
