//! The environment that a change is about, as the store has it at this moment.

use crate::app::App;
use crate::caller::Caller;
use crate::environment::Environment;
use crate::metrics::Call;
use crate::problem::{Problem, Refused};
use authz::Origin;
use axum::http::StatusCode;
use claim_store::{ClaimStore, Stored};
use claims::status::Phase;
use claims::{EnvironmentName, Gone};
use std::sync::Arc;

impl App {
    /// The environment of that name as it stands in the store now; `None` when nothing of it is known. What the caller
    /// may not see does not exist.
    pub async fn look_up(
        &self,
        caller: &Caller,
        name: &EnvironmentName,
    ) -> Result<Option<Arc<Environment>>, Refused> {
        let found = self.fresh(name).await?;
        if let Some(environment) = &found {
            self.require_visible(caller, environment)?;
        }
        Ok(found)
    }

    /// The same, where nothing is a refusal.
    pub async fn require(
        &self,
        caller: &Caller,
        name: &EnvironmentName,
    ) -> Result<Arc<Environment>, Refused> {
        let found = self.look_up(caller, name).await?;
        found.ok_or_else(|| Problem::unknown_environment(name.as_str()))
    }

    /// The environment with what the controller says about it at this moment. Where that cannot be read, what was known
    /// of it stays.
    pub async fn with_fresh_status(&self, environment: Arc<Environment>) -> Arc<Environment> {
        let Some(statuses) = &self.statuses else {
            return environment;
        };
        let get = statuses.get(&environment.claim.environment_name);
        let call = Call::new("store", "get-status");
        match self.metrics.call(call, get).await {
            Ok(status) => Arc::new(Environment {
                status: status.map(Arc::new),
                ..(*environment).clone()
            }),
            Err(error) => {
                tracing::warn!(%error, "a status could not be read; what was known stays");
                environment
            }
        }
    }

    async fn fresh(&self, name: &EnvironmentName) -> Result<Option<Arc<Environment>>, Refused> {
        let known = self.view.get(name.as_str());
        if let Some(known) = &known
            && known.origin == Origin::Git
        {
            return Ok(Some(known.clone()));
        }
        let key = known
            .as_ref()
            .map_or_else(|| ClaimStore::key_of(name), |known| known.place.key.clone());
        let get = self.claims.get_key(&key);
        let stored = self.metrics.call(Call::new("store", "get"), get).await?;
        Ok(match stored {
            Some(Stored { place, claim }) if claim.environment_name == *name => {
                Some(Arc::new(Environment {
                    claim,
                    place,
                    origin: Origin::Bucket,
                    status: known.and_then(|known| known.status.clone()),
                    gone: None,
                    version: 0,
                }))
            }
            // What the view knows of it is what stood there before.
            _ => known.filter(|known| known.gone.is_some()),
        })
    }

    /// Refuses what cannot be changed here, or any more.
    pub fn require_changeable(&self, environment: &Environment) -> Result<(), Refused> {
        let name = environment.name();
        if environment.origin == Origin::Git {
            return Err(managed_in_git(environment));
        }
        let Some(gone) = &environment.gone else {
            return Ok(());
        };
        let how = match gone {
            Gone::Withdrawn { by, at } => format!("{by} took its claim back at {at}"),
            Gone::Expired { at } => format!("its time was over at {at}"),
        };
        let (status, title) = if environment.phase() == Phase::Deleted {
            (StatusCode::GONE, "Environment is gone")
        } else {
            (StatusCode::CONFLICT, "Environment is being taken down")
        };
        Err(Problem::new(
            status,
            "SLW-508",
            title,
            format!("{name} cannot be changed: {how}"),
            format!("restore it with POST /api/v1/environments/{name}/restore, or create it anew"),
        )
        .about(name))
    }
}

fn managed_in_git(environment: &Environment) -> Refused {
    let name = environment.name();
    let place = environment.claim.git.as_ref().map_or_else(
        || "the repository that its pipeline runs in".to_owned(),
        |git| format!("{} on branch {}", git.repository, git.branch),
    );
    Problem::new(
        StatusCode::CONFLICT,
        "SLW-506",
        "Environment is managed in Git",
        format!(
            "{name} is static: its claim comes from {place}, and only the pipeline there writes it"
        ),
        "open a merge request there that changes or removes its file",
    )
    .about(name)
}
