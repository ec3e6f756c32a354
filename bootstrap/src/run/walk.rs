//! The walk through the graph: what may run at the same time does.

use super::plan::Plan;
use super::{Ground, Run};
use crate::component::{self, Done};
use crate::failure;
use crate::schedule::{Blocked, Schedule};
use run_report::{ComponentStatus, Event, Failure, Outcome, Planned};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::task::JoinSet;

impl Run {
    /// Starts what may start, until nothing runs and nothing can start any more.
    pub(super) async fn walk(self: &Arc<Self>, ground: &Arc<Ground>, plan: &mut Plan) -> Outcome {
        let before = |(name, planned): (&String, &Planned)| {
            (name.clone(), planned.after.iter().cloned().collect())
        };
        let mut schedule = Schedule::new(plan.planned.iter().map(before).collect());
        let mut running = JoinSet::new();
        let mut names = HashMap::new();
        let mut host_lost = false;
        loop {
            if !self.stop.is_cancelled() {
                for name in schedule.start_ready() {
                    if let Some(task) = self.component(ground, &name, plan) {
                        names.insert(running.spawn(task).id(), name);
                    }
                }
            }
            let Some(joined) = running.join_next_with_id().await else {
                break;
            };
            let (id, done) = joined.unwrap_or_else(|error| {
                tracing::error!(%error, "a component's task broke");
                (
                    error.id(),
                    Done {
                        status: ComponentStatus::Failed,
                        host_lost: false,
                    },
                )
            });
            let name = names.remove(&id).unwrap_or_default();
            host_lost |= done.host_lost;
            match done.status {
                ComponentStatus::Ok => schedule.succeeded(&name),
                _ => self.skip(schedule.failed(&name), plan),
            }
            plan.statuses.insert(name, done.status);
        }
        for name in schedule.abandon() {
            plan.statuses.insert(name, ComponentStatus::Stopped);
        }
        outcome_of(&plan.statuses, self.stop.is_cancelled(), host_lost)
    }

    fn component(
        self: &Arc<Self>,
        ground: &Arc<Ground>,
        name: &str,
        plan: &Plan,
    ) -> Option<impl Future<Output = Done> + Send + 'static + use<>> {
        let (planned, wanted) = (
            plan.planned.get(name)?.clone(),
            plan.wanted.get(name)?.clone(),
        );
        let one = component::One {
            run: self.clone(),
            ground: ground.clone(),
            planned,
            wanted,
            component: self.bundle.catalog.get(name)?.clone(),
            earlier: plan.records.get(name).cloned(),
        };
        Some(one.run_to_recorded_end())
    }

    fn skip(&self, blocked: Vec<Blocked>, plan: &mut Plan) {
        for one in blocked {
            // What waits for something that was stopped is stopped too: nothing is wrong with it.
            if self.stop.is_cancelled() {
                plan.statuses.insert(one.name, ComponentStatus::Stopped);
                continue;
            }
            self.report_skipped(&one.name, failure::blocked(&one.by));
            plan.statuses.insert(one.name, ComponentStatus::Skipped);
        }
    }

    /// Tells that a component was not run, and why.
    pub(super) fn report_skipped(&self, name: &str, failure: Failure) {
        self.reporter.emit(Event::ComponentFinished {
            name: name.to_owned(),
            status: ComponentStatus::Skipped,
            duration_ms: 0,
            changed: 0,
            failure: Some(failure),
        });
    }
}

fn outcome_of(
    statuses: &BTreeMap<String, ComponentStatus>,
    stopped: bool,
    host_lost: bool,
) -> Outcome {
    let any = |wanted| statuses.values().any(|status| *status == wanted);
    if stopped && any(ComponentStatus::Stopped) {
        Outcome::Stopped
    } else if host_lost {
        Outcome::Unreachable
    } else if any(ComponentStatus::Failed) {
        Outcome::Failed
    } else {
        Outcome::Done
    }
}
