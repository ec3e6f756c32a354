//! One program over one store, and somebody who asks it.

use crate::issuer::Issuer;
use crate::program::{Answer, Program, Request};
use crate::store::{Kind, Store};
use serde_json::{Value, json};

pub(crate) struct Scene {
    pub(crate) store: Store,
    pub(crate) issuer: Issuer,
    pub(crate) program: Program,
}

pub(crate) const LIST: &str = "/api/v1/environments";

impl Scene {
    pub(crate) async fn start(kind: Kind) -> Self {
        Self::start_with(kind, &json!({})).await
    }

    pub(crate) async fn start_with(kind: Kind, more: &Value) -> Self {
        let store = Store::start(kind).await;
        let issuer = Issuer::start().await;
        let program = Program::start_with(&store.endpoint, &issuer, more).await;
        Self {
            store,
            issuer,
            program,
        }
    }

    /// A request of a member of team1.
    pub(crate) fn member(&self, method: &'static str, path: &str) -> Request {
        self.of("mia@example.com", &["team1"], method, path)
    }

    pub(crate) fn admin(&self, method: &'static str, path: &str) -> Request {
        self.of("ada@example.com", &["platform-admins"], method, path)
    }

    pub(crate) fn of(
        &self,
        who: &str,
        groups: &[&str],
        method: &'static str,
        path: &str,
    ) -> Request {
        let token = self.issuer.token(who, groups);
        Request::new(method, path).header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) async fn send(&self, request: &Request) -> Answer {
        self.program.send(request).await
    }

    /// Makes an environment of team1 and gives its state.
    pub(crate) async fn made(&self, name: &str, kind: &str) -> String {
        let request = self.admin("POST", LIST).json(&draft(name, kind));
        let answer = self.send(&request).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.header("etag").expect("a state")
    }
}

/// What somebody asks for.
pub(crate) fn draft(name: &str, kind: &str) -> Value {
    json!({
        "environment_pool": "team1",
        "environment_name": name,
        "environment_type": kind,
        "services": { "shop": "v1.0.0" },
    })
}

pub(crate) fn path(name: &str) -> String {
    format!("{LIST}/{name}")
}

/// The answer is a problem with this status and code, complete and with the request's id.
pub(crate) fn refused(answer: &Answer, status: u16, code: &str) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    let kind = answer.header("content-type");
    assert_eq!(
        kind.as_deref(),
        Some("application/problem+json"),
        "{answer:?}"
    );
    let problem = answer.json();
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(
        problem["type"],
        format!("urn:slipway:error:{code}"),
        "{problem}"
    );
    assert_eq!(problem["status"], status, "{problem}");
    for said in ["title", "detail", "action"] {
        assert!(
            problem[said].as_str().is_some_and(|text| !text.is_empty()),
            "{said} in {problem}"
        );
    }
    assert_eq!(
        problem["request_id"].as_str(),
        answer.header("x-request-id").as_deref(),
        "{problem}"
    );
    problem
}
