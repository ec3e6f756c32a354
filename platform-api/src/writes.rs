//! How a claim is changed: in one order for everybody, with a record before and after.

use crate::app::App;
use crate::audit::{Decision, Event, Head, Outcome};
use crate::caller::Caller;
use crate::commands::Operation;
use crate::environment::{Environment, EnvironmentAnswer};
use crate::metrics::Call;
use crate::problem::{Problem, Refused};
use crate::rights::{policies, refusal};
use authz::{Action, Verdict};
use axum::http::StatusCode;
use claim_store::Place;
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// A change that somebody wants, with what the policies say to it.
#[derive(Clone, Debug)]
pub struct Deed {
    /// Who wants it.
    pub caller: Caller,
    /// What they want.
    pub action: Action,
    /// The environment, or `platform`.
    pub name: String,
    /// The id of the write.
    pub operation: Uuid,
    /// What the policies say.
    pub verdict: Verdict,
    /// The claim's state before, if there is one.
    pub before: Option<String>,
}

/// A change that was made.
pub struct Done<T> {
    /// What stands there now.
    pub result: T,
    /// The audit record of the answer, for the client to keep.
    pub receipt: Head,
}

/// A change of an environment that was taken; the environment follows.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Accepted {
    /// The id of the write, which the stored object carries.
    pub operation: Uuid,
    /// The environment as it stands in the store now.
    pub environment: EnvironmentAnswer,
    /// What a careful reader would ask about.
    pub warnings: Vec<Remark>,
}

/// Something allowed that its author may not have meant.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Remark {
    /// JSON pointer to the place.
    pub pointer: String,
    /// What to consider.
    pub message: String,
}

impl Deed {
    fn event(&self, outcome: Outcome, after: Option<String>) -> Event {
        let resource = if self.name == "platform" {
            "Platform".to_owned()
        } else {
            format!("Environment::\"{}\"", self.name)
        };
        Event {
            request: self.caller.request.clone(),
            principal: self.caller.principal.to_string(),
            action: self.action.to_string(),
            resource,
            decision: Decision {
                allowed: self.verdict.allowed,
                policies: policies(&self.verdict),
            },
            operation: Some(self.operation),
            outcome,
            etag_before: self.before.clone(),
            etag_after: after,
        }
    }
}

impl App {
    /// Makes a change of one environment: refuses what the policies forbid, records that it begins, does the work,
    /// records what came of it, and takes it into the view.
    pub async fn change(
        &self,
        deed: Deed,
        work: impl Future<Output = Result<Environment, Refused>>,
    ) -> Result<Done<Arc<Environment>>, Refused> {
        let work = async {
            let environment = self.view.put(work.await?);
            let state = environment.etag().to_owned();
            Ok((environment, Some(state)))
        };
        self.carry_out(deed, StatusCode::ACCEPTED, work).await
    }

    /// The environment as it was written. A request that is sent again may have been carried out the first time, with
    /// another moment in its claim: then what stands in the store counts.
    pub async fn settled(
        &self,
        operation: Operation,
        environment: Environment,
    ) -> Result<Environment, Refused> {
        if !operation.repeatable {
            return Ok(environment);
        }
        let get = self.claims.get_key(&environment.place.key);
        let stored = self.metrics.call(Call::new("store", "get"), get).await?;
        Ok(match stored {
            Some(stored) if stored.place.etag == environment.place.etag => Environment {
                claim: stored.claim,
                ..environment
            },
            _ => environment,
        })
    }

    /// What a caller gets who starts from a state that is over: the work of this very request, if it was sent before and
    /// still stands there. Nothing is written: the policies were asked about the state that was read, and no other may be
    /// replaced on their word.
    pub async fn left_by(
        &self,
        before: &Environment,
        operation: Operation,
    ) -> Result<Place, Refused> {
        let look = self.claims.left_by(&before.place.key, operation.id);
        Ok(self.metrics.call(Call::new("store", "get"), look).await?)
    }

    /// Carries out what changes something; the work tells its result and the state that it left.
    pub async fn carry_out<T>(
        &self,
        deed: Deed,
        success: StatusCode,
        work: impl Future<Output = Result<(T, Option<String>), Refused>>,
    ) -> Result<Done<T>, Refused> {
        if !deed.verdict.allowed {
            let problem = refusal(&deed.verdict, deed.action, &deed.name);
            self.answered(&deed, None, problem.status, Some(&problem.code), None)
                .await?;
            return Err(problem);
        }
        let begun = self.record(deed.event(Outcome::Begun, None)).await?.seq;
        match work.await {
            Ok((result, after)) => {
                let receipt = self
                    .answered(&deed, Some(begun), success.as_u16(), None, after)
                    .await?;
                Ok(Done { result, receipt })
            }
            Err(problem) => {
                self.answered(
                    &deed,
                    Some(begun),
                    problem.status,
                    Some(&problem.code),
                    None,
                )
                .await?;
                Err(problem)
            }
        }
    }

    async fn answered(
        &self,
        deed: &Deed,
        begun: Option<u64>,
        status: u16,
        code: Option<&str>,
        after: Option<String>,
    ) -> Result<Head, Refused> {
        let code = code.map(str::to_owned);
        let outcome = Outcome::Answered {
            begun,
            status,
            code,
        };
        self.record(deed.event(outcome, after)).await
    }

    async fn record(&self, event: Event) -> Result<Head, Refused> {
        let head = self
            .audit
            .append(Timestamp::now(), event)
            .await
            .map_err(|error| {
                Problem::from_text(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Audit log takes nothing",
                    &error.to_string(),
                )
            })?;
        self.metrics.audited(head.seq);
        Ok(head)
    }
}

/// What a careful reader would ask about a claim.
#[must_use]
pub fn remarks(claim: &claims::Claim) -> Vec<Remark> {
    let warnings = claim.warnings().into_iter();
    warnings
        .map(|warning| Remark {
            pointer: warning.pointer,
            message: warning.message,
        })
        .collect()
}
