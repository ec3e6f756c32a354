//! A server that answers by script and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use vultr::{Budget, Client, Jitter, Pace, Retry};

pub(crate) const KEY: &str = "CANARY-KEY-0123456789";

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Position, from 0.
    pub(crate) n: usize,
    /// `METHOD /path?query`.
    pub(crate) line: String,
    pub(crate) authorization: String,
    pub(crate) body: Value,
    pub(crate) at: Instant,
}

/// How the server answers.
pub(crate) enum Reply {
    Json(u16, Value),
    Empty(u16),
    With(u16, Vec<(&'static str, String)>, String),
    /// The head of an answer and less of its body than the head promises.
    Cut(u16, &'static str),
    /// A connection held open without an answer.
    Silence,
}

/// The server; it ends with the value.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, log) = (Arc::new(script), Arc::clone(&seen));
        let app = Router::new().fallback(move |request: Request| {
            let (script, log) = (Arc::clone(&script), Arc::clone(&log));
            async move {
                let call = record(request, &log).await;
                answer(script(&call)).await
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, seen, task }
    }

    /// A client with short waits.
    pub(crate) fn client(&self) -> Client {
        client(&self.url)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// `METHOD /path?query` of every request.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn client(url: &str) -> Client {
    Client::builder(KEY.to_owned().into())
        .address(url)
        .answer_within(Duration::from_millis(300))
        .budget(Budget::new(1_000, 100))
        .retry(Retry {
            attempts: 3,
            first: Duration::from_millis(4),
            longest: Duration::from_millis(8),
            patience: Duration::from_secs(2),
        })
        .pace(Pace {
            first: Duration::from_millis(2),
            longest: Duration::from_millis(10),
        })
        .jitter(Jitter::new(|| 0.5))
        .build()
        .unwrap()
}

/// An error in the API's form.
pub(crate) fn error(status: u16, text: &str) -> Reply {
    Reply::Json(status, json!({"error": text, "status": status}))
}

/// One page of a listing.
pub(crate) fn page(key: &str, items: &[Value], total: usize, next: &str) -> Reply {
    Reply::Json(
        200,
        json!({key: items, "meta": {"total": total, "links": {"next": next, "prev": ""}}}),
    )
}

pub(crate) fn vpc(id: &str, description: &str) -> Value {
    json!({
        "id": id, "region": "ams", "description": description, "v4_subnet": "10.20.0.0",
        "v4_subnet_mask": 20, "date_created": "2026-07-07T22:57:01+00:00",
    })
}

async fn record(request: Request, log: &Mutex<Vec<Seen>>) -> Seen {
    let line = format!("{} {}", request.method(), request.uri());
    let authorization = request.headers()["authorization"]
        .to_str()
        .unwrap()
        .to_owned();
    let bytes = axum::body::to_bytes(request.into_body(), 1 << 20)
        .await
        .unwrap();
    let body = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).unwrap()
    };
    let mut log = log.lock().unwrap();
    let seen = Seen {
        n: log.len(),
        line,
        authorization,
        body,
        at: Instant::now(),
    };
    log.push(seen.clone());
    seen
}

async fn answer(reply: Reply) -> Response {
    let response = Response::builder();
    match reply {
        Reply::Json(status, value) => response
            .status(status)
            .header("content-type", "application/json")
            .body(Body::from(value.to_string())),
        Reply::Empty(status) => response.status(status).body(Body::empty()),
        Reply::With(status, headers, body) => headers
            .into_iter()
            .fold(response.status(status), |response, (name, value)| {
                response.header(name, value)
            })
            .body(Body::from(body)),
        Reply::Cut(status, start) => response
            .status(status)
            .header("content-type", "application/json")
            .header("content-length", start.len() + 100)
            .body(Body::from_stream(Halves(Some(start)))),
        Reply::Silence => std::future::pending().await,
    }
    .unwrap()
}

/// A body that breaks off.
struct Halves(Option<&'static str>);

impl futures::Stream for Halves {
    type Item = std::io::Result<Bytes>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(Some(match self.0.take() {
            Some(start) => Ok(Bytes::from_static(start.as_bytes())),
            None => Err(std::io::Error::other("cut")),
        }))
    }
}
