//! Back to services that were asked for before.

use super::input::{Expected, body, name_in_path};
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
use axum::extract::{Path, State};
use axum::http::StatusCode;
use claims::Claim;
use serde::Deserialize;
use utoipa::ToSchema;

/// Claims that are looked at, from the newest on.
const LOOKED_AT: usize = 20;

/// How far to go back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Earlier {
    /// The state of the claim to go back to, as `ETag` named it. The last one with other services when it is left out.
    etag: Option<String>,
}

/// Go back to earlier services
///
/// Puts the services of an earlier claim in the place of the present ones; everything else stays.
#[utoipa::path(
    post,
    path = "/api/v1/environments/{name}/rollback",
    tag = "environments",
    params(
        ("name" = String, Path, description = "The environment's name."),
        ("If-Match" = Option<String>, Header, description = "Changes this state and no other."),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to send again."),
    ),
    request_body = Earlier,
    responses(
        (status = 202, description = "The earlier services are asked for again.", body = Accepted),
        (status = 403, description = "A policy forbids it.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is none that you may see.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is nothing to go back to.", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Somebody was faster.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn rollback(
    State(app): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    Extension(operation): Extension<Operation>,
    expected: Expected,
    bytes: Bytes,
) -> Result<ChangeAnswer, Refused> {
    let name = name_in_path(&name)?;
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
