//! A create or an update as one order: the platform that is planned, and what a launch needs to get there.

use std::collections::BTreeMap;

use secrecy::SecretString;
use tfplugin::{Diagnostics, Object, PartialState, Private, Stop};
use tokio::time::Instant;
use uuid::Uuid;

use super::launch::{Launch, Standing};
use super::read::Linked;
use super::sequence::Goal;
use super::settings::{self, Operation, Settings};
use super::{Phase, plan_components, plan_nodes, record, status};
use crate::bootstrap_place::Bootstrap;
use crate::component_catalog;
use crate::mark::Incarnation;
use crate::session::Session;

/// What is to be reached, and by which operation.
pub(super) struct Order<'a> {
    pub(super) session: &'a Session,
    pub(super) planned: &'a Object,
    pub(super) config: &'a Object,
    pub(super) partial: &'a PartialState,
    pub(super) stop: &'a Stop,
    pub(super) operation: Operation,
    /// Whether the platform's create has not ended yet: this run takes it over, with an incarnation of its own.
    pub(super) unfinished: bool,
    /// Whether components may have something to run.
    pub(super) components: bool,
}

impl Order<'_> {
    /// Gets there, and gives the state. What must not stop it becomes a warning.
    pub(super) async fn carry_out(
        self,
        private: &mut Private,
        warnings: &mut Diagnostics,
    ) -> Result<Object, Diagnostics> {
        let run = Uuid::new_v4();
        let incarnation = self.unfinished.then(|| Incarnation::from_id(run));
        let catalog = component_catalog::embedded()?;
        let settings = Settings::read(self.planned)?;
        let wanted = plan_components::wanted(catalog, self.planned)?;
        let goal = Goal {
            incarnation: incarnation.clone(),
            build: settings.build.clone(),
            components: self.components && !wanted.is_empty(),
        };
        let launch = Launch {
            session: self.session,
            client: self.session.vultr().await?,
            catalog,
            settings,
            wanted,
            record: record::written(self.planned)?,
            secrets: secrets(self.config)?,
            bootstrap: bootstrap(self.config, goal.components)?,
            goal,
            run,
            partial: self.partial,
            stop: self.stop,
            deadline: Instant::now() + settings::timeout(self.planned, self.operation)?,
        };
        if !self.unfinished {
            // Until the end is reached the state says that something is left to do, so that the next plan goes on.
            self.partial.record(|state| {
                state.set("phase", Phase::Unsettled.as_str());
            });
        }
        let standing = launch.run().await?;
        let mut state = self.planned.clone();
        if let Some(fault) = &standing.unrecorded {
            warnings.push(fault.clone().into_warning());
        }
        keep(self.session, &standing, private).await;
        standing.write(&mut state);
        plan_nodes::settle(self.session, &standing, &mut state).await?;
        if let Some(incarnation) = &incarnation {
            state.set("incarnation", incarnation.as_str());
        }
        Ok(state)
    }
}

/// Keeps with the object what the next refresh would keep: else that would change the state, and call it a difference.
async fn keep(session: &Session, standing: &Standing, private: &mut Private) {
    if let Some(journal) = &standing.journal {
        status::keep_journal(journal, private);
    }
    // What stands stands: that nobody answers here is for the next refresh to say.
    if let (Some(cluster), Ok(client)) = (&standing.cluster, session.vultr().await)
        && let Ok(Some(linked)) = Linked::of(client, cluster).await
    {
        linked.keep(private);
    }
}

/// Where the playbooks run. If some do, what is missing for it is told before anything is made.
fn bootstrap(config: &Object, needed: bool) -> Result<Bootstrap, Diagnostics> {
    let bootstrap = Bootstrap::read(config)?;
    if needed {
        bootstrap.require_ready()?;
    }
    Ok(bootstrap)
}

/// The secrets of the configuration; they are in no plan and no state.
fn secrets(config: &Object) -> Result<BTreeMap<String, SecretString>, Diagnostics> {
    Ok(config
        .get::<Option<BTreeMap<String, SecretString>>>("component_secrets_wo")?
        .unwrap_or_default())
}
