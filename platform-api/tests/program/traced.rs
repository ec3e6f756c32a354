//! Whoever is called by the program learns whose trace the call belongs to. A search engine and a GitLab do not tell what
//! headers they were sent, so a recorder stands in front of each, which sends on what it gets and keeps its head.

use crate::gitlab::GitLab;
use crate::scene::{LIST, Scene, draft};
use crate::searched::node::Node;
use crate::store::Kind;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::response::Response;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const PATIENCE: Duration = Duration::from_mins(2);

/// Sends requests on to somebody, and keeps their heads.
struct Recorder {
    url: String,
    heads: Heads,
}

type Heads = Arc<Mutex<Vec<(String, HeaderMap)>>>;

#[derive(Clone)]
struct Onwards {
    to: String,
    http: reqwest::Client,
    heads: Heads,
}

impl Recorder {
    /// A recorder in front of `to`, which ends with a slash.
    async fn before(to: &str) -> Self {
        let heads = Heads::default();
        let onwards = Onwards {
            to: to.trim_end_matches('/').to_owned(),
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
            heads: heads.clone(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(send_on).with_state(onwards);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, heads }
    }

    /// The traces of the requests so far whose line holds these words.
    fn traces(&self, words: &str) -> Vec<Option<String>> {
        let heads = self.heads.lock().expect("a lock");
        let found = heads.iter().filter(|(line, _)| line.contains(words));
        let trace = |headers: &HeaderMap| {
            let value = headers.get("traceparent")?.to_str().expect("a text");
            Some(value.to_owned())
        };
        found.map(|(_, headers)| trace(headers)).collect()
    }
}

async fn send_on(State(onwards): State<Onwards>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().expect("a path").as_str();
    let line = format!("{} {path}", head.method);
    let kept = (line, head.headers.clone());
    onwards.heads.lock().expect("a lock").push(kept);
    let mut headers = head.headers;
    headers.remove(HOST);
    headers.remove(CONTENT_LENGTH);
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let answer = onwards
        .http
        .request(head.method, format!("{}{path}", onwards.to))
        .headers(headers)
        .body(body)
        .send()
        .await
        .expect("an answer");
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
            response = response.header(name, value);
        }
    }
    let body = answer.bytes().await.expect("a body");
    response.body(Body::from(body)).expect("a response")
}

/// All of them belong to the caller's trace, and were made by a span of the program, not by the caller's.
fn belong_to_the_caller(traces: &[Option<String>], what: &str) {
    assert!(!traces.is_empty(), "{what} was not called");
    for trace in traces {
        let trace = trace.as_deref().unwrap_or_default();
        let [_, id, span, kept] = trace.split('-').collect::<Vec<_>>()[..] else {
            panic!("{what} was called with the trace {trace:?}");
        };
        assert_eq!((id, kept), (TRACE, "01"), "{what}");
        assert_ne!(span, CALLER, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_engine_and_gitlab_are_told_the_trace_of_the_caller() {
    let node = Node::empty().await;
    let engine = Recorder::before(&node.address).await;
    let gitlab = GitLab::start("platform/environments").await;
    let git = Recorder::before(&gitlab.url).await;
    let folder = tempfile::tempdir().expect("a folder");
    let token = folder.path().join("token");
    std::fs::write(&token, GitLab::token()).expect("a token");
    // Nobody takes the spans; what the program tells others does not depend on that.
    let collector = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let collector = collector.local_addr().expect("an address");
    let more = json!({
        "search": { "address": engine.url },
        "gitlab": { "url": git.url, "token_file": token },
        "traces": { "endpoint": format!("http://{collector}"), "sample": 0.0 },
    });
    let scene = Scene::start_with(Kind::Versitygw, &more).await;
    let parent = format!("00-{TRACE}-{CALLER}-01");

    let ask = scene.admin("GET", &format!("{LIST}?q=dev"));
    let ask = ask.header("traceparent", &parent);
    let deadline = Instant::now() + PATIENCE;
    while scene.send(&ask).await.status != 200 {
        assert!(Instant::now() < deadline, "{}", scene.program.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    belong_to_the_caller(&engine.traces("_search"), "the search engine");

    let mut claim = draft("prod-new", "prod");
    claim["deployment_method"] = "git".into();
    claim["git_repository"] = format!("{}platform/environments", git.url).into();
    claim["branch"] = "main".into();
    let propose = scene.admin("POST", LIST).header("traceparent", &parent);
    let answer = scene.send(&propose.json(&claim)).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let traces = git.traces("/api/v4/projects/");
    assert_eq!(traces.len(), 2, "a commit and a merge request: {traces:?}");
    belong_to_the_caller(&traces, "GitLab");
}
