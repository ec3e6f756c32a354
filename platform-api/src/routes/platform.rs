//! The platform as a whole: closing it to new claims before it is drained.

use super::descriptions::Forbidden;
use crate::app::Shared;
use crate::caller::Caller;
use crate::commands::Operation;
use crate::problem::Refused;
use crate::writes::Deed;
use authz::{Action, Circumstances, Resource};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use claim_store::Freeze;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// How the platform is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlatformState {
    /// Whether it takes no claims.
    frozen: bool,
    /// Who closed it.
    by: Option<String>,
    /// Since when.
    since: Option<String>,
    /// The environments that stood there when it was closed.
    environments: Vec<String>,
}

/// How the platform is
#[utoipa::path(
    get,
    path = "/api/v1/platform",
    tag = "platform",
    responses((status = 200, description = "Whether it takes claims.", body = PlatformState))
)]
pub(super) async fn state(
    State(app): State<Shared>,
    _: Caller,
) -> Result<Json<PlatformState>, Refused> {
    let freeze = app.claims.frozen().await?;
    Ok(Json(PlatformState::of(freeze.as_ref())))
}

/// Close the platform to new claims
///
/// The first step of a drain: from now on every write of a claim is answered 423. Environments go on running.
#[utoipa::path(
    post,
    path = "/api/v1/platform/drain",
    tag = "platform",
    responses(
        (status = 202, description = "It takes no claims any more.", body = PlatformState),
        Forbidden,
    )
)]
pub(super) async fn drain(
    State(app): State<Shared>,
    caller: Caller,
    Extension(operation): Extension<Operation>,
) -> Result<(StatusCode, Json<PlatformState>), Refused> {
    let deed = deed(&app, &caller, operation)?;
    let wanted = Freeze {
        by: caller.principal.name().to_owned(),
        since: Timestamp::now(),
        environments: app
            .view
            .all()
            .iter()
            .filter(|seen| seen.gone.is_none())
            .map(|seen| seen.name().to_owned())
            .collect(),
        lifted: None,
    };
    let work = Box::pin(async {
        let standing = app.claims.freeze(&wanted, operation.id).await?;
        Ok((standing, None))
    });
    let done = app.carry_out(deed, StatusCode::ACCEPTED, work).await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(PlatformState::of(Some(&done.result))),
    ))
}

/// Open the platform to claims again
#[utoipa::path(
    delete,
    path = "/api/v1/platform/drain",
    tag = "platform",
    responses(
        (status = 202, description = "It takes claims again.", body = PlatformState),
        Forbidden,
    )
)]
pub(super) async fn thaw(
    State(app): State<Shared>,
    caller: Caller,
    Extension(operation): Extension<Operation>,
) -> Result<(StatusCode, Json<PlatformState>), Refused> {
    let deed = deed(&app, &caller, operation)?;
    let work = Box::pin(async {
        app.claims.thaw(Timestamp::now(), operation.id).await?;
        Ok(((), None))
    });
    app.carry_out(deed, StatusCode::ACCEPTED, work).await?;
    Ok((StatusCode::ACCEPTED, Json(PlatformState::of(None))))
}

fn deed(app: &Shared, caller: &Caller, operation: Operation) -> Result<Deed, Refused> {
    let set = app.policies.current().map_err(Refused::from)?;
    let circumstances = Circumstances::api(Timestamp::now());
    let verdict = set.decide(
        &caller.principal,
        Action::Drain,
        &Resource::Platform,
        &circumstances,
    );
    Ok(Deed {
        caller: caller.clone(),
        action: Action::Drain,
        name: "platform".to_owned(),
        operation: operation.id,
        verdict,
        before: None,
    })
}

impl PlatformState {
    fn of(freeze: Option<&Freeze>) -> Self {
        Self {
            frozen: freeze.is_some(),
            by: freeze.map(|freeze| freeze.by.clone()),
            since: freeze.map(|freeze| freeze.since.to_string()),
            environments: freeze
                .map(|freeze| freeze.environments.iter().cloned().collect())
                .unwrap_or_default(),
        }
    }
}
