//! What a change answers: 202, since the environment follows its claim.

use crate::environment::Environment;
use crate::gitlab::MergeRequest;
use crate::routes::Trial;
use crate::writes::{Accepted, Done, remarks};
use axum::Json;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// A static environment that was proposed; it comes to be when people merge it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Proposed {
    /// The id of the request.
    pub operation: Uuid,
    /// Where it is reviewed.
    pub merge_request: MergeRequest,
}

/// What a request that changes something answers.
pub enum ChangeAnswer {
    /// The claim stands in the store.
    Accepted(Uuid, Done<Arc<Environment>>),
    /// A merge request is open.
    Proposed(Uuid, Done<MergeRequest>),
    /// Nothing happened, as asked.
    Trial(Box<Trial>),
}

impl IntoResponse for ChangeAnswer {
    fn into_response(self) -> Response {
        match self {
            Self::Trial(trial) => (StatusCode::OK, Json(trial)).into_response(),
            Self::Accepted(operation, done) => {
                let environment = &done.result;
                let body = Accepted {
                    operation,
                    environment: environment.answer(),
                    warnings: remarks(&environment.claim),
                };
                let mut answer = (StatusCode::ACCEPTED, Json(body)).into_response();
                let path = format!("/api/v1/environments/{}", environment.name());
                set(&mut answer, LOCATION.as_str(), &path);
                set(&mut answer, ETAG.as_str(), &quoted(environment.etag()));
                set(
                    &mut answer,
                    crate::audit::RECEIPT_HEADER,
                    &done.receipt.to_string(),
                );
                answer
            }
            Self::Proposed(operation, done) => {
                let address = done.result.web_url.clone();
                let body = Proposed {
                    operation,
                    merge_request: done.result,
                };
                let mut answer = (StatusCode::ACCEPTED, Json(body)).into_response();
                set(&mut answer, LOCATION.as_str(), &address);
                set(
                    &mut answer,
                    crate::audit::RECEIPT_HEADER,
                    &done.receipt.to_string(),
                );
                answer
            }
        }
    }
}

/// A state as the header `ETag` names it.
#[must_use]
pub fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

fn set(answer: &mut Response, name: &str, value: &str) {
    let name = axum::http::HeaderName::try_from(name);
    if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
        answer.headers_mut().insert(name, value);
    }
}
