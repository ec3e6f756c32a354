//! Why an environment is as it is, and what the caller may do about it.

use super::descriptions::{Forbidden, Named, Unknown};
use super::trial::TrialVerdict;
use crate::app::{App, Shared};
use crate::caller::Caller;
use crate::environment::Environment;
use crate::estimate::Estimate;
use crate::problem::Refused;
use crate::rights::refusal;
use crate::writes::{Remark, remarks};
use authz::Action;
use axum::Json;
use axum::extract::State;
use claims::status::Phase;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Why an environment is as it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explanation {
    /// Its name.
    name: String,
    /// How far it is.
    phase: String,
    /// What that means.
    meaning: String,
    /// Since when, if the controller has said so.
    since: Option<String>,
    /// When this should be over, if the controller has said so.
    deadline: Option<String>,
    /// Why, in the controller's words.
    reason: Option<String>,
    /// What it waits for: kind and name of the object, its finalizer, and what the cloud calls it.
    waits_for: Option<String>,
    /// What can be done now.
    next: String,
    /// Its services: what the claim asks for and what that is now.
    services: Vec<ServiceExplanation>,
    /// What a careful reader would ask about the claim.
    warnings: Vec<Remark>,
    /// What it is made of.
    made_of: Estimate,
    /// What the caller may do to it, and by which policies, by action.
    rights: BTreeMap<String, TrialVerdict>,
}

/// A service: what is asked for and what it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServiceExplanation {
    /// Its name.
    name: String,
    /// What the claim asks for.
    constraint: String,
    /// The version that this became, once it is known.
    version: Option<String>,
    /// Whether it runs, once it is known.
    ready: Option<bool>,
}

/// Why an environment is as it is
#[utoipa::path(
    get,
    path = "/api/v1/environments/{name}/explain",
    tag = "environments",
    params(Named),
    responses(
        (status = 200, description = "Why it is as it is.", body = Explanation),
        Forbidden,
        Unknown,
    )
)]
pub(super) async fn explain(
    State(app): State<Shared>,
    caller: Caller,
    Named(name): Named,
) -> Result<Json<Explanation>, Refused> {
    let environment = app.require(&caller, &name).await?;
    let action = Action::ExplainEnvironment;
    let verdict = app.decide(&caller, action, app.subject(&environment), None)?;
    if !verdict.allowed {
        return Err(refusal(&verdict, action, name.as_str()));
    }
    Ok(Json(app.explanation(&caller, &environment)?))
}

impl App {
    fn explanation(
        &self,
        caller: &Caller,
        environment: &Environment,
    ) -> Result<Explanation, Refused> {
        let phase = environment.phase();
        let status = environment
            .status
            .as_ref()
            .filter(|status| status.phase == phase);
        let (meaning, next) = words(phase);
        Ok(Explanation {
            name: environment.name().to_owned(),
            phase: phase.to_string(),
            meaning: meaning.to_owned(),
            since: status.map(|status| status.since.to_string()),
            deadline: status
                .and_then(|status| status.deadline)
                .map(|end| end.to_string()),
            reason: status.and_then(|status| status.reason.clone()),
            waits_for: status
                .and_then(|status| status.blocker.as_ref())
                .map(|blocker| {
                    let mut words = format!("{} {}", blocker.kind, blocker.name);
                    for (what, value) in [
                        ("finalizer", &blocker.finalizer),
                        ("in the cloud", &blocker.external_id),
                    ] {
                        if let Some(value) = value {
                            words.extend([", ", what, " ", value]);
                        }
                    }
                    words
                }),
            next: next.to_owned(),
            services: services(environment),
            warnings: remarks(&environment.claim),
            made_of: self.estimates.of(&environment.claim),
            rights: self.rights(caller, environment)?,
        })
    }

    fn rights(
        &self,
        caller: &Caller,
        environment: &Environment,
    ) -> Result<BTreeMap<String, TrialVerdict>, Refused> {
        let live = self.view.live_in_pool(&environment.claim.environment_pool);
        let actions = [
            Action::UpdateEnvironment,
            Action::DeleteEnvironment,
            Action::ExtendEnvironment,
            Action::RestoreEnvironment,
            Action::RollbackEnvironment,
            Action::ReadEvents,
        ];
        let decided = actions.into_iter().map(|action| {
            let live = action.takes_a_place().then_some(live);
            let verdict = self.decide(caller, action, self.subject(environment), live)?;
            Ok((action.to_string(), TrialVerdict::from(&verdict)))
        });
        decided.collect()
    }
}

fn services(environment: &Environment) -> Vec<ServiceExplanation> {
    let of = |name: &String| environment.status.as_ref()?.services.get(name);
    let asked = environment.claim.services.iter();
    asked
        .map(|(name, service)| ServiceExplanation {
            name: name.clone(),
            constraint: service.constraint().to_string(),
            version: of(name).and_then(|status| status.tag.clone()),
            ready: of(name).map(|status| status.ready),
        })
        .collect()
}

/// What a phase means, and what can be done.
const fn words(phase: Phase) -> (&'static str, &'static str) {
    match phase {
        Phase::Pending => (
            "the claim is accepted, and the controller has not said anything about it yet",
            "wait; if it stays so for minutes, ask the operators whether the controller runs",
        ),
        Phase::Provisioning => (
            "network, cluster and node pools are being made",
            "wait until the deadline",
        ),
        Phase::Bootstrapping => (
            "the cluster is being prepared for services",
            "wait until the deadline",
        ),
        Phase::Deploying => (
            "the services are being rolled out",
            "wait until the deadline",
        ),
        Phase::Ready => ("everything runs", "nothing needs to be done"),
        Phase::Degraded => (
            "it was ready, and something does not run any more",
            "look at the services that are not ready, or roll back",
        ),
        Phase::Expired => (
            "its time is over",
            "restore it with a later end while its tombstone is there",
        ),
        Phase::Draining => (
            "it is being taken down",
            "restore it while its tombstone is there",
        ),
        Phase::Deleted => ("nothing of it is left", "create it anew"),
        Phase::Rejected => (
            "the claim is not one that could be met",
            "mend the claim as the reason says",
        ),
        Phase::Blocked => (
            "it goes on only when somebody does something",
            "do what the reason says",
        ),
    }
}
