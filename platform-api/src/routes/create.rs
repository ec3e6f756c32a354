//! A new environment: in the bucket at once, or in Git by a merge request.

use super::descriptions::{OfClaim, Repeatable};
use super::input::{DryRun, Parameters};
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
use claims::{Claim, Draft, Fault, FaultKind, Faults};
use jiff::Timestamp;

/// Ask for a new environment
///
/// The claim is checked, judged by the policies and the pool's limit, and stored; the environment follows. A claim with
/// `deployment_method: git` opens a merge request instead.
#[utoipa::path(
    post,
    path = "/api/v1/environments",
    tag = "environments",
    params(DryRun, Repeatable),
    request_body(content = ref("#/components/schemas/Draft"), content_type = "application/json"),
    responses(
        (status = 200, description = "With `dry_run`: what would happen.", body = super::Trial),
        (status = 202, description = "The claim stands in the store.", body = Accepted,
            headers(("ETag" = String, description = "State of the claim."), ("Location" = String, description = "The environment."))),
        (status = 409, description = "The name is taken.", body = Problem, content_type = "application/problem+json"),
        OfClaim,
        (status = 429, description = "The pool is full, or too many requests.", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "GitLab did not do it.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    Extension(operation): Extension<Operation>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    bytes: Bytes,
) -> Result<ChangeAnswer, Refused> {
    let draft = Draft::read(&bytes).map_err(|faults| Problem::faults(&faults))?;
    let claim = draft
        .complete(caller.principal.name(), Timestamp::now())
        .map_err(|faults| Problem::faults(&faults))?;
    app.create(&caller, operation, claim, dry_run).await
}

impl App {
    /// Makes a new environment of a claim.
    pub(super) async fn create(
        &self,
        caller: &Caller,
        operation: Operation,
        claim: Claim,
        dry_run: bool,
    ) -> Result<ChangeAnswer, Refused> {
        let in_git = self.git_types.contains(&claim.environment_type);
        match (&claim.git, in_git) {
            (None, true) => Err(needs_git(&claim)),
            (None, false) => {
                self.create_in_bucket(caller, operation, claim, dry_run)
                    .await
            }
            (Some(_), _) => self.propose(caller, operation, claim, dry_run).await,
        }
    }

    async fn create_in_bucket(
        &self,
        caller: &Caller,
        operation: Operation,
        claim: Claim,
        dry_run: bool,
    ) -> Result<ChangeAnswer, Refused> {
        let name = claim.environment_name.clone();
        let place = self.view.reserve(&claim.environment_pool, name.as_str());
        let subject = self.subject_of(&claim);
        let verdict = self.decide(caller, Action::CreateEnvironment, subject, Some(place.live))?;
        if dry_run {
            let trial = self.trial(Action::CreateEnvironment, &verdict, &claim);
            return Ok(ChangeAnswer::Trial(Box::new(trial)));
        }
        let deed = Deed {
            caller: caller.clone(),
            action: Action::CreateEnvironment,
            name: name.to_string(),
            operation: operation.id,
            verdict,
            before: None,
        };
        let work = Box::pin(async {
            self.require_free(&claim)?;
            let put = self.claims.put_new(&claim, operation.id);
            match self.metrics.call(Call::new("store", "put"), put).await {
                Ok(place) => {
                    let made = Environment {
                        claim,
                        place,
                        origin: Origin::Bucket,
                        status: None,
                        gone: None,
                        version: 0,
                    };
                    self.settled(operation, made).await
                }
                Err(StoreError::Exists { .. }) => Err(self.taken(caller, name.as_str()).await),
                Err(error) => Err(Refused::from(error)),
            }
        });
        let done = self.change(deed, work).await?;
        drop(place);
        Ok(ChangeAnswer::Accepted(operation.id, done))
    }

    /// Refuses a name that a static environment has, or a claim under another key. The store refuses its own key.
    fn require_free(&self, claim: &Claim) -> Result<(), Refused> {
        let name = &claim.environment_name;
        let Some(known) = self.view.get(name.as_str()) else {
            return Ok(());
        };
        let elsewhere = known.origin == Origin::Git || known.place.key != ClaimStore::key_of(name);
        if elsewhere && known.gone.is_none() {
            return Err(name_taken(name.as_str()));
        }
        Ok(())
    }

    /// What somebody is told whose name is taken; whose it is learns only who may see it.
    async fn taken(&self, caller: &Caller, name: &str) -> Refused {
        let problem = name_taken(name);
        let parsed = name.parse();
        let Ok(name) = parsed else { return problem };
        match self.look_up(caller, &name).await {
            Ok(Some(environment)) => {
                let mut problem = problem.now_at(environment.etag());
                problem.detail = format!("{name} is the environment of {}", environment.claim.user);
                problem
            }
            _ => problem,
        }
    }

    async fn propose(
        &self,
        caller: &Caller,
        operation: Operation,
        claim: Claim,
        dry_run: bool,
    ) -> Result<ChangeAnswer, Refused> {
        // A merge request changes nothing by itself: people decide there. So whoever may see such an environment may
        // propose it.
        let subject = crate::rights::subject(&claim, Origin::Git, &self.protected_types);
        let verdict = self.decide(caller, Action::ReadEnvironment, subject, None)?;
        if dry_run {
            let trial = self.trial(Action::CreateEnvironment, &verdict, &claim);
            return Ok(ChangeAnswer::Trial(Box::new(trial)));
        }
        let gitlab = self.gitlab.as_ref().ok_or_else(|| {
            Problem::new(
                StatusCode::CONFLICT,
                "SLW-522",
                "No GitLab is configured",
                "static environments are proposed by merge requests, and this platform knows no GitLab",
                "open the merge request yourself, or ask the operators to configure `gitlab`",
            )
        })?;
        if self
            .view
            .get(claim.environment_name.as_str())
            .is_some_and(|known| known.gone.is_none())
        {
            return Err(name_taken(claim.environment_name.as_str()));
        }
        let deed = Deed {
            caller: caller.clone(),
            action: Action::CreateEnvironment,
            name: claim.environment_name.to_string(),
            operation: operation.id,
            verdict,
            before: None,
        };
        let work = Box::pin(async {
            let by = caller.principal.name();
            let propose = gitlab.propose(&claim, by, operation.id);
            let call = Call::new("git", "propose");
            Ok((self.metrics.call(call, propose).await?, None))
        });
        let done = self.carry_out(deed, StatusCode::ACCEPTED, work).await?;
        Ok(ChangeAnswer::Proposed(operation.id, done))
    }
}

fn name_taken(name: &str) -> Refused {
    Problem::new(
        StatusCode::CONFLICT,
        "SLW-507",
        "Name is taken",
        format!("an environment {name} exists already; names are unique on the whole platform"),
        "take another name",
    )
    .about(name)
}

fn needs_git(claim: &Claim) -> Refused {
    let fault = Fault {
        pointer: "/deployment_method".to_owned(),
        kind: FaultKind::Missing,
        message: format!(
            "environments of type {} are managed in Git on this platform: say `git`, with git_repository and branch",
            claim.environment_type
        ),
    };
    Problem::faults(&Faults(vec![fault]))
}
