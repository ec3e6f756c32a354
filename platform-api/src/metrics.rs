//! What the operator's dashboards read at `/metrics`: latency, traffic, errors, saturation.
//!
//! Labels are route templates, methods, statuses and names of calls. No label holds what a client sent, so the number
//! of series does not grow with use.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tracing::Instrument;

#[cfg(test)]
mod tests;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// From what a decision in memory takes to what a store in trouble takes.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// A decision takes microseconds.
const FINE_BUCKETS: [f64; 12] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0,
];
const UNMATCHED: &str = "unmatched";
const NEVER: i64 = i64::MIN;

/// The figures of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    latency: Family<RouteLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    calls: Family<CallLabels, Histogram, fn() -> Histogram>,
    limited: Counter,
    environments: Gauge,
    audit_records: Gauge,
    policy_age: Gauge<f64, std::sync::atomic::AtomicU64>,
    policy_loaded: AtomicI64,
    policy_faults: Gauge,
    sweep_age: Gauge<f64, std::sync::atomic::AtomicU64>,
    swept: AtomicI64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
    method: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    system: &'static str,
    operation: &'static str,
    outcome: &'static str,
}

/// A call to something that can be slow or fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// `store`, `policy`, `search`, `identity`, `registry` or `git`.
    pub system: &'static str,
    /// What is asked of it, such as `get` or `put`.
    pub operation: &'static str,
}

impl Metrics {
    /// Figures that all stand at nothing.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("platform_api");
        let latency: Family<RouteLabels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let calls: Family<CallLabels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(FINE_BUCKETS));
        let (requests, in_flight, limited) =
            (Family::default(), Gauge::default(), Counter::default());
        let (environments, audit_records) = (Gauge::default(), Gauge::default());
        let (policy_age, sweep_age) = (Gauge::default(), Gauge::default());
        registry.register_with_unit(
            "request_duration",
            "Time from a request's arrival to the head of its answer",
            Unit::Seconds,
            latency.clone(),
        );
        registry.register("requests", "Requests answered", requests.clone());
        registry.register(
            "requests_in_flight",
            "Requests being worked on now",
            in_flight.clone(),
        );
        registry.register_with_unit(
            "call_duration",
            "Time that a call to the store, the policies, the search or another system took",
            Unit::Seconds,
            calls.clone(),
        );
        registry.register(
            "requests_limited",
            "Requests refused because their principal sent too many",
            limited.clone(),
        );
        registry.register(
            "environments",
            "Environments in the view that reads are answered from",
            environments.clone(),
        );
        registry.register(
            "audit_records",
            "Number of the newest audit record; it only grows, so it anchors the end of the log",
            audit_records.clone(),
        );
        registry.register_with_unit(
            "policy_age",
            "Time since policies were last loaded or confirmed; NaN before the first",
            Unit::Seconds,
            policy_age.clone(),
        );
        let policy_faults = Gauge::default();
        registry.register(
            "policy_faults",
            "Faults of pushed policies that were refused; 0 when what was pushed last is in force",
            policy_faults.clone(),
        );
        registry.register_with_unit(
            "sweep_age",
            "Time since the bucket was last swept completely; NaN before the first",
            Unit::Seconds,
            sweep_age.clone(),
        );
        Self {
            shared: Arc::new(Shared {
                registry,
                requests,
                latency,
                in_flight,
                calls,
                limited,
                environments,
                audit_records,
                policy_age,
                policy_loaded: AtomicI64::new(NEVER),
                policy_faults,
                sweep_age,
                swept: AtomicI64::new(NEVER),
            }),
        }
    }

    /// Policies were loaded, or confirmed to be the newest.
    pub fn policy_loaded(&self, now: Timestamp) {
        let loaded = &self.shared.policy_loaded;
        loaded.store(now.as_millisecond(), Ordering::Relaxed);
    }

    /// So many faults are in what was pushed last, and the last good policies stay.
    pub fn policies_refused(&self, faults: usize) {
        let faults = i64::try_from(faults).unwrap_or(i64::MAX);
        self.shared.policy_faults.set(faults);
    }

    /// The bucket was swept completely, and the view holds so many environments.
    pub fn swept(&self, now: Timestamp, environments: usize) {
        let swept = &self.shared.swept;
        swept.store(now.as_millisecond(), Ordering::Relaxed);
        let environments = i64::try_from(environments).unwrap_or(i64::MAX);
        self.shared.environments.set(environments);
    }

    /// A request was refused because of its principal's rate.
    pub fn limited(&self) {
        self.shared.limited.inc();
    }

    /// The audit log has reached this record.
    pub fn audited(&self, seq: u64) {
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        self.shared.audit_records.set(seq);
    }

    /// Makes a call: measured, and a span of the trace.
    pub async fn call<T, E>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let begun = Instant::now();
        let result = work.instrument(call.span()).await;
        self.observe(call, begun.elapsed(), result.is_ok());
        result
    }

    /// Makes a call that waits for nobody, such as a decision of the policies.
    pub fn call_here<T>(&self, call: Call, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = call.span().in_scope(work);
        self.observe(call, begun.elapsed(), true);
        result
    }

    fn observe(&self, call: Call, took: Duration, succeeded: bool) {
        let labels = CallLabels {
            system: call.system,
            operation: call.operation,
            outcome: if succeeded { "ok" } else { "error" },
        };
        let calls = &self.shared.calls;
        calls.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// The text for Prometheus.
    #[must_use]
    pub fn text(&self, now: Timestamp) -> String {
        let shared = &self.shared;
        shared.policy_age.set(age(&shared.policy_loaded, now));
        shared.sweep_age.set(age(&shared.swept, now));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &shared.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Call {
    /// A call to a system.
    #[must_use]
    pub const fn new(system: &'static str, operation: &'static str) -> Self {
        Self { system, operation }
    }

    fn span(self) -> tracing::Span {
        tracing::info_span!(
            "call",
            otel.name = format_args!("{} {}", self.system, self.operation),
            otel.kind = "client",
            system = self.system,
            operation = self.operation,
        )
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "milliseconds of a process's life fit"
)]
fn age(since: &AtomicI64, now: Timestamp) -> f64 {
    match since.load(Ordering::Relaxed) {
        NEVER => f64::NAN,
        since => now.as_millisecond().saturating_sub(since) as f64 / 1000.0,
    }
}

/// The middleware that counts and measures each request by its route template; mount it outside of everything else.
pub async fn observe(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(UNMATCHED, MatchedPath::as_str)
        .to_owned();
    let mut open = Open {
        route,
        method: known(request.method()),
        begun: Instant::now(),
        status: None,
        metrics,
    };
    open.metrics.shared.in_flight.inc();
    let response = next.run(request).await;
    open.status = Some(response.status());
    response
}

/// What `/metrics` answers.
#[must_use]
pub fn answer(metrics: &Metrics) -> impl IntoResponse + use<> {
    (
        [(header::CONTENT_TYPE, OPEN_METRICS)],
        metrics.text(Timestamp::now()),
    )
}

/// A request being worked on. It is counted when it goes, also if its client went away first.
struct Open {
    route: String,
    method: &'static str,
    begun: Instant,
    status: Option<StatusCode>,
    metrics: Metrics,
}

impl Drop for Open {
    fn drop(&mut self) {
        let shared = &self.metrics.shared;
        shared.in_flight.dec();
        let route = std::mem::take(&mut self.route);
        let labels = RequestLabels {
            route: route.clone(),
            method: self.method,
            status: self.status.map_or_else(
                || "cancelled".to_owned(),
                |status| status.as_str().to_owned(),
            ),
        };
        shared.requests.get_or_create(&labels).inc();
        let labels = RouteLabels {
            route,
            method: self.method,
        };
        let took = self.begun.elapsed().as_secs_f64();
        shared.latency.get_or_create(&labels).observe(took);
    }
}

/// A client can invent methods, but no series.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
