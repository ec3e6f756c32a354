//! What a person sees of a run: the tree of components, where each one is, and when it will be done. Pure: it is told
//! events and the time, and gives lines of text.

mod tree;
mod words;

pub(crate) use words::{clock, sentence};

use crate::failure::describe;
use console::style;
use jiff::Timestamp;
use run_report::{ComponentStatus, Envelope, Event, Failure, Outcome, Planned};
use std::collections::BTreeMap;
use std::time::Duration;
use tree::as_tree;
use words::{ended, outcome_word};

/// A task that takes longer is pointed out.
const SLOW_TASK: Duration = Duration::from_mins(1);
/// A component is slow once it took half as long again as it usually does, and this.
const SLACK: Duration = Duration::from_secs(10);

/// A run as far as it has been heard of.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    title: String,
    begun: Option<Timestamp>,
    last: Option<Timestamp>,
    host: &'static str,
    components: Vec<Component>,
    outcome: Option<Outcome>,
}

#[derive(Debug)]
struct Component {
    planned: Planned,
    depth: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Waiting,
    Running {
        since: Timestamp,
        task: Option<(String, Timestamp)>,
    },
    Ended {
        status: ComponentStatus,
        took: Duration,
        changed: u64,
        failure: Option<Box<Failure>>,
    },
}

impl Progress {
    /// Takes one event.
    pub(crate) fn take(&mut self, envelope: &Envelope) {
        let ts = envelope.ts;
        self.begun.get_or_insert(ts);
        self.last = Some(ts);
        match &envelope.event {
            Event::RunStarted {
                run,
                platform,
                components,
            } => {
                self.title = format!("platform {platform}, run {run}");
                self.host = "connecting";
                self.components = as_tree(components);
            }
            Event::HostConnected { .. } => self.host = "uploading playbooks",
            Event::BundleReady { .. } => self.host = "looking for Ansible and Helm",
            Event::ComponentStarted(planned) => {
                self.host = "running playbooks";
                self.set(
                    &planned.name,
                    State::Running {
                        since: ts,
                        task: None,
                    },
                );
            }
            Event::Play { component, name }
            | Event::TaskStarted {
                component, name, ..
            } => self.doing(component, name, ts),
            Event::Task { .. } => {}
            Event::ComponentFinished {
                name,
                status,
                duration_ms,
                changed,
                failure,
            } => {
                let ended = State::Ended {
                    status: *status,
                    took: Duration::from_millis(*duration_ms),
                    changed: *changed,
                    failure: failure.clone().map(Box::new),
                };
                self.set(name, ended);
            }
            Event::RunFinished { outcome, .. } => self.outcome = Some(*outcome),
        }
    }

    /// How the run ended, once it has.
    pub(crate) const fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    fn set(&mut self, name: &str, state: State) {
        if let Some(component) = self.component(name) {
            component.state = state;
        }
    }

    fn component(&mut self, name: &str) -> Option<&mut Component> {
        self.components
            .iter_mut()
            .find(|component| component.planned.name == name)
    }

    fn doing(&mut self, name: &str, what: &str, ts: Timestamp) {
        if let Some(Component {
            state: State::Running { task, .. },
            ..
        }) = self.component(name)
        {
            *task = Some((what.to_owned(), ts));
        }
    }

    /// The lines of the view at this time.
    pub(crate) fn lines(&self, now: Timestamp) -> Vec<String> {
        if self.begun.is_none() {
            return vec!["waiting for the run to begin".to_owned()];
        }
        let mut lines = vec![self.headline(now)];
        lines.extend(self.components.iter().map(|component| component.line(now)));
        lines
    }

    fn headline(&self, now: Timestamp) -> String {
        let until = if self.outcome.is_some() {
            self.last
        } else {
            Some(now)
        };
        let elapsed = between(self.begun, until);
        let state = match self.outcome {
            Some(outcome) => outcome_word(outcome),
            None if self.components.is_empty() => "nothing to do".to_owned(),
            None => format!("{}{}", self.host, self.outlook(now)),
        };
        format!("{}  {state}  {}", self.title, clock(elapsed))
    }

    /// What is left, from how long components usually take.
    fn outlook(&self, now: Timestamp) -> String {
        match self.left(now) {
            Ok(left) => format!(", about {} left", clock(left)),
            Err(new) => format!(", no estimate yet (first time for {})", new.join(", ")),
        }
    }

    /// The longest way to the end through what has not ended; the names of those nothing is known of make it unknown.
    pub(crate) fn left(&self, now: Timestamp) -> Result<Duration, Vec<&str>> {
        let mut ends: BTreeMap<&str, Duration> = BTreeMap::new();
        let mut unknown = Vec::new();
        for component in &self.components {
            let name = component.planned.name.as_str();
            let typical = component.planned.typical_ms.map(Duration::from_millis);
            let own = match (&component.state, typical) {
                (State::Ended { .. }, _) => Duration::ZERO,
                (_, None) => {
                    unknown.push(name);
                    continue;
                }
                (State::Waiting, Some(typical)) => typical,
                (State::Running { since, .. }, Some(typical)) => {
                    typical.saturating_sub(between(Some(*since), Some(now)))
                }
            };
            let before = component.planned.after.iter();
            let start = before.filter_map(|name| ends.get(name.as_str())).max();
            ends.insert(name, start.copied().unwrap_or_default() + own);
        }
        if unknown.is_empty() {
            Ok(ends.into_values().max().unwrap_or_default())
        } else {
            Err(unknown)
        }
    }

    /// What is wrong, in full.
    pub(crate) fn failures(&self) -> Vec<String> {
        let failed = self.components.iter().filter_map(|component| {
            let State::Ended {
                status: ComponentStatus::Failed,
                failure: Some(failure),
                ..
            } = &component.state
            else {
                return None;
            };
            Some(format!(
                "{} {}",
                style(&component.planned.name).bold(),
                describe(failure)
            ))
        });
        failed.collect()
    }
}

impl Component {
    fn line(&self, now: Timestamp) -> String {
        let branch = match self.depth {
            0 => String::new(),
            depth => format!("{}└ ", "  ".repeat(depth - 1)),
        };
        let name = format!("{branch}{}", self.planned.name);
        format!("  {name:<24} {}", self.words(now))
    }

    fn words(&self, now: Timestamp) -> String {
        match &self.state {
            State::Waiting if self.planned.after.is_empty() => style("waiting").dim().to_string(),
            State::Waiting => style(format!("after {}", self.planned.after.join(", ")))
                .dim()
                .to_string(),
            State::Running { since, task } => self.running(*since, task.as_ref(), now),
            State::Ended {
                status,
                took,
                changed,
                failure,
            } => ended(*status, *took, *changed, failure.as_deref()),
        }
    }

    fn running(
        &self,
        since: Timestamp,
        task: Option<&(String, Timestamp)>,
        now: Timestamp,
    ) -> String {
        let elapsed = between(Some(since), Some(now));
        let mut words = clock(elapsed);
        if let Some((task, _)) = task {
            words = format!("{words}  {task}");
        }
        if let Some((_, begun)) = task {
            let at_it = between(Some(*begun), Some(now));
            if at_it >= SLOW_TASK {
                words = format!(
                    "{words}  {}",
                    style(format!("slow: at it for {}", clock(at_it))).yellow()
                );
            }
        }
        match self.planned.typical_ms.map(Duration::from_millis) {
            Some(typical) if elapsed > typical * 3 / 2 + SLACK => {
                format!(
                    "{words}  {}",
                    style(format!("usually done after {}", clock(typical))).yellow()
                )
            }
            _ => words,
        }
    }
}

fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Duration {
    let (Some(from), Some(to)) = (from, to) else {
        return Duration::ZERO;
    };
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
