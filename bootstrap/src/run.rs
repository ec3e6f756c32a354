//! A whole run: what has to be done, where, in which order, and what it came to.

mod host;
mod plan;
mod walk;

use crate::bundle::Bundle;
use crate::failure;
use crate::host::Host;
use crate::journal::{Journal, JournalFault};
use crate::platform_lock::{Asked, Holder, PlatformLock};
use crate::reporter::Reporter;
use plan::Plan;
use run_report::{ComponentStatus, Event, Failure, Outcome, Planned, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Everything a run works with.
pub struct Run {
    /// What is asked for.
    pub request: Request,
    /// The playbooks.
    pub bundle: Bundle,
    /// Components that run whatever the journal says.
    pub forced: BTreeSet<String>,
    /// What is known of earlier runs.
    pub journal: Arc<dyn Journal>,
    /// Who is told.
    pub reporter: Reporter,
    /// The caller's wish to stop.
    pub stop: CancellationToken,
    /// Where the events are written on this machine.
    pub file: Option<PathBuf>,
}

/// How a run ended, and why it did not get as far as its components.
#[derive(Debug)]
pub struct Ending {
    /// The outcome.
    pub outcome: Outcome,
    /// What kept it from running any component.
    pub failure: Option<Failure>,
}

/// What stopped a run before its components.
struct Obstacle {
    outcome: Outcome,
    failure: Box<Failure>,
}

impl Obstacle {
    fn new(outcome: Outcome, failure: Failure) -> Self {
        Self {
            outcome,
            failure: Box::new(failure),
        }
    }
}

/// What every component of a run stands on.
pub(crate) struct Ground {
    pub(crate) host: Host,
    pub(crate) lock: PlatformLock,
}

impl Run {
    /// Runs to the end. Every way out is an event and an outcome.
    pub async fn to_end(self) -> Ending {
        let run = Arc::new(self);
        match run.plan().await {
            Ok(plan) if plan.planned.is_empty() => {
                run.begin(Vec::new());
                run.finish(Outcome::Done, plan.statuses, None)
            }
            Ok(_) => match run.take_platform().await {
                Ok(lock) => run.under(lock).await,
                Err(obstacle) => run.turn_away(obstacle),
            },
            Err(obstacle) => run.turn_away(obstacle),
        }
    }

    /// The run once the platform is its own. What another run has done meanwhile is not done again.
    async fn under(self: Arc<Self>, lock: PlatformLock) -> Ending {
        let mut plan = match self.plan().await {
            Ok(plan) => plan,
            Err(obstacle) => {
                lock.release().await;
                return self.turn_away(obstacle);
            }
        };
        self.begin(self.in_order(&plan));
        if plan.planned.is_empty() {
            lock.release().await;
            return self.finish(Outcome::Done, plan.statuses, None);
        }
        let kept = self.adoptable(&plan);
        match self.clone().reach_host(kept).await {
            Ok(host) => {
                let ground = Arc::new(Ground { host, lock });
                let outcome = self.walk(&ground, &mut plan).await;
                if let Some(ground) = Arc::into_inner(ground) {
                    ground.lock.release().await;
                }
                self.finish(outcome, plan.statuses, None)
            }
            Err(obstacle) => {
                lock.release().await;
                self.give_up(obstacle, plan)
            }
        }
    }

    async fn take_platform(&self) -> Result<PlatformLock, Obstacle> {
        let me = Holder::of_this_process(self.request.run, self.file.clone(), self.reporter.now());
        match PlatformLock::ask(&self.journal, me, &self.stop).await {
            Ok(Asked::Ours(lock)) => Ok(lock),
            Ok(Asked::Theirs(holder)) => Err(Obstacle::new(Outcome::Busy, failure::busy(&holder))),
            Ok(Asked::Stopped) => Err(Obstacle::new(Outcome::Stopped, failure::stopped())),
            Err(error) => Err(self.no_journal(&error)),
        }
    }

    fn begin(&self, components: Vec<Planned>) {
        self.reporter.emit(Event::RunStarted {
            run: self.request.run,
            platform: self.request.platform.id.clone(),
            components,
        });
    }

    fn turn_away(&self, obstacle: Obstacle) -> Ending {
        self.finish(obstacle.outcome, BTreeMap::new(), Some(*obstacle.failure))
    }

    fn no_journal(&self, error: &JournalFault) -> Obstacle {
        let failure = failure::no_journal(&error.to_string());
        Obstacle::new(Outcome::Unreachable, self.reporter.masked(failure))
    }

    /// No component could start, all for the same reason.
    fn give_up(&self, obstacle: Obstacle, mut plan: Plan) -> Ending {
        for name in plan.planned.into_keys() {
            let status = if obstacle.outcome == Outcome::Stopped {
                ComponentStatus::Stopped
            } else {
                self.report_skipped(&name, (*obstacle.failure).clone());
                ComponentStatus::Skipped
            };
            plan.statuses.insert(name, status);
        }
        self.finish(obstacle.outcome, plan.statuses, Some(*obstacle.failure))
    }

    fn finish(
        &self,
        outcome: Outcome,
        components: BTreeMap<String, ComponentStatus>,
        failure: Option<Failure>,
    ) -> Ending {
        self.reporter.emit(Event::RunFinished {
            outcome,
            components,
        });
        Ending { outcome, failure }
    }
}
