//! Traces for an OpenTelemetry collector: a span for each request and for each call it makes, continued from the caller
//! and into what is called (W3C `traceparent`). Off unless an endpoint is configured.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use std::time::Duration;
use tracing::{Instrument, Span, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::registry::LookupSpan;
use url::Url;

#[cfg(test)]
mod tests;

const SERVICE: &str = "platform-api";
/// A collector that does not answer loses spans; it does not hold up the program.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where traces go.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The collector's OTLP/gRPC address, such as `http://127.0.0.1:4317`: an agent on the node, or a mesh in between.
    pub endpoint: Url,
    /// The part of new traces that is kept, from 0 to 1. A caller that has decided already is followed.
    pub sample: f64,
}

/// The sender of traces.
#[derive(Clone, Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

/// Traces cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error(
    "SLW-565: traces cannot be sent to {endpoint}: {why}; correct the trace settings, or leave them out"
)]
pub struct TraceError {
    endpoint: Url,
    why: String,
}

impl Traces {
    /// Starts to send. Must be called inside the runtime; whether the collector is there shows later.
    pub fn start(settings: &Settings) -> Result<Self, TraceError> {
        let failed = |why: String| TraceError {
            endpoint: settings.endpoint.clone(),
            why,
        };
        if settings.endpoint.scheme() != "http" {
            return Err(failed(
                "only http:// is spoken, to an agent on this node or through a mesh".to_owned(),
            ));
        }
        if !(0.0..=1.0).contains(&settings.sample) {
            return Err(failed(format!(
                "the sample {} is not between 0 and 1",
                settings.sample
            )));
        }
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(settings.endpoint.as_str())
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample)));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(sampler)
            .with_resource(Resource::builder().with_service_name(SERVICE).build())
            .build();
        Ok(Self { provider })
    }

    /// The layer that turns the program's spans into traces.
    #[must_use]
    pub fn layer<S>(&self) -> OpenTelemetryLayer<S, SdkTracer>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer().with_tracer(self.provider.tracer(SERVICE))
    }

    /// Sends what is left and stops.
    pub async fn stop(self) {
        // It waits for the sender's own thread, which needs this runtime to go on.
        let stopped =
            tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(PATIENCE));
        if let Ok(Err(error)) = stopped.await {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// The middleware that opens the span of a request, as a child of the caller's if it sent one.
pub async fn follow(request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str);
    let method = request.method().as_str();
    let span = tracing::info_span!(
        "request",
        otel.name = format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
    );
    let parent = TraceContextPropagator::new().extract(&Incoming(request.headers()));
    // Fails only when traces are off.
    let _ = span.set_parent(parent);
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response
}

/// Puts the `traceparent` of the current span on a request to somebody else.
pub fn carry(headers: &mut HeaderMap) {
    let context = Span::current().context();
    TraceContextPropagator::new().inject_context(&context, &mut Outgoing(headers));
}

struct Incoming<'a>(&'a HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Outgoing<'a>(&'a mut HeaderMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        let pair = HeaderName::from_bytes(key.as_bytes())
            .ok()
            .zip(HeaderValue::from_str(&value).ok());
        if let Some((name, value)) = pair {
            self.0.insert(name, value);
        }
    }
}
