//! Another claim for an environment that is there.

use super::descriptions::{Forbidden, Named, OfClaim, Outrun, Repeatable, Unknown};
use super::input::{DryRun, Expected, Parameters};
use crate::answers::ChangeAnswer;
use crate::app::{App, Shared};
use crate::caller::Caller;
use crate::commands::Operation;
use crate::environment::Environment;
use crate::metrics::Call;
use crate::problem::{Problem, Refused};
use crate::writes::{Accepted, Deed};
use authz::Action;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use claim_store::ETag;
use claims::{Claim, Draft, EnvironmentName, Fault, FaultKind, Faults};
use jiff::Timestamp;
use std::sync::Arc;

/// Change an environment, or ask for a new one under a name
///
/// `If-Match` with the state that the change starts from is required; `If-None-Match: *` asks for a new environment.
/// Fields that acceptance filled in keep their values when they are left out.
#[utoipa::path(
    put,
    path = "/api/v1/environments/{name}",
    tag = "environments",
    params(
        DryRun,
        Named,
        ("If-Match" = Option<String>, Header, description = "State that the change starts from."),
        ("If-None-Match" = Option<String>, Header, description = "`*`: the environment must not exist."),
        Repeatable,
    ),
    request_body(content = ref("#/components/schemas/Draft"), content_type = "application/json"),
    responses(
        (status = 200, description = "With `dry_run`: what would happen.", body = super::Trial),
        (status = 202, description = "The claim stands in the store.", body = Accepted),
        Forbidden,
        Unknown,
        (status = 409, description = "It is static, or being taken down.", body = Problem, content_type = "application/problem+json"),
        Outrun,
        OfClaim,
        (status = 428, description = "The request says no state.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn update(
    State(app): State<Shared>,
    caller: Caller,
    Named(name): Named,
    Extension(operation): Extension<Operation>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    expected: Expected,
    bytes: Bytes,
) -> Result<ChangeAnswer, Refused> {
    let draft = Draft::read(&bytes).map_err(|faults| Problem::faults(&faults))?;
    require_same_name(&name, &draft)?;
    let expected = match expected {
        Expected::Nothing => {
            let claim = draft
                .complete(caller.principal.name(), Timestamp::now())
                .map_err(|faults| Problem::faults(&faults))?;
            return app.create(&caller, operation, claim, dry_run).await;
        }
        Expected::State(expected) => Some(expected),
        Expected::Unsaid if dry_run => None,
        Expected::Unsaid => return Err(says_no_state(name.as_str())),
    };
    let before = app.require(&caller, &name).await?;
    app.require_changeable(&before)?;
    let after = completed_from(&before.claim, draft).map_err(|faults| Problem::faults(&faults))?;
    let change = Change {
        action: Action::UpdateEnvironment,
        before,
        after,
        expected,
        dry_run,
    };
    app.replace(&caller, operation, change).await
}

/// Another claim in the place of one that is there.
pub(super) struct Change {
    pub(super) action: Action,
    pub(super) before: Arc<Environment>,
    pub(super) after: Claim,
    /// The state that it starts from, if the caller says one.
    pub(super) expected: Option<ETag>,
    pub(super) dry_run: bool,
}

impl App {
    /// Puts another claim in the place of one.
    pub(super) async fn replace(
        &self,
        caller: &Caller,
        operation: Operation,
        change: Change,
    ) -> Result<ChangeAnswer, Refused> {
        let Change {
            action,
            before,
            after,
            expected,
            dry_run,
        } = change;
        require_no_move_to_git(&after)?;
        let verdict = self.decide_change(caller, action, &before, &after)?;
        if dry_run {
            let trial = self.trial(action, &verdict, &after);
            return Ok(ChangeAnswer::Trial(Box::new(trial)));
        }
        let deed = Deed {
            caller: caller.clone(),
            action,
            name: before.name().to_owned(),
            operation: operation.id,
            verdict,
            before: Some(before.etag().to_owned()),
        };
        let is_over = expected.is_some_and(|state| !before.is_at(&state));
        let work = Box::pin(async {
            let place = if is_over {
                self.left_by(&before, operation).await?
            } else {
                let put = self.claims.replace(&before.place, &after, operation.id);
                self.metrics.call(Call::new("store", "put"), put).await?
            };
            let changed = Environment {
                claim: after,
                place,
                ..(*before).clone()
            };
            self.settled(operation, changed).await
        });
        let done = self.change(deed, work).await?;
        Ok(ChangeAnswer::Accepted(operation.id, done))
    }
}

/// The claim of a draft whose open fields are as they were.
fn completed_from(before: &Claim, draft: Draft) -> Result<Claim, Faults> {
    let ends = draft.environment_type.profile().lifetime.is_some();
    let draft = Draft {
        creation_date: draft.creation_date.or(Some(before.creation_date)),
        expiration_date: draft
            .expiration_date
            .or(before.expiration_date.filter(|_| ends)),
        ..draft
    };
    draft.complete(&before.user, Timestamp::now())
}

fn require_same_name(name: &EnvironmentName, draft: &Draft) -> Result<(), Refused> {
    if draft.environment_name == *name {
        return Ok(());
    }
    Err(Problem::faults(&Faults(vec![Fault {
        pointer: "/environment_name".to_owned(),
        kind: FaultKind::Invalid,
        message: format!("must be {name}, as in the address: an environment cannot be renamed"),
    }])))
}

/// A claim in the bucket is never one that Git manages.
fn require_no_move_to_git(after: &Claim) -> Result<(), Refused> {
    if after.git.is_none() {
        return Ok(());
    }
    Err(Problem::faults(&Faults(vec![Fault {
        pointer: "/deployment_method".to_owned(),
        kind: FaultKind::Invalid,
        message:
            "an environment that is managed here cannot move to Git; delete it and propose it there"
                .to_owned(),
    }])))
}

fn says_no_state(name: &str) -> Refused {
    Problem::new(
        StatusCode::PRECONDITION_REQUIRED,
        "SLW-513",
        "State is required",
        format!("the change of {name} does not say which state it starts from, so it could undo somebody else's"),
        "read the environment and send its ETag as If-Match",
    )
    .about(name)
}
