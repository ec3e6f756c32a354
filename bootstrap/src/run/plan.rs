//! What has to be done: what is wanted, held against the journal.

use super::{Obstacle, Run};
use crate::component;
use crate::failure;
use run_report::{ComponentStatus, JournalRecord, Outcome, Planned, Reason, Wanted};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What has to run, with what it is and why.
pub(super) struct Plan {
    pub(super) wanted: BTreeMap<String, Wanted>,
    pub(super) planned: BTreeMap<String, Planned>,
    pub(super) statuses: BTreeMap<String, ComponentStatus>,
    pub(super) records: BTreeMap<String, JournalRecord>,
}

impl Run {
    /// Reads the journal, and says what it leaves to do.
    pub(super) async fn plan(&self) -> Result<Plan, Obstacle> {
        let wanted = self
            .bundle
            .catalog
            .wanted(&self.request.components, self.request.secrets_version)
            .map_err(|error| {
                Obstacle::new(
                    Outcome::BadRequest,
                    failure::plain("SLW-303", error.to_string(), "Mend the request."),
                )
            })?;
        let patience = Duration::from_secs(self.request.connect_timeout_s);
        let read = tokio::select! {
            read = self.journal.read(patience) => read,
            () = self.stop.cancelled() => return Err(Obstacle::new(Outcome::Stopped, failure::stopped())),
        };
        let records = read.map_err(|error| self.no_journal(&error))?;
        let mut plan = Plan {
            wanted,
            planned: BTreeMap::new(),
            statuses: BTreeMap::new(),
            records,
        };
        for (name, wanted) in &plan.wanted {
            let forced = self.forced.contains(name).then_some(Reason::Forced);
            match forced.or_else(|| Reason::to_run(wanted, plan.records.get(name))) {
                None => {
                    plan.statuses.insert(name.clone(), ComponentStatus::Skipped);
                }
                Some(reason) => {
                    let digest = wanted.digests.digest.clone();
                    plan.planned.insert(
                        name.clone(),
                        Planned {
                            name: name.clone(),
                            digest,
                            reason,
                            after: Vec::new(),
                            typical_ms: plan.records.get(name).and_then(|record| record.typical_ms),
                        },
                    );
                }
            }
        }
        let chosen: BTreeSet<String> = plan.planned.keys().cloned().collect();
        for (name, planned) in &mut plan.planned {
            let before = self.bundle.catalog.predecessors(name, &chosen);
            planned.after = before.into_iter().collect();
        }
        Ok(plan)
    }

    /// What has to run, each component behind those that it waits for.
    pub(super) fn in_order(&self, plan: &Plan) -> Vec<Planned> {
        let chosen = plan.planned.keys().cloned().collect();
        let order = self.bundle.catalog.waves(&chosen).into_iter().flatten();
        order
            .filter_map(|name| plan.planned.get(&name).cloned())
            .collect()
    }

    /// What an earlier run had started when it was lost, as `component/run`.
    pub(super) fn adoptable(&self, plan: &Plan) -> Vec<String> {
        let started_by = |name: &String| {
            let wanted = plan.wanted.get(name)?;
            let run = plan.records.get(name)?.run;
            let unheard = component::is_unheard_of(plan.records.get(name), wanted);
            (unheard && !self.forced.contains(name)).then(|| format!("{name}/{run}"))
        };
        plan.planned.keys().filter_map(started_by).collect()
    }
}
