//! One component of a run: recorded as running, run, recorded as ended. State first, then effect, then proof.

use crate::failure;
use crate::host::Host;
use crate::job::{self, Ended, Job};
use crate::playbook::{Playbook, Verdict};
use crate::run::Run;
use crate::tail::Tail;
use run_report::{Component, ComponentStatus, Event, Failure, JournalRecord, Planned, Wanted};
use std::sync::Arc;

/// How a component ended, for the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) status: ComponentStatus,
    pub(crate) host_lost: bool,
}

/// Runs one component to its recorded end.
pub(crate) async fn run(
    run: Arc<Run>,
    host: Arc<Host>,
    planned: Planned,
    wanted: Wanted,
    component: Component,
) -> Done {
    let name = planned.name.clone();
    let started = run.reporter.now();
    let record = JournalRecord::running(&wanted, &component, run.request.run, started);
    run.reporter.emit(Event::ComponentStarted(planned));
    let ended = match run.journal.write(&name, &record).await {
        Ok(()) => play(&run, host, &name, wanted, component).await,
        Err(error) => Ended {
            verdict: failed(failure::no_journal(&error.to_string())),
            changed: 0,
            host_lost: false,
        },
    };
    let (mut status, failure) = match ended.verdict {
        Verdict::Ok => (ComponentStatus::Ok, None),
        Verdict::Failed(failure) => (ComponentStatus::Failed, Some(run.reporter.masked(*failure))),
        Verdict::Stopped => (ComponentStatus::Stopped, Some(failure::stopped())),
    };
    let record = record.finished(failure, ended.changed, run.reporter.now());
    let mut failure = record.failure.clone();
    if let Err(error) = run.journal.write(&name, &record).await {
        tracing::error!(component = %name, %error, "its end cannot be recorded");
        if status == ComponentStatus::Ok {
            status = ComponentStatus::Failed;
            failure = Some(failure::not_recorded(&error.to_string()));
        }
    }
    run.reporter.emit(Event::ComponentFinished {
        name,
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

/// The blocking part, on a thread of its own.
async fn play(
    run: &Arc<Run>,
    host: Arc<Host>,
    name: &str,
    wanted: Wanted,
    component: Component,
) -> Ended {
    let (run, name) = (run.clone(), name.to_owned());
    let on_thread = tokio::task::spawn_blocking(move || {
        let order = job::order(&run.request, &component, &wanted, &host);
        let job = Job {
            host: &host,
            component: &name,
            run: run.request.run.to_string(),
            reporter: &run.reporter,
            stop: &run.stop,
            playbook: Playbook::new(&name, run.request.component_timeout_s),
            tail: Tail::default(),
        };
        job.run(&order)
    });
    on_thread.await.unwrap_or_else(|error| Ended {
        verdict: failed(failure::internal(&format!(
            "the thread that followed the playbook broke: {error}"
        ))),
        changed: 0,
        host_lost: false,
    })
}

fn failed(failure: Failure) -> Verdict {
    Verdict::Failed(Box::new(failure))
}
