//! What the callback plugin's lines say: events for the caller, and in the end whether the component is in place.

mod finding;
mod line;

use crate::failure;
use finding::{Finding, advice};
use line::{HostStats, Line, Stopped};
use run_report::{Event, Failure, TaskStatus};
use std::collections::BTreeMap;

pub(crate) use line::Exit;

/// What one line means.
#[derive(Debug)]
pub(crate) enum Said {
    /// Something the caller is told.
    Event(Event),
    /// The playbook ended.
    Exit(Exit),
    /// The keeper will not start it.
    Refused(String),
    /// Nothing that anybody needs to know.
    Nothing,
}

/// How a component's playbook ended.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// The component is in place.
    Ok,
    /// It is not.
    Failed(Box<Failure>),
    /// The run was stopped.
    Stopped,
}

/// Reads a playbook's lines in order and remembers what the verdict needs.
#[derive(Debug)]
pub(crate) struct Playbook {
    component: String,
    timeout_s: u64,
    next_seq: u64,
    task: Option<String>,
    /// What the task at hand said last about what it waits for.
    waiting_for: Option<String>,
    failure: Option<Failure>,
    hosts: Option<BTreeMap<String, HostStats>>,
    no_hosts: bool,
    changed: u64,
}

impl Playbook {
    /// The playbook of a component that may take so many seconds.
    #[must_use]
    pub(crate) fn new(component: &str, timeout_s: u64) -> Self {
        Self {
            component: component.to_owned(),
            timeout_s,
            next_seq: 1,
            task: None,
            waiting_for: None,
            failure: None,
            hosts: None,
            no_hosts: false,
            changed: 0,
        }
    }

    /// The same playbook, before its first line.
    pub(crate) fn anew(&self) -> Self {
        Self::new(&self.component, self.timeout_s)
    }

    /// Reads one line. A line that is not ours is passed over: a report must not break what it reports.
    pub(crate) fn read(&mut self, text: &str) -> Said {
        let Ok(line) = serde_json::from_str::<Line>(text) else {
            tracing::warn!(component = %self.component, "a line of the event file cannot be read");
            return Said::Nothing;
        };
        if line.seq > 0 {
            if line.seq != self.next_seq {
                tracing::warn!(component = %self.component, expected = self.next_seq, found = line.seq, "lines are missing");
            }
            self.next_seq = line.seq + 1;
        }
        match line.event.as_str() {
            "play" => Said::Event(Event::Play {
                component: self.component.clone(),
                name: line.name.or(line.play).unwrap_or_default(),
            }),
            "task_start" => self.begin(line),
            "task" => self.end(line),
            "retry" => {
                self.waiting_for.clone_from(&line.msg);
                Said::Event(self.task_event(&line, TaskStatus::Retry))
            }
            "no_hosts" => {
                self.no_hosts = true;
                Said::Nothing
            }
            "stats" => {
                self.hosts = Some(line.hosts.unwrap_or_default());
                Said::Nothing
            }
            "exit" => Said::Exit(Exit {
                rc: line.rc,
                stopped: line.stopped,
                stderr: line.stderr.unwrap_or_default().trim().to_owned(),
            }),
            "refused" => Said::Refused(line.cause.unwrap_or_default()),
            _ => Said::Nothing,
        }
    }

    /// How many tasks changed something.
    #[must_use]
    pub(crate) fn changed(&self) -> u64 {
        self.changed
    }

    /// How it ended. An exit code alone proves nothing: Ansible also ends with 0 when it found no host at all.
    #[must_use]
    pub(crate) fn verdict(&self, exit: &Exit) -> Verdict {
        let fail = |failure| Verdict::Failed(Box::new(failure));
        match exit.stopped {
            Some(Stopped::Request) => return Verdict::Stopped,
            Some(Stopped::Timeout) => {
                let (task, waiting_for) = (self.task.as_deref(), self.waiting_for.as_deref());
                return fail(failure::too_long(self.timeout_s, task, waiting_for));
            }
            Some(Stopped::Lease) => {
                return fail(failure::connection_lost(
                    "nobody followed the playbook for too long",
                ));
            }
            Some(Stopped::Lost) => return fail(failure::vanished()),
            None => {}
        }
        let clean = |host: &HostStats| host.failures == 0 && host.unreachable == 0;
        match &self.hosts {
            Some(hosts) if hosts.is_empty() => fail(failure::no_hosts()),
            Some(hosts) if exit.rc == Some(0) && hosts.values().all(clean) => Verdict::Ok,
            Some(_) => fail(
                self.failure
                    .clone()
                    .unwrap_or_else(|| failure::no_verdict(exit.rc, &exit.stderr)),
            ),
            None if self.no_hosts => fail(failure::no_hosts()),
            None if self.next_seq == 1 => fail(failure::not_started(exit.rc, &exit.stderr)),
            None => fail(failure::no_verdict(exit.rc, &exit.stderr)),
        }
    }

    fn begin(&mut self, line: Line) -> Said {
        self.task.clone_from(&line.task);
        self.waiting_for = None;
        Said::Event(Event::TaskStarted {
            component: self.component.clone(),
            name: line.task.unwrap_or_default(),
            host: line.host.unwrap_or_default(),
        })
    }

    fn end(&mut self, line: Line) -> Said {
        let status = line.status.unwrap_or(TaskStatus::Ok);
        self.changed += u64::from(status == TaskStatus::Changed);
        let fatal = matches!(status, TaskStatus::Failed | TaskStatus::Unreachable) && !line.ignored;
        let event = self.task_event(&line, if line.ignored { TaskStatus::Ok } else { status });
        if fatal {
            // The last one counts: a rescue looks around first and then fails with what it has found.
            let said = line.msg.as_deref().unwrap_or("no message");
            let found = Finding::read(said);
            self.failure = Some(Failure {
                play: line.play,
                task: line.task,
                host: line.host,
                cause: found.cause.to_owned(),
                advice: advice(status, found.advice, line.path.as_deref()),
                code: match found.code {
                    Some(code) => code,
                    None if status == TaskStatus::Unreachable => "SLW-341",
                    None => "SLW-340",
                }
                .to_owned(),
            });
        }
        Said::Event(event)
    }

    fn task_event(&self, line: &Line, status: TaskStatus) -> Event {
        let ignored = line.ignored.then_some("failed, which does not matter here");
        let msg = match (ignored, &line.msg) {
            (Some(ignored), Some(msg)) => Some(format!("{ignored}: {msg}")),
            (ignored, msg) => ignored.map(str::to_owned).or_else(|| msg.clone()),
        };
        Event::Task {
            component: self.component.clone(),
            name: line.task.clone().unwrap_or_default(),
            host: line.host.clone().unwrap_or_default(),
            status,
            duration_ms: line.duration_ms.unwrap_or_default(),
            msg,
        }
    }
}

#[cfg(test)]
mod tests;
