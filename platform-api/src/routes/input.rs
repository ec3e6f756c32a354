//! What handlers read from a request beside its path.

use super::bodies;
use crate::app::Shared;
use crate::problem::{Problem, ProblemFault, Refused};
use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use claim_store::ETag;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

/// The state that a write expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The caller says nothing.
    Unsaid,
    /// `If-None-Match: *`: nothing is there.
    Nothing,
    /// `If-Match`: exactly this state.
    State(ETag),
}

impl Expected {
    /// The state that a change of something that exists starts from, if the caller says one.
    pub(crate) fn of_existing(self) -> Result<Option<ETag>, Refused> {
        match self {
            Self::State(state) => Ok(Some(state)),
            Self::Unsaid => Ok(None),
            Self::Nothing => Err(unreadable(
                "`If-None-Match: *` asks that nothing is there, and there is nothing to change then",
            )),
        }
    }
}

/// Whether to do it or only to say what would happen.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DryRun {
    /// Changes nothing and says what would happen.
    #[serde(default)]
    pub(crate) dry_run: bool,
}

/// Parameters of the address; what cannot be read is named.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Parameters<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Refused> {
        match Query::from_request_parts(parts, app).await {
            Ok(Query(read)) => Ok(Self(read)),
            Err(error) => Err(unreadable(&error.body_text())),
        }
    }
}

impl FromRequestParts<Shared> for Expected {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Refused> {
        let text = |name| {
            let header = parts.headers.get(name);
            header.map(|header| header.to_str().unwrap_or_default())
        };
        match (text(IF_MATCH), text(IF_NONE_MATCH)) {
            (None, None) => Ok(Self::Unsaid),
            (None, Some("*")) => Ok(Self::Nothing),
            (Some(state), None) => one_state(state).map(Self::State).ok_or_else(|| {
                unreadable("If-Match names no single state; send the ETag of the last answer, such as \"3f0a\"")
            }),
            _ => Err(unreadable("If-None-Match is taken as `*` alone, and never beside If-Match")),
        }
    }
}

/// The one strong state that `If-Match` names, as the store writes it.
fn one_state(header: &str) -> Option<ETag> {
    let bare = match header.trim().strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => header.trim(),
    };
    let plain = !bare.is_empty()
        && bare != "*"
        && bare
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b',');
    plain.then(|| ETag::from(format!("\"{bare}\"")))
}

/// A small JSON body of a route's own.
pub(crate) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    bodies::read(bytes).map_err(|error| invalid("", &error.to_string()))
}

/// One fault of what was sent.
pub(crate) fn invalid(pointer: &str, message: &str) -> Refused {
    let mut problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "SLW-510",
        "Request cannot be met",
        format!(
            "{}: {message}",
            if pointer.is_empty() {
                "the body"
            } else {
                pointer
            }
        ),
        "mend the place that `faults` names and send it again",
    );
    problem.faults.push(ProblemFault {
        pointer: pointer.to_owned(),
        kind: "invalid".to_owned(),
        message: message.to_owned(),
    });
    problem
}

pub(crate) fn unreadable(why: &str) -> Refused {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "SLW-511",
        "Request cannot be read",
        why,
        "compare it with /api/v1/openapi.json",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_names_exactly_one_state() {
        for good in ["\"3f0a\"", "3f0a", " \"3f0a-2\" "] {
            assert!(one_state(good).is_some(), "{good}");
        }
        for bad in ["", "*", "\"a\", \"b\"", "W/\"a\"", "\"a", "a b"] {
            assert_eq!(one_state(bad), None, "{bad}");
        }
    }
}
