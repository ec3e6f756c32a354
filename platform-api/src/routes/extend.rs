//! A later end for an evaluation.

use super::input::{Expected, body, invalid, name_in_path};
use super::update::Change;
use crate::answers::ChangeAnswer;
use crate::app::Shared;
use crate::caller::Caller;
use crate::commands::Operation;
use crate::problem::{Problem, Refused};
use crate::writes::Accepted;
use authz::Action;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use claims::Claim;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

/// A later end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Extended {
    /// When the environment ends from now on, such as `2026-06-01T12:00:00Z`. A moment rather than a duration, so that
    /// a request that arrives twice extends once.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
}

/// Extend an evaluation
///
/// Only environments of type `sue` end by themselves, so only they can be extended. Against an expiry at the same
/// moment exactly one wins.
#[utoipa::path(
    post,
    path = "/api/v1/environments/{name}/extend",
    tag = "environments",
    params(
        ("name" = String, Path, description = "The environment's name."),
        ("If-Match" = Option<String>, Header, description = "Extends this state and no other."),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to send again."),
    ),
    request_body = Extended,
    responses(
        (status = 202, description = "It ends later.", body = Accepted),
        (status = 403, description = "A policy forbids it.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is none that you may see.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It does not end by itself, or its time is over.", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Somebody was faster.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The end is not a later one.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn extend(
    State(app): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    Extension(operation): Extension<Operation>,
    expected: Expected,
    bytes: Bytes,
) -> Result<ChangeAnswer, Refused> {
    let name = name_in_path(&name)?;
    let Extended { until } = body(&bytes)?;
    let expected = expected.of_existing()?;
    let before = app.require(&caller, &name).await?;
    app.require_changeable(&before)?;
    if before.claim.environment_type.profile().lifetime.is_none() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "SLW-518",
            "Environment does not end",
            format!(
                "{name} is of type {}, which does not end by itself",
                before.claim.environment_type
            ),
            "nothing needs to be done; only `sue` can be extended",
        )
        .about(name.as_str()));
    }
    if until <= Timestamp::now() {
        return Err(invalid("/until", &format!("{until} is not in the future")));
    }
    let same = before.claim.expiration_date == Some(until);
    if !same && before.expires_at().is_some_and(|end| until < end) {
        return Err(invalid(
            "/until",
            &format!("{until} is before the present end; an extension makes it later"),
        ));
    }
    let after = Claim {
        expiration_date: Some(until),
        ..before.claim.clone()
    };
    let change = Change {
        action: Action::ExtendEnvironment,
        before,
        after,
        expected,
        dry_run: false,
    };
    app.replace(&caller, operation, change).await
}
