//! Taking a claim back: its environment is taken down.

use super::descriptions::{Forbidden, Named, Outrun, Repeatable, Unknown};
use super::input::{DryRun, Expected, Parameters};
use crate::answers::ChangeAnswer;
use crate::app::Shared;
use crate::caller::Caller;
use crate::commands::Operation;
use crate::environment::Environment;
use crate::metrics::Call;
use crate::problem::{Problem, Refused};
use crate::writes::{Accepted, Deed};
use authz::{Action, Origin};
use axum::Extension;
use axum::extract::State;
use claims::{Gone, Tombstone};
use jiff::Timestamp;

/// Take an environment down
///
/// Puts a tombstone in the place of the claim. `If-Match` is optional: without it, what stands there at this moment is
/// taken back. As long as the tombstone is there, the environment can be restored.
#[utoipa::path(
    delete,
    path = "/api/v1/environments/{name}",
    tag = "environments",
    params(
        DryRun,
        Named,
        ("If-Match" = Option<String>, Header, description = "Takes back this state and no other."),
        Repeatable,
    ),
    responses(
        (status = 200, description = "With `dry_run`: what would be taken down.", body = super::Trial),
        (status = 202, description = "The claim is taken back.", body = Accepted),
        Forbidden,
        Unknown,
        (status = 409, description = "It is static, or taken down already.", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "It is gone.", body = Problem, content_type = "application/problem+json"),
        Outrun,
    )
)]
pub(super) async fn remove(
    State(app): State<Shared>,
    caller: Caller,
    Named(name): Named,
    Extension(operation): Extension<Operation>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    expected: Expected,
) -> Result<ChangeAnswer, Refused> {
    let state = expected.of_existing()?;
    let before = app.require(&caller, &name).await?;
    // With a state that is over, the store tells whether this very request took the claim back before.
    if state.is_none() || before.origin == Origin::Git {
        app.require_changeable(&before)?;
    }
    let action = Action::DeleteEnvironment;
    let verdict = app.decide(&caller, action, app.subject(&before), None)?;
    if dry_run {
        let trial = app.trial(action, &verdict, &before.claim);
        return Ok(ChangeAnswer::Trial(Box::new(trial)));
    }
    let deed = Deed {
        caller: caller.clone(),
        action,
        name: name.to_string(),
        operation: operation.id,
        verdict,
        before: Some(before.etag().to_owned()),
    };
    let is_over = state.is_some_and(|state| !before.is_at(&state));
    let gone = Gone::Withdrawn {
        by: caller.principal.name().to_owned(),
        at: Timestamp::now(),
    };
    let tombstone = Tombstone {
        environment_name: name,
        gone: gone.clone(),
    };
    let work = Box::pin(async {
        if is_over {
            let place = app.left_by(&before, operation).await?;
            return Ok(Environment {
                place,
                ..(*before).clone()
            });
        }
        app.require_changeable(&before)?;
        let put = app.claims.withdraw(&before.place, &tombstone, operation.id);
        let place = app.metrics.call(Call::new("store", "put"), put).await?;
        Ok(Environment {
            place,
            gone: Some(gone),
            ..(*before).clone()
        })
    });
    let done = app.change(deed, work).await?;
    Ok(ChangeAnswer::Accepted(operation.id, done))
}
