//! Answers in the vendor's form.

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::account::refusal::Refusal;

/// What a handler gives back.
pub(super) type Answered = Result<Answer, Refusal>;

/// A success.
pub(super) struct Answer {
    status: StatusCode,
    body: Option<Value>,
}

impl Answer {
    /// 200 with a body.
    pub(super) fn ok(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body: Some(body),
        }
    }

    /// 201 with a body.
    pub(super) fn created(body: Value) -> Self {
        Self {
            status: StatusCode::CREATED,
            body: Some(body),
        }
    }

    /// 202 with a body.
    pub(super) fn accepted(body: Value) -> Self {
        Self {
            status: StatusCode::ACCEPTED,
            body: Some(body),
        }
    }

    /// 202 without a body.
    pub(super) fn accepted_empty() -> Self {
        Self {
            status: StatusCode::ACCEPTED,
            body: None,
        }
    }

    /// 204.
    pub(super) fn done() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: None,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response<Body> {
        let body = self
            .body
            .map_or_else(Body::empty, |body| Body::from(body.to_string()));
        respond(self.status, body)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        respond(
            status,
            Body::from(json!({"error": self.text, "status": self.status}).to_string()),
        )
    }
}

/// A response whose type clients compare literally: no charset.
fn respond(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}

/// Gives a refused method the vendor's words. Works on the router's final answer: the list of methods is added last.
pub(crate) fn in_vendors_words(response: Response<Body>) -> Response<Body> {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let header = response
        .headers()
        .get(ALLOW)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut allowed: Vec<&str> = header
        .split(',')
        .map(str::trim)
        .filter(|method| !method.is_empty() && *method != "HEAD")
        .collect();
    allowed.sort_unstable();
    Refusal::new(
        405,
        format!("Method not allowed. Must be one of: {}", allowed.join(", ")),
    )
    .into_response()
}

/// A date of the vendor's form: whole seconds, numeric offset.
pub(super) fn date(moment: Timestamp) -> String {
    moment
        .to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%dT%H:%M:%S+00:00")
        .to_string()
}

/// The status of something that is made until `ready_at`.
pub(super) fn status_since(ready_at: Timestamp, now: Timestamp) -> &'static str {
    if ready_at <= now { "active" } else { "pending" }
}

/// An amount as a JSON number.
pub(super) fn number(amount: Decimal) -> Value {
    serde_json::from_str(&amount.normalize().to_string()).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_amounts_have_the_vendors_form() {
        assert_eq!(
            date("2026-11-24T12:00:00.9Z".parse().unwrap()),
            "2026-11-24T12:00:00+00:00"
        );
        assert_eq!(number(Decimal::new(5548, 2)).to_string(), "55.48");
        assert_eq!(number(Decimal::new(1000, 2)).to_string(), "10");
    }
}
