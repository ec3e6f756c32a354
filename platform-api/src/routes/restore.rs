//! Taking a withdrawal back, as long as its tombstone is there.

use super::descriptions::{Forbidden, Named, Repeatable, Unknown};
use super::input::{body, invalid};
use crate::answers::ChangeAnswer;
use crate::app::{App, Shared};
use crate::caller::Caller;
use crate::commands::Operation;
use crate::environment::Environment;
use crate::metrics::Call;
use crate::problem::{Problem, Refused};
use crate::writes::{Accepted, Deed};
use authz::{Action, Origin};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use claim_store::{ClaimStore, StoreError};
use claims::{Claim, EnvironmentName};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

/// What to restore.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Restored {
    /// When the environment ends from now on; only for a type that ends. A lifetime from now when it is left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// Restore an environment
///
/// Puts the claim that was taken back, or whose time was over, in the place of its tombstone.
#[utoipa::path(
    post,
    path = "/api/v1/environments/{name}/restore",
    tag = "environments",
    params(
        Named,
        Repeatable,
    ),
    request_body = Restored,
    responses(
        (status = 202, description = "The claim stands in the store again.", body = Accepted),
        Forbidden,
        Unknown,
        (status = 409, description = "It was not taken back, or nothing of it is known.", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "The pool is full.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn restore(
    State(app): State<Shared>,
    caller: Caller,
    Named(name): Named,
    Extension(operation): Extension<Operation>,
    bytes: Bytes,
) -> Result<ChangeAnswer, Refused> {
    let Restored { until } = body(&bytes)?;
    let before = app.last_known(&caller, &name).await?;
    let claim = renewed(before.claim.clone(), until)?;
    let place = app.view.reserve(&claim.environment_pool, name.as_str());
    let action = Action::RestoreEnvironment;
    let verdict = app.decide(&caller, action, app.subject(&before), Some(place.live))?;
    let deed = Deed {
        caller: caller.clone(),
        action,
        name: name.to_string(),
        operation: operation.id,
        verdict,
        before: Some(before.etag().to_owned()),
    };
    let work = Box::pin(async {
        let put = app.claims.put_new(&claim, operation.id);
        let place = match app.metrics.call(Call::new("store", "put"), put).await {
            Ok(place) => place,
            Err(StoreError::Exists { .. }) => return Err(lives(&name)),
            Err(error) => return Err(Refused::from(error)),
        };
        let restored = Environment {
            claim,
            place,
            gone: None,
            ..before
        };
        app.settled(operation, restored).await
    });
    let done = app.change(deed, work).await?;
    drop(place);
    Ok(ChangeAnswer::Accepted(operation.id, done))
}

impl App {
    /// The environment as it was before its claim was taken back.
    async fn last_known(
        &self,
        caller: &Caller,
        name: &EnvironmentName,
    ) -> Result<Environment, Refused> {
        if let Some(known) = self.look_up(caller, name).await? {
            if known.origin == Origin::Git {
                self.require_changeable(&known)?;
            }
            return Ok((*known).clone());
        }
        let key = ClaimStore::key_of(name);
        let history = self.claims.history(&key, 1);
        let call = Call::new("store", "history");
        let newest = self.metrics.call(call, history).await?.pop();
        let newest = newest.filter(|earlier| earlier.claim.environment_name == *name);
        let newest = newest.ok_or_else(|| Problem::unknown_environment(name.as_str()))?;
        let environment = Environment {
            claim: newest.claim,
            place: claim_store::Place {
                key,
                etag: newest.etag,
            },
            origin: Origin::Bucket,
            status: None,
            gone: None,
            version: 0,
        };
        self.require_visible(caller, &environment)?;
        Ok(environment)
    }
}

/// The claim with an end that is still to come.
fn renewed(claim: Claim, until: Option<Timestamp>) -> Result<Claim, Refused> {
    let now = Timestamp::now();
    let Some(lifetime) = claim.environment_type.profile().lifetime else {
        return match until {
            None => Ok(claim),
            Some(_) => Err(invalid(
                "/until",
                "an environment of this type does not end",
            )),
        };
    };
    let from_now = || {
        let second = Timestamp::from_second(now.as_second()).ok()?;
        second.checked_add(lifetime).ok()
    };
    let kept = claim.expiration_date.filter(|end| *end > now);
    let Some(end) = until.or(kept).or_else(from_now) else {
        return Ok(Claim {
            expiration_date: None,
            ..claim
        });
    };
    if end <= now {
        return Err(invalid("/until", "is not in the future"));
    }
    let renewed = claim.ending_at(end);
    renewed.map_err(|error| invalid("/until", &error.to_string()))
}

fn lives(name: &EnvironmentName) -> Refused {
    Problem::new(
        StatusCode::CONFLICT,
        "SLW-519",
        "Nothing to restore",
        format!("the claim of {name} was not taken back"),
        "read the environment: it is there",
    )
    .about(name.as_str())
}
