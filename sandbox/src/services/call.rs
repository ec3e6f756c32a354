//! One call and its answer.

use std::collections::BTreeMap;

use async_trait::async_trait;
use axum::http::{HeaderMap, Method};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A call as it came in.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Path without its query.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What is said to a call.
#[derive(Debug)]
pub(crate) enum Answer {
    /// What the program answers.
    Json(u16, Value),
    /// The same, for answers that are text.
    Text(u16, &'static str),
    /// A call that no playbook should make; the reason is answered and written down.
    Unexpected(String),
}

/// A program that is stood in for.
#[async_trait]
pub(crate) trait Service: Send {
    /// Its name, as the log has it.
    fn name(&self) -> &'static str;

    /// Answers one call; calls come one at a time.
    async fn answer(&mut self, call: &Call) -> Answer;
}

impl Call {
    /// The parts of the path, without an empty one at its end.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.path
            .split('/')
            .filter(|part| !part.is_empty())
            .collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The token of `Authorization: Bearer`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// Name and password of `Authorization: Basic`.
    pub(crate) fn basic(&self) -> Option<(String, String)> {
        let coded = self.header("authorization")?.strip_prefix("Basic ")?;
        let pair = String::from_utf8(STANDARD.decode(coded).ok()?).ok()?;
        let (name, password) = pair.split_once(':')?;
        Some((name.to_owned(), password.to_owned()))
    }
}

impl Answer {
    /// A call that has no place in the program's interface as far as it is played.
    pub(crate) fn no_route(call: &Call) -> Self {
        Self::Unexpected(format!("{} {} is not played", call.method, call.path))
    }

    pub(crate) fn unexpected(why: impl Into<String>) -> Self {
        Self::Unexpected(why.into())
    }
}
