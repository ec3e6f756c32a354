//! What the callback plugin's lines say: events for the caller, and in the end whether the component is in place.

use crate::failure;
use run_report::{Event, Failure, TaskStatus};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One line of the event file, or of the keeper.
#[derive(Debug, Deserialize)]
struct Line {
    event: String,
    #[serde(default)]
    seq: u64,
    play: Option<String>,
    name: Option<String>,
    task: Option<String>,
    host: Option<String>,
    status: Option<TaskStatus>,
    duration_ms: Option<u64>,
    msg: Option<String>,
    #[serde(default)]
    ignored: bool,
    path: Option<String>,
    hosts: Option<BTreeMap<String, HostStats>>,
    rc: Option<i32>,
    stopped: Option<Stopped>,
    stderr: Option<String>,
    cause: Option<String>,
}

/// Ansible's counts for one host.
#[derive(Debug, Default, Deserialize)]
struct HostStats {
    #[serde(default)]
    failures: u64,
    #[serde(default)]
    unreachable: u64,
}

/// Why the keeper ended a playbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stopped {
    /// It was asked to.
    Request,
    /// The component took too long.
    Timeout,
    /// Nobody followed it.
    Lease,
    /// The supervisor itself was ended.
    Lost,
}

/// How the keeper says that a playbook ended.
#[derive(Debug)]
pub(crate) struct Exit {
    rc: Option<i32>,
    stopped: Option<Stopped>,
    stderr: String,
}

impl Exit {
    /// Whether the playbook is gone before its end and for no fault of its own: the host was restarted, or was away
    /// for longer than the lease.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.stopped, Some(Stopped::Lost | Stopped::Lease))
    }
}

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

/// What a role says when it knows why: `SLW-370: cause. What to do: advice.`, its code and its advice where it has some.
struct Finding<'a> {
    code: Option<&'a str>,
    cause: &'a str,
    advice: Option<&'a str>,
}

const WHAT_TO_DO: &str = "What to do: ";

impl<'a> Finding<'a> {
    fn read(said: &'a str) -> Self {
        let coded = said.split_once(": ").filter(|(code, _)| {
            let number = code.strip_prefix("SLW-").unwrap_or_default();
            number.len() == 3 && number.chars().all(|digit| digit.is_ascii_digit())
        });
        let (code, rest) = coded.map_or((None, said), |(code, rest)| (Some(code), rest));
        let (cause, advice) = match rest.split_once(WHAT_TO_DO) {
            Some((cause, advice)) => (cause.trim_end(), Some(advice.trim())),
            None => (rest, None),
        };
        Self {
            code,
            cause,
            advice,
        }
    }
}

fn advice(status: TaskStatus, found: Option<&str>, path: Option<&str>) -> String {
    let place = path
        .and_then(|path| {
            path.rsplit_once("/bundle-")
                .and_then(|(_, rest)| rest.split_once('/'))
        })
        .map(|(_, inside)| format!(" (task at {inside})"))
        .unwrap_or_default();
    if let Some(found) = found {
        let mut words = found.trim_end_matches('.').chars();
        let first = words.next().map(|letter| letter.to_uppercase().to_string());
        return format!(
            "{}{}; then apply again: it goes on from this component{place}.",
            first.unwrap_or_default(),
            words.as_str()
        );
    }
    if status == TaskStatus::Unreachable {
        return format!("Check that the host of the play can be reached{place}; then apply again.");
    }
    format!("Mend the cause and apply again: it goes on from this component{place}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(lines: &[&str], exit: &str) -> Verdict {
        let mut playbook = Playbook::new("kong", 60);
        for line in lines {
            playbook.read(line);
        }
        let Said::Exit(exit) = playbook.read(exit) else {
            panic!("no exit: {exit}")
        };
        playbook.verdict(&exit)
    }

    fn code(verdict: &Verdict) -> &str {
        match verdict {
            Verdict::Ok => "ok",
            Verdict::Stopped => "stopped",
            Verdict::Failed(failure) => &failure.code,
        }
    }

    const PLAY: &str = r#"{"v":1,"seq":1,"event":"play","play":"p","name":"p"}"#;
    const FAILED: &str = r#"{"v":1,"seq":2,"event":"task","play":"p","task":"t","host":"h","status":"failed","msg":"why","ignored":false}"#;
    const GOOD: &str = r#"{"v":1,"seq":3,"event":"stats","hosts":{"localhost":{"ok":2,"changed":1,"failures":0,"unreachable":0}}}"#;
    const BAD: &str = r#"{"v":1,"seq":3,"event":"stats","hosts":{"localhost":{"ok":2,"changed":1,"failures":1,"unreachable":0}}}"#;
    const EXIT_0: &str = r#"{"event":"exit","rc":0,"stopped":null,"stderr":""}"#;
    const EXIT_2: &str = r#"{"event":"exit","rc":2,"stopped":null,"stderr":"oh"}"#;

    #[test]
    fn only_a_summary_without_failures_is_success() {
        assert_eq!(played(&[PLAY, GOOD], EXIT_0), Verdict::Ok);
        // A failure that a rescue coped with is not in the summary.
        assert_eq!(played(&[PLAY, FAILED, GOOD], EXIT_0), Verdict::Ok);
        let nobody = r#"{"seq":2,"event":"stats","hosts":{}}"#;
        let cases: [(&[&str], &str, &str); 9] = [
            (&[PLAY, FAILED, BAD], EXIT_2, "SLW-340"),
            (&[PLAY, BAD], EXIT_0, "SLW-347"),
            (&[PLAY, GOOD], EXIT_2, "SLW-347"),
            (&[PLAY], EXIT_0, "SLW-347"),
            (&[PLAY, nobody], EXIT_0, "SLW-343"),
            (&[], EXIT_0, "SLW-342"),
            (
                &[PLAY],
                r#"{"event":"exit","rc":-15,"stopped":"timeout"}"#,
                "SLW-344",
            ),
            (
                &[PLAY],
                r#"{"event":"exit","rc":-15,"stopped":"lease"}"#,
                "SLW-313",
            ),
            (
                &[PLAY],
                r#"{"event":"exit","rc":-15,"stopped":"request"}"#,
                "stopped",
            ),
        ];
        for (lines, exit, expected) in cases {
            assert_eq!(code(&played(lines, exit)), expected, "{lines:?} {exit}");
        }
    }

    #[test]
    fn what_a_later_plugin_says_or_what_is_torn_is_passed_over() {
        assert_eq!(
            played(
                &["{\"torn", "{\"seq\":1,\"event\":\"new\"}", "[]", PLAY, GOOD],
                EXIT_0
            ),
            Verdict::Ok
        );
    }

    #[test]
    fn what_a_role_has_found_out_is_the_error() {
        let said = r#""msg":"SLW-370: namespace kong is not ready. Why: Insufficient cpu. What to do: raise max_nodes.""#;
        let found = FAILED.replace(r#""msg":"why""#, said);
        let Verdict::Failed(failure) = played(&[PLAY, &found, BAD], EXIT_2) else {
            panic!("no failure")
        };
        assert_eq!(failure.code, "SLW-370");
        assert_eq!(
            failure.cause,
            "namespace kong is not ready. Why: Insufficient cpu."
        );
        assert!(
            failure
                .advice
                .starts_with("Raise max_nodes; then apply again"),
            "{}",
            failure.advice
        );
    }

    #[test]
    fn a_time_out_names_what_was_waited_for() {
        let start = r#"{"seq":2,"event":"task_start","task":"Wait","host":"h"}"#;
        let retry = r#"{"seq":3,"event":"retry","task":"Wait","host":"h","msg":"attempt 3 of 40: Deployment web has 0 of 1 new pods Ready"}"#;
        let exit = r#"{"event":"exit","rc":-15,"stopped":"timeout"}"#;
        let Verdict::Failed(failure) = played(&[PLAY, start, retry], exit) else {
            panic!("no failure")
        };
        assert!(
            failure.cause.contains("doing \"Wait\"")
                && failure.cause.contains("Deployment web has 0 of 1"),
            "{failure}"
        );
    }

    #[test]
    fn an_ignored_failure_is_told_and_does_not_count() {
        let mut playbook = Playbook::new("kong", 60);
        let ignored = FAILED.replace("\"ignored\":false", "\"ignored\":true");
        let Said::Event(Event::Task { status, msg, .. }) = playbook.read(&ignored) else {
            panic!("no event")
        };
        assert_eq!(
            (status, msg.as_deref()),
            (
                TaskStatus::Ok,
                Some("failed, which does not matter here: why")
            )
        );
        assert_eq!(playbook.failure, None);
    }
}
