//! One component of a run: recorded as running, run, recorded as ended. State first, then effect, then proof.

use crate::failure;
use crate::job::{self, Ended, Job};
use crate::playbook::{Playbook, Verdict};
use crate::run::{Ground, Run};
use crate::tail::Tail;
use run_report::{
    Component, ComponentStatus, Event, Failure, JournalRecord, Planned, Progress, Reason, Wanted,
};
use std::sync::Arc;
use tokio::runtime::Handle;
use uuid::Uuid;

/// How a component ended, for the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) status: ComponentStatus,
    pub(crate) host_lost: bool,
}

/// Whether this is what an earlier run had started when it was lost, with nothing changed since.
pub(crate) fn is_unheard_of(record: Option<&JournalRecord>, wanted: &Wanted) -> bool {
    record.is_some_and(|record| {
        record.outcome == Progress::Running && record.digest == wanted.digests.digest
    })
}

/// One component, with all that it takes to run it.
pub(crate) struct One {
    pub(crate) run: Arc<Run>,
    pub(crate) ground: Arc<Ground>,
    pub(crate) planned: Planned,
    pub(crate) wanted: Wanted,
    pub(crate) component: Component,
    pub(crate) earlier: Option<JournalRecord>,
}

impl One {
    /// Runs the component to its recorded end.
    pub(crate) async fn run_to_recorded_end(self) -> Done {
        let this = Arc::new(self);
        this.run
            .reporter
            .emit(Event::ComponentStarted(this.planned.clone()));
        let (record, ended) = this.clone().played().await;
        let (mut status, failure) = match ended.verdict {
            Verdict::Ok => (ComponentStatus::Ok, None),
            Verdict::Failed(failure) => (
                ComponentStatus::Failed,
                Some(this.run.reporter.masked(*failure)),
            ),
            Verdict::Stopped => (ComponentStatus::Stopped, Some(failure::stopped())),
        };
        let record = record.finished(failure, ended.changed, this.run.reporter.now());
        let mut failure = record.failure.clone();
        if let Err(cause) = this.prove(&record).await
            && status == ComponentStatus::Ok
        {
            status = ComponentStatus::Failed;
            failure = Some(failure::not_recorded(&cause));
        }
        this.run.reporter.emit(Event::ComponentFinished {
            name: this.planned.name.clone(),
            status,
            duration_ms: record.duration_ms.unwrap_or_default(),
            changed: ended.changed,
            failure,
        });
        Done {
            status,
            host_lost: ended.host_lost,
        }
    }

    /// Takes over what a lost run had started, or starts the playbook. Gives the record that says so as well.
    async fn played(self: Arc<Self>) -> (JournalRecord, Ended) {
        if let Some(earlier) = self.to_take_over().cloned()
            && let Some(ended) = self.clone().on_thread(earlier.run, true).await
        {
            return (earlier, ended);
        }
        let run = self.run.request.run;
        let record = JournalRecord::running(
            &self.wanted,
            &self.component,
            run,
            self.earlier.as_ref(),
            self.run.reporter.now(),
        );
        if let Err(error) = self.run.journal.write(&self.planned.name, &record).await {
            return (
                record,
                Ended::failed(failure::no_journal(&error.to_string())),
            );
        }
        let ended = self.on_thread(run, false).await;
        let vanished = || Ended::failed(failure::vanished());
        (record, ended.unwrap_or_else(vanished))
    }

    fn to_take_over(&self) -> Option<&JournalRecord> {
        let forced = self.planned.reason == Reason::Forced;
        let unheard = is_unheard_of(self.earlier.as_ref(), &self.wanted);
        self.earlier.as_ref().filter(|_| unheard && !forced)
    }

    /// The blocking part, on a thread of its own: the playbook that `run` started or starts.
    async fn on_thread(self: Arc<Self>, run: Uuid, take_over: bool) -> Option<Ended> {
        let runtime = Handle::current();
        let on_thread = tokio::task::spawn_blocking(move || {
            let host = &self.ground.host;
            let request = &self.run.request;
            let order = job::order(request, &self.component, &self.wanted, host);
            let mut job = Job {
                host,
                component: &self.planned.name,
                run: run.to_string(),
                reporter: &self.run.reporter,
                stop: &self.run.stop,
                still_ours: &|| runtime.block_on(self.ground.lock.is_ours()),
                playbook: Playbook::new(&self.planned.name, request.component_timeout_s),
                tail: Tail::default(),
            };
            if take_over {
                job.take_over(&order)
            } else {
                Some(job.run(&order))
            }
        });
        on_thread.await.unwrap_or_else(|error| {
            let cause = format!("the thread that followed the playbook broke: {error}");
            Some(Ended::failed(failure::internal(&cause)))
        })
    }

    /// Records the end, unless the platform is another run's by now: its records must stand.
    async fn prove(&self, record: &JournalRecord) -> Result<(), String> {
        if self.ground.lock.is_lost() {
            return Err("another run has taken the platform".to_owned());
        }
        let written = self.run.journal.write(&self.planned.name, record).await;
        written.map_err(|error| {
            tracing::error!(component = %self.planned.name, %error, "its end cannot be recorded");
            error.to_string()
        })
    }
}

impl Ended {
    fn failed(failure: Failure) -> Self {
        Self {
            verdict: Verdict::Failed(Box::new(failure)),
            changed: 0,
            host_lost: false,
        }
    }
}
