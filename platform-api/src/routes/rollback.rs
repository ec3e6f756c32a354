//! Back to services that were asked for before.

use super::bodies::Earlier;
use super::descriptions::{Forbidden, Named, Outrun, Repeatable, Unknown};
use super::input::{Expected, body};
use super::update::Change;
use crate::answers::ChangeAnswer;
use crate::app::Shared;
use crate::caller::Caller;
use crate::commands::Operation;
use crate::metrics::Call;
use crate::problem::{Problem, Refused};
use crate::writes::Accepted;
use authz::Action;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use claims::Claim;

/// Claims that are looked at, from the newest on.
const LOOKED_AT: usize = 20;

/// Go back to earlier services
///
/// Puts the services of an earlier claim in the place of the present ones; everything else stays.
#[utoipa::path(
    post,
    path = "/api/v1/environments/{name}/rollback",
    tag = "environments",
    params(
        Named,
        ("If-Match" = Option<String>, Header, description = "Changes this state and no other."),
        Repeatable,
    ),
    request_body = Earlier,
    responses(
        (status = 202, description = "The earlier services are asked for again.", body = Accepted),
        Forbidden,
        Unknown,
        (status = 409, description = "There is nothing to go back to.", body = Problem, content_type = "application/problem+json"),
        Outrun,
    )
)]
pub(super) async fn rollback(
    State(app): State<Shared>,
    caller: Caller,
    Named(name): Named,
    Extension(operation): Extension<Operation>,
    expected: Expected,
    bytes: Bytes,
) -> Result<ChangeAnswer, Refused> {
    let Earlier { etag } = body(&bytes)?;
    let expected = expected.of_existing()?;
    let before = app.require(&caller, &name).await?;
    app.require_changeable(&before)?;
    let history = app.claims.history(&before.place.key, LOOKED_AT);
    let call = Call::new("store", "history");
    let history = app.metrics.call(call, history).await?;
    let wanted = |earlier: &claim_store::Earlier| match &etag {
        Some(etag) => earlier.etag.as_str().trim_matches('"') == etag.trim_matches('"'),
        None => earlier.claim.services != before.claim.services,
    };
    let earlier = history.into_iter().find(wanted).ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "SLW-520",
            "Nothing to go back to",
            format!("none of the last {LOOKED_AT} claims of {name} that the bucket remembers is the one to go back to"),
            "change the services by PUT",
        )
        .about(name.as_str())
    })?;
    let after = Claim {
        services: earlier.claim.services,
        ..before.claim.clone()
    };
    let change = Change {
        action: Action::RollbackEnvironment,
        before,
        after,
        expected,
        dry_run: false,
    };
    app.replace(&caller, operation, change).await
}
