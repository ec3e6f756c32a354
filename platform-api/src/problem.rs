//! What a caller is told when something was not done: problem details (RFC 9457) with a code that stays the same.
//!
//! A handler returns a [`Problem`]; the answer gets its body in [`crate::requests`], which knows the request's id.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use claim_store::StoreError;
use claims::Faults;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem, as a URI: `urn:slipway:error:SLW-503`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem, in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened to which object, and why.
    pub detail: String,
    /// The code, with an entry in docs/errors.md.
    pub code: String,
    /// What to do about it.
    pub action: String,
    /// The object that it is about, such as an environment or a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Every fault of what was sent, with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<ProblemFault>,
    /// The policies that decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// State of the object now, for a conditional request that came too late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Seconds after which it is worth trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The request, as the logs name it.
    pub request_id: String,
}

/// One thing that is wrong with what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemFault {
    /// JSON pointer to the place; empty for the whole document.
    pub pointer: String,
    /// `missing`, `unknown` or `invalid`.
    pub kind: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// The unit in which handlers fail: small, since it is the error of almost every function here.
pub type Refused = Box<Problem>;

impl Problem {
    /// A problem; `code` has an entry in docs/errors.md.
    #[must_use]
    pub fn new(
        status: StatusCode,
        code: &str,
        title: &str,
        detail: impl Into<String>,
        action: impl Into<String>,
    ) -> Box<Self> {
        Box::new(Self {
            kind: format!("urn:slipway:error:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            action: action.into(),
            object: None,
            faults: Vec::new(),
            policies: Vec::new(),
            etag: None,
            retry_after: None,
            request_id: String::new(),
        })
    }

    /// The same, about an object.
    #[must_use]
    pub fn about(mut self: Box<Self>, object: &str) -> Box<Self> {
        self.object = Some(object.to_string());
        self
    }

    /// The same, with the policies that decided.
    #[must_use]
    pub fn decided_by(mut self: Box<Self>, policies: Vec<String>) -> Box<Self> {
        self.policies = policies;
        self
    }

    /// The same, with the state that the object is in now.
    #[must_use]
    pub fn now_at(mut self: Box<Self>, etag: &str) -> Box<Self> {
        self.etag = Some(etag.trim_matches('"').to_owned());
        self
    }

    /// The same, worth another try after some seconds.
    #[must_use]
    pub fn retry_after(mut self: Box<Self>, seconds: u64) -> Box<Self> {
        self.retry_after = Some(seconds);
        self
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// A problem from an error of a library, whose text starts with its code: `SLW-406: what; what to do`.
    #[must_use]
    pub fn from_text(status: StatusCode, title: &str, text: &str) -> Box<Self> {
        let (code, rest) = text.split_once(": ").unwrap_or(("SLW-500", text));
        let (detail, action) = rest
            .rsplit_once("; ")
            .unwrap_or((rest, "read the entry of the code in docs/errors.md"));
        Self::new(status, code, title, detail, action)
    }

    /// The claim is not one.
    #[must_use]
    pub fn faults(faults: &Faults) -> Box<Self> {
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "SLW-410",
            "Invalid environment claim",
            format!(
                "the claim has {} fault(s); nothing was changed",
                faults.0.len()
            ),
            "mend every place that `faults` names and send it again",
        );
        problem.faults = faults.0.iter().map(ProblemFault::from).collect();
        problem
    }

    /// There is no such environment, or the caller may not see it.
    #[must_use]
    pub fn unknown_environment(name: &str) -> Box<Self> {
        Self::new(
            StatusCode::NOT_FOUND,
            "SLW-503",
            "No such environment",
            format!("there is no environment {name} that you may see"),
            "list the environments to see yours, and check the spelling",
        )
        .about(name)
    }
}

impl From<&claims::Fault> for ProblemFault {
    fn from(fault: &claims::Fault) -> Self {
        let kind = match fault.kind {
            claims::FaultKind::Missing => "missing",
            claims::FaultKind::Unknown => "unknown",
            claims::FaultKind::Invalid => "invalid",
        };
        Self {
            pointer: fault.pointer.clone(),
            kind: kind.to_owned(),
            message: fault.message.clone(),
        }
    }
}

impl From<StoreError> for Box<Problem> {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        let (status, title) = match &error {
            StoreError::Exists { .. } => (StatusCode::CONFLICT, "Environment exists already"),
            StoreError::Lost { .. } => (StatusCode::PRECONDITION_FAILED, "Somebody was faster"),
            StoreError::Frozen { .. } => (StatusCode::LOCKED, "Claims are frozen"),
            StoreError::Unreadable { .. }
            | StoreError::Doubled { .. }
            | StoreError::Renamed { .. } => {
                (StatusCode::CONFLICT, "The stored object cannot be used")
            }
            _ => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Claim store is not available",
            ),
        };
        let problem = Problem::from_text(status, title, &text);
        match error {
            StoreError::Lost {
                winner: claim_store::Winner::Claim { etag, .. },
                ..
            } => problem.now_at(etag.as_str()),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => problem.retry_after(5),
            _ => problem,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut answer = self.status().into_response();
        answer.extensions_mut().insert(Arc::new(self));
        answer
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (*self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_store_keeps_its_code_and_says_what_to_do() {
        let error = StoreError::Unreachable {
            endpoint: "http://127.0.0.1:9".into(),
            action: "read dev-x.json".into(),
            why: "refused".into(),
        };
        let problem = Refused::from(error);
        assert_eq!((problem.status, problem.code.as_str()), (503, "SLW-406"));
        assert!(problem.detail.contains("dev-x.json"), "{problem:?}");
        assert_eq!(
            problem.action,
            "nothing was decided, try again".split("; ").last().unwrap()
        );
        assert_eq!(problem.retry_after, Some(5));
    }

    #[test]
    fn a_problem_tells_every_fault_with_its_place() {
        let faults = claims::Claim::read(b"{}").unwrap_err();
        let problem = Problem::faults(&faults);
        assert_eq!(problem.status, 422);
        assert_eq!(problem.faults.len(), faults.0.len());
        assert!(
            problem
                .faults
                .iter()
                .any(|fault| fault.pointer == "/environment_name")
        );
    }
}
