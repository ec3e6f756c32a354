//! Against a collector of our own that speaks the real protocol.

use super::*;
use crate::metrics::{Call, Metrics};
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::get;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span as Received;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tower::ServiceExt;
use tracing::instrument::WithSubscriber;
use tracing_subscriber::layer::SubscriberExt;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

#[derive(Clone, Default)]
struct Collector {
    spans: Arc<Mutex<Vec<Received>>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let resources = request.into_inner().resource_spans;
        let scopes = resources
            .into_iter()
            .flat_map(|resource| resource.scope_spans);
        let spans = scopes.flat_map(|scope| scope.spans);
        self.spans.lock().expect("a lock").extend(spans);
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    async fn listen(&self) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(self.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        format!("http://{address}").parse().expect("a URL")
    }

    fn span(&self, name: &str) -> Received {
        let spans = self.spans.lock().expect("a lock");
        let found = spans.iter().find(|span| span.name == name);
        found.cloned().unwrap_or_else(|| {
            let names: Vec<_> = spans.iter().map(|span| &span.name).collect();
            panic!("no span {name} among {names:?}")
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Calls the store, then tells what it would send to somebody else.
async fn handler() -> Result<String, StatusCode> {
    let call = Call::new("store", "get");
    let got: Result<(), ()> = Metrics::new().call(call, async { Ok(()) }).await;
    got.map_err(|()| StatusCode::INTERNAL_SERVER_ERROR)?;
    let mut headers = HeaderMap::new();
    carry(&mut headers);
    let carried = headers.get("traceparent").ok_or(StatusCode::BAD_GATEWAY)?;
    let text = carried.to_str().map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_of_its_callers_trace_with_a_span_for_each_call() {
    let collector = Collector::default();
    let settings = Settings {
        endpoint: collector.listen().await,
        // The caller's decision counts, not ours.
        sample: 0.0,
    };
    let traces = Traces::start(&settings).expect("the sender starts");
    let subscriber = tracing_subscriber::registry().with(traces.layer());
    let app = Router::new()
        .route("/environments/{name}", get(handler))
        .layer(axum::middleware::from_fn(follow));
    let request = Request::builder()
        .uri("/environments/shop")
        .header("traceparent", format!("00-{TRACE}-{CALLER}-01"))
        .body(Body::empty())
        .expect("a request");
    let answer = app
        .oneshot(request)
        .with_subscriber(subscriber)
        .await
        .expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let body = axum::body::to_bytes(answer.into_body(), 1000)
        .await
        .expect("a body");
    traces.stop().await;

    let server = collector.span("GET /environments/{name}");
    assert_eq!(hex(&server.trace_id), TRACE);
    assert_eq!(hex(&server.parent_span_id), CALLER);
    let call = collector.span("store get");
    assert_eq!(call.trace_id, server.trace_id);
    assert_eq!(call.parent_span_id, server.span_id);
    let onwards = format!("00-{TRACE}-{}-01", hex(&server.span_id));
    assert_eq!(body, onwards.as_bytes());
    let status = server
        .attributes
        .iter()
        .find(|attribute| attribute.key == "http.response.status_code");
    assert!(status.is_some(), "{:?}", server.attributes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_holds_up_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let settings = Settings {
        endpoint: format!("http://{address}").parse().expect("a URL"),
        sample: 1.0,
    };
    let traces = Traces::start(&settings).expect("the sender starts");
    let subscriber = tracing_subscriber::registry().with(traces.layer());
    async { tracing::info_span!("lost").in_scope(|| ()) }
        .with_subscriber(subscriber)
        .await;
    tokio::time::timeout(2 * PATIENCE, traces.stop())
        .await
        .expect("it stops in time");
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_refused() {
    for (endpoint, sample) in [
        ("https://collector:4317", 1.0),
        ("http://collector:4317", 1.5),
    ] {
        let settings = Settings {
            endpoint: endpoint.parse().expect("a URL"),
            sample,
        };
        let refused = Traces::start(&settings).expect_err("they are refused");
        assert!(refused.to_string().starts_with("SLW-565: "), "{refused}");
    }
}
