//! What every request goes through: an id, a line in the log, a limit of time, and a body for every refusal.

use crate::problem::{PROBLEM_JSON, Problem, Refused};
use axum::extract::{MatchedPath, Request};
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::Instrument as _;
use uuid::Uuid;

/// Names a request; taken from the caller if it looks like an id, and always answered.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST_ID: usize = 128;

/// The id of a request, for handlers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Names the request, logs it, and gives each refusal its body.
pub async fn identify(mut request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|given| given.to_str().ok())
        .filter(|given| is_id(given))
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "-".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("answer", id, %method, route);
    let started = Instant::now();
    let answer = next.run(request).instrument(span.clone()).await;
    let mut answer = explain(answer, &id);
    let (status, took) = (answer.status().as_u16(), started.elapsed().as_millis());
    span.in_scope(|| {
        if status >= 500 {
            tracing::warn!(status, took_ms = took, "answered");
        } else {
            tracing::info!(status, took_ms = took, "answered");
        }
    });
    if let Ok(id) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    answer
}

/// Ends what takes longer than `limit`; a write that was begun goes on to its end.
pub async fn limit_time(limit: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "SLW-517",
            "It took too long",
            format!("the request was not done within {} s; a write that was begun goes on", limit.as_secs()),
            "look whether it happened before sending it again, or send it with the same Idempotency-Key",
        )
        .retry_after(5)
        .into_response(),
    }
}

/// Gives a refusal its body; one that comes from the framework becomes a problem too.
fn explain(answer: Response, id: &str) -> Response {
    let problem = answer.extensions().get::<Arc<Problem>>().cloned();
    let problem = match problem {
        Some(problem) => (*problem).clone(),
        None => match framework(answer.status()) {
            Some(problem) if !has_type(&answer) || is_plain(&answer) => *problem,
            _ => return answer,
        },
    };
    let (mut head, _) = answer.into_parts();
    let problem = Problem {
        request_id: id.to_owned(),
        ..problem
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut full = (problem.status(), body).into_response();
    for kept in [ALLOW, RETRY_AFTER] {
        if let Some(value) = head.headers.remove(&kept) {
            full.headers_mut().insert(kept, value);
        }
    }
    if let Some(seconds) = problem.retry_after {
        full.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    if problem.status == 401 {
        let scheme = HeaderValue::from_static("Bearer");
        full.headers_mut()
            .insert(axum::http::header::WWW_AUTHENTICATE, scheme);
    }
    full.headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    full
}

/// What the framework refuses by itself.
fn framework(status: StatusCode) -> Option<Box<Problem>> {
    let (code, title, detail, action) = match status {
        StatusCode::NOT_FOUND => (
            "SLW-504",
            "No such route",
            "this address is not one of the interface",
            "read the routes in /api/v1/openapi.json",
        ),
        StatusCode::METHOD_NOT_ALLOWED => (
            "SLW-505",
            "Method is not allowed",
            "the address does not know this method",
            "take one of those in the header Allow",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            "SLW-515",
            "Body is too large",
            "the body has more than 256 KiB",
            "send a claim, which is a few hundred bytes",
        ),
        StatusCode::BAD_REQUEST => (
            "SLW-511",
            "Request cannot be read",
            "the request has a form that cannot be read",
            "compare it with /api/v1/openapi.json",
        ),
        StatusCode::INTERNAL_SERVER_ERROR => (
            "SLW-500",
            "Something broke",
            "the program did something that it should not; a write that was begun may have happened",
            "look at the environment before trying again, and report the request id",
        ),
        _ => return None,
    };
    Some(Problem::new(status, code, title, detail, action))
}

/// The problem that stands for a bare status.
pub(crate) fn of_status(status: StatusCode) -> Refused {
    framework(status).unwrap_or_else(|| {
        let title = status.canonical_reason().unwrap_or("Refused");
        Problem::new(status, "SLW-500", title, title, "report the request id")
    })
}

fn has_type(answer: &Response) -> bool {
    answer.headers().contains_key(CONTENT_TYPE)
}

fn is_plain(answer: &Response) -> bool {
    answer
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_ID
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_an_id_is_taken_over() {
        for good in ["0b7e", "req-1.2_3"] {
            assert!(is_id(good), "{good}");
        }
        let long = "a".repeat(129);
        for bad in ["", "a b", "a\"b", "ü", long.as_str()] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
