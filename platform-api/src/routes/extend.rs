//! A later end for an evaluation.

use super::bodies::Extended;
use super::descriptions::{Forbidden, Named, Outrun, Repeatable, Unknown};
use super::input::{Expected, body, invalid};
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
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;

/// Extend an evaluation
///
/// Only environments of type `sue` end by themselves, so only they can be extended. Against an expiry at the same
/// moment exactly one wins.
#[utoipa::path(
    post,
    path = "/api/v1/environments/{name}/extend",
    tag = "environments",
    params(
        Named,
        ("If-Match" = Option<String>, Header, description = "Extends this state and no other."),
        Repeatable,
    ),
    request_body = Extended,
    responses(
        (status = 202, description = "It ends later.", body = Accepted),
        Forbidden,
        Unknown,
        (status = 409, description = "It does not end by itself, or its time is over.", body = Problem, content_type = "application/problem+json"),
        Outrun,
        (status = 422, description = "The end is not a later one.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn extend(
    State(app): State<Shared>,
    caller: Caller,
    Named(name): Named,
    Extension(operation): Extension<Operation>,
    expected: Expected,
    bytes: Bytes,
) -> Result<ChangeAnswer, Refused> {
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
    let after = before.claim.clone().ending_at(until);
    let after = after.map_err(|error| invalid("/until", &error.to_string()))?;
    let change = Change {
        action: Action::ExtendEnvironment,
        before,
        after,
        expected,
        dry_run: false,
    };
    app.replace(&caller, operation, change).await
}
