//! A whole run: what has to be done, where, in which order, and what it came to.

use crate::bundle::Bundle;
use crate::component::{self, Done};
use crate::connection::{ConnectError, Connection as SshOrLocal, Login};
use crate::failure;
use crate::host::{self, Host};
use crate::host_key::NotAHostKey;
use crate::journal::{Journal, JournalFault};
use crate::platform_lock::{Asked, Holder, PlatformLock};
use crate::reporter::Reporter;
use crate::schedule::Schedule;
use crate::upload::NotReady;
use run_report::{
    ComponentStatus, Connection, Event, Failure, JournalRecord, Outcome, Planned, Reason, Request,
    Wanted,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Once};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// So many connections may be lost while the host is prepared.
const CUTS: u32 = 5;

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

/// What has to run, with what it is and why.
struct Plan {
    wanted: BTreeMap<String, Wanted>,
    planned: BTreeMap<String, Planned>,
    statuses: BTreeMap<String, ComponentStatus>,
    records: BTreeMap<String, JournalRecord>,
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

    /// What an earlier run had started when it was lost, as `component/run`.
    fn adoptable(&self, plan: &Plan) -> Vec<String> {
        let started_by = |name: &String| {
            let wanted = plan.wanted.get(name)?;
            let run = plan.records.get(name)?.run;
            let unheard = component::is_unheard_of(plan.records.get(name), wanted);
            (unheard && !self.forced.contains(name)).then(|| format!("{name}/{run}"))
        };
        plan.planned.keys().filter_map(started_by).collect()
    }

    async fn plan(&self) -> Result<Plan, Obstacle> {
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

    fn in_order(&self, plan: &Plan) -> Vec<Planned> {
        let chosen = plan.planned.keys().cloned().collect();
        let order = self.bundle.catalog.waves(&chosen).into_iter().flatten();
        order
            .filter_map(|name| plan.planned.get(&name).cloned())
            .collect()
    }

    async fn reach_host(self: Arc<Self>, kept: Vec<String>) -> Result<Host, Obstacle> {
        let on_thread = tokio::task::spawn_blocking(move || self.reach_host_blocking(&kept));
        on_thread.await.unwrap_or_else(|error| {
            let failure =
                failure::internal(&format!("the thread that prepared the host broke: {error}"));
            Err(Obstacle::new(Outcome::Failed, failure))
        })
    }

    fn reach_host_blocking(&self, kept: &[String]) -> Result<Host, Obstacle> {
        let login = Login::new(&self.request.host).map_err(|error: NotAHostKey| {
            let failure = failure::plain(
                "SLW-303",
                format!("host.host_key: {error}"),
                "Mend the request.",
            );
            Obstacle::new(Outcome::BadRequest, failure)
        })?;
        let patience = Duration::from_secs(self.request.connect_timeout_s);
        let (connected, ready) = (Once::new(), Once::new());
        let mut cuts = 0;
        loop {
            let connection = self.connect(&login, patience)?;
            connected.call_once(|| self.say_connected());
            let bundle_ready = |uploaded| ready.call_once(|| self.say_bundle_ready(uploaded));
            let prepared = host::prepare(
                &connection,
                login.clone(),
                patience,
                &self.bundle,
                kept,
                &self.stop,
                bundle_ready,
            );
            match prepared {
                Ok(host) => return Ok(host),
                // Every step of it can be taken again.
                Err(NotReady::Lost(cause)) if cuts < CUTS => {
                    tracing::warn!(%cause, "the connection was lost while the host was prepared; connecting again");
                    cuts += 1;
                }
                Err(why) => return Err(self.not_ready(why)),
            }
        }
    }

    fn connect(&self, login: &Login, patience: Duration) -> Result<SshOrLocal, Obstacle> {
        login.connect(patience, &self.stop).map_err(|error| {
            let outcome = match error {
                ConnectError::Stopped => Outcome::Stopped,
                _ => Outcome::Unreachable,
            };
            Obstacle::new(outcome, failure::no_connection(&error))
        })
    }

    fn not_ready(&self, why: NotReady) -> Obstacle {
        match why {
            NotReady::Stopped => Obstacle::new(Outcome::Stopped, failure::stopped()),
            NotReady::Lost(cause) => {
                Obstacle::new(Outcome::Unreachable, failure::connection_lost(&cause))
            }
            NotReady::Because(failure) => {
                Obstacle::new(Outcome::Failed, self.reporter.masked(*failure))
            }
        }
    }

    fn say_connected(&self) {
        self.reporter.emit(Event::HostConnected {
            address: match self.request.host.connection {
                Connection::Ssh => self.request.host.address.clone(),
                Connection::Local => "localhost".to_owned(),
            },
        });
    }

    fn say_bundle_ready(&self, uploaded: bool) {
        self.reporter.emit(Event::BundleReady {
            digest: self.bundle.digest.clone(),
            uploaded,
        });
    }

    /// Starts what may start, until nothing runs and nothing can start any more.
    async fn walk(self: &Arc<Self>, ground: &Arc<Ground>, plan: &mut Plan) -> Outcome {
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

    fn skip(&self, blocked: Vec<crate::schedule::Blocked>, plan: &mut Plan) {
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

    fn report_skipped(&self, name: &str, failure: Failure) {
        self.reporter.emit(Event::ComponentFinished {
            name: name.to_owned(),
            status: ComponentStatus::Skipped,
            duration_ms: 0,
            changed: 0,
            failure: Some(failure),
        });
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
