//! A door between the program and its store. It stops at a chosen step of a write, so that the program can be killed
//! there: with the request still on its way, or with its effect done and the answer never given.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, TRANSFER_ENCODING};
use axum::response::{IntoResponse, Response};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

const LARGEST: usize = 1 << 24;

/// Where the door stops, counted in requests about one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The store never sees the request.
    Before(usize),
    /// The store has done it, and its answer goes no further.
    After(usize),
}

/// The door. It closes with the test.
pub(crate) struct Door {
    pub(crate) endpoint: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    upstream: String,
    client: reqwest::Client,
    watch: Mutex<Watch>,
    reached: Notify,
}

#[derive(Default)]
struct Watch {
    object: String,
    stop: Option<Step>,
    seen: Vec<String>,
}

impl Door {
    pub(crate) async fn to(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
            watch: Mutex::default(),
            reached: Notify::new(),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router)
                .await
                .expect("the door serves");
        });
        Self {
            endpoint,
            shared,
            serving,
        }
    }

    /// Watches the requests about an object, and stops at a step of them.
    pub(crate) fn watch(&self, object: &str, stop: Option<Step>) {
        *self.shared.watch.lock().expect("a lock") = Watch {
            object: object.to_owned(),
            stop,
            seen: Vec::new(),
        };
    }

    /// What was asked about the object, in its order.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.shared.watch.lock().expect("a lock").seen.clone()
    }

    /// Waits until the step is reached.
    pub(crate) async fn reached(&self) {
        self.shared.reached.notified().await;
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    /// Counts a request about the object; tells whether to stop before or after it.
    fn step(&self, request: &Request) -> (bool, bool) {
        let mut watch = self.watch.lock().expect("a lock");
        if watch.object.is_empty() || !request.uri().path().ends_with(&watch.object) {
            return (false, false);
        }
        let number = watch.seen.len();
        watch
            .seen
            .push(format!("{} {}", request.method(), request.uri().path()));
        (
            watch.stop == Some(Step::Before(number)),
            watch.stop == Some(Step::After(number)),
        )
    }

    async fn stop(&self) -> Response {
        self.reached.notify_one();
        std::future::pending().await
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (before, after) = shared.step(&request);
    if before {
        return shared.stop().await;
    }
    let answer = forward(&shared, request).await;
    if after {
        return shared.stop().await;
    }
    answer.unwrap_or_else(|error| (StatusCode::BAD_GATEWAY, error.to_string()).into_response())
}

/// Hands the request on as it is: its signature covers the host that the program asked for.
async fn forward(shared: &Shared, request: Request) -> Result<Response, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST).await.unwrap_or_default();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let answer = shared
        .client
        .request(parts.method, format!("{}{path}", shared.upstream))
        .headers(parts.headers)
        .body(body)
        .send()
        .await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    let headers = response.headers_mut();
    *headers = answer.headers().clone();
    // How the bytes came over this line says nothing about the next one.
    headers.remove(CONNECTION);
    headers.remove(TRANSFER_ENCODING);
    *response.body_mut() = Body::from(answer.bytes().await?);
    Ok(response)
}
