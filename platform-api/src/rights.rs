//! Who may do what: claims put before the policies, and what somebody is told who may not.

use crate::app::App;
use crate::caller::Caller;
use crate::environment::Environment;
use crate::metrics::Call;
use crate::problem::{Problem, Refused};
use authz::{Action, Circumstances, Origin, PolicySet, Principal, Resource, Verdict};
use axum::http::StatusCode;
use claims::{Claim, EnvironmentType};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What policies may know of a claim.
#[must_use]
pub fn subject(
    claim: &Claim,
    origin: Origin,
    protected: &BTreeSet<EnvironmentType>,
) -> authz::Environment {
    authz::Environment {
        name: claim.environment_name.as_str().to_owned(),
        pool: claim.environment_pool.clone(),
        environment_type: claim.environment_type,
        owner: claim.user.clone(),
        origin,
        protected: protected.contains(&claim.environment_type),
    }
}

impl App {
    /// What policies may know of an environment.
    #[must_use]
    pub fn subject(&self, environment: &Environment) -> authz::Environment {
        subject(
            &environment.claim,
            environment.origin,
            &self.protected_types,
        )
    }

    /// What policies may know of a claim that is to be written to the bucket.
    #[must_use]
    pub fn subject_of(&self, claim: &Claim) -> authz::Environment {
        subject(claim, Origin::Bucket, &self.protected_types)
    }

    /// What the policies say to an action on an environment.
    pub fn decide(
        &self,
        caller: &Caller,
        action: Action,
        subject: authz::Environment,
        live_in_pool: Option<usize>,
    ) -> Result<Verdict, Refused> {
        let set = self.policies.current().map_err(Refused::from)?;
        let live = live_in_pool.map(|live| u32::try_from(live).unwrap_or(u32::MAX));
        let circumstances = Circumstances {
            live_in_pool: live,
            ..Circumstances::api(Timestamp::now())
        };
        let resource = Resource::Environment(subject);
        let decide = || set.decide(&caller.principal, action, &resource, &circumstances);
        Ok(self
            .metrics
            .call_here(Call::new("policy", "decide"), decide))
    }

    /// What the policies say to a change: both what stands there and what is to stand there must be allowed, and whoever
    /// moves an environment to another pool or type must be allowed to make it there.
    pub fn decide_change(
        &self,
        caller: &Caller,
        action: Action,
        before: &Environment,
        after: &Claim,
    ) -> Result<Verdict, Refused> {
        let old = self.decide(caller, action, self.subject(before), None)?;
        let new = self.decide(caller, action, self.subject_of(after), None)?;
        let both = old.and(new);
        let moved = before.claim.environment_pool != after.environment_pool
            || before.claim.environment_type != after.environment_type;
        if !moved {
            return Ok(both);
        }
        let live = self.view.live_in_pool(&after.environment_pool);
        let create = self.decide(
            caller,
            Action::CreateEnvironment,
            self.subject_of(after),
            Some(live),
        )?;
        Ok(both.and(create))
    }

    /// Refuses, as if it did not exist, what the caller may not see.
    pub fn require_visible(
        &self,
        caller: &Caller,
        environment: &Environment,
    ) -> Result<(), Refused> {
        if self.may_read(&caller.principal, environment)? {
            Ok(())
        } else {
            Err(Problem::unknown_environment(environment.name()))
        }
    }

    /// Whether somebody may see an environment.
    pub fn may_read(
        &self,
        principal: &Principal,
        environment: &Environment,
    ) -> Result<bool, Refused> {
        let set = self.policies.current().map_err(Refused::from)?;
        Ok(reader(&set, principal).may_read(&self.subject(environment)))
    }
}

/// Somebody's view of lists.
#[must_use]
pub fn reader<'set>(set: &'set PolicySet, principal: &Principal) -> authz::Reader<'set> {
    set.reader(principal, &Circumstances::api(Timestamp::now()))
}

/// What somebody is told who may not.
#[must_use]
pub fn refusal(verdict: &Verdict, action: Action, name: &str) -> Refused {
    let (status, title, way_out) = if verdict.is_over_limit() {
        (
            StatusCode::TOO_MANY_REQUESTS,
            "Pool is full",
            "delete an environment of the pool, or ask for a higher limit",
        )
    } else {
        (
            StatusCode::FORBIDDEN,
            "Not allowed",
            "ask whoever owns the policy, or somebody with the right to do it",
        )
    };
    Problem::new(
        status,
        verdict.code(),
        title,
        format!("{action} of {name}: {verdict}"),
        way_out,
    )
    .about(name)
    .decided_by(policies(verdict))
}

/// The names of the policies that decided.
#[must_use]
pub fn policies(verdict: &Verdict) -> Vec<String> {
    verdict
        .deciding
        .iter()
        .map(|deciding| deciding.policy.clone())
        .collect()
}
