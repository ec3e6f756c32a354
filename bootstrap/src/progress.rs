//! What a person sees of a run: the tree of components, where each one is, and when it will be done. Pure: it is told
//! events and the time, and gives lines of text.

use crate::failure::describe;
use console::style;
use jiff::Timestamp;
use run_report::{ComponentStatus, Envelope, Event, Failure, Outcome, Planned};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

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

/// One event in one line, for a reader that is no terminal; nothing for what a line is not worth.
pub(crate) fn sentence(event: &Event) -> Option<String> {
    match event {
        Event::RunStarted {
            run,
            platform,
            components,
        } => {
            let names: Vec<&str> = components
                .iter()
                .map(|planned| planned.name.as_str())
                .collect();
            let names = if names.is_empty() {
                "nothing to do".to_owned()
            } else {
                names.join(", ")
            };
            Some(format!("platform {platform}, run {run}: {names}"))
        }
        Event::HostConnected { address } => Some(format!("host {address} answers")),
        Event::ComponentStarted(planned) => {
            Some(format!("{}: started ({})", planned.name, reason(planned)))
        }
        Event::Task {
            component,
            name,
            status: run_report::TaskStatus::Retry,
            msg,
            ..
        } => {
            let msg = msg.as_deref().unwrap_or("not yet");
            Some(format!("{component}: {name}: {msg}"))
        }
        Event::ComponentFinished {
            name,
            status,
            duration_ms,
            changed,
            failure,
        } => {
            let took = Duration::from_millis(*duration_ms);
            let mut text = format!(
                "{name}: {}",
                ended(*status, took, *changed, failure.as_ref())
            );
            if let (ComponentStatus::Failed, Some(failure)) = (status, failure) {
                text = format!("{text}\n{}", describe(failure));
            }
            Some(text)
        }
        Event::RunFinished { outcome, .. } => Some(outcome_word(*outcome)),
        Event::BundleReady { .. }
        | Event::Play { .. }
        | Event::TaskStarted { .. }
        | Event::Task { .. } => None,
    }
}

fn reason(planned: &Planned) -> String {
    let word = serde_json::to_value(planned.reason).unwrap_or_default();
    word.as_str().unwrap_or_default().replace('_', " ")
}

fn ended(
    status: ComponentStatus,
    took: Duration,
    changed: u64,
    failure: Option<&Failure>,
) -> String {
    let took = clock(took);
    match status {
        ComponentStatus::Ok => format!("{} in {took}, {changed} changed", style("ok").green()),
        ComponentStatus::Failed => format!("{} after {took}", style("failed").red()),
        ComponentStatus::Stopped => format!("{} after {took}", style("stopped").yellow()),
        ComponentStatus::Skipped => {
            let why = failure
                .map(|failure| format!(": {}", failure.cause))
                .unwrap_or_default();
            format!("{}{why}", style("skipped").yellow())
        }
    }
}

fn outcome_word(outcome: Outcome) -> String {
    let word = match outcome {
        Outcome::Done => style("done").green(),
        Outcome::Failed => style("failed").red(),
        Outcome::Stopped => style("stopped").yellow(),
        Outcome::Unreachable => style("unreachable").red(),
        Outcome::BadRequest => style("bad request").red(),
        Outcome::Busy => style("another run is going on").yellow(),
    };
    word.to_string()
}

/// The components so that each one stands below the deepest of those that it waits for.
fn as_tree(planned: &[Planned]) -> Vec<Component> {
    let mut depths: BTreeMap<&str, usize> = BTreeMap::new();
    for one in planned {
        let before = one
            .after
            .iter()
            .filter_map(|name| depths.get(name.as_str()));
        let depth = before.max().map_or(0, |deepest| deepest + 1);
        depths.insert(&one.name, depth);
    }
    let parent = |one: &Planned| {
        let depth = |name: &String| depths.get(name.as_str()).copied();
        one.after.iter().max_by_key(|name| depth(name)).cloned()
    };
    let mut children: BTreeMap<Option<String>, Vec<&Planned>> = BTreeMap::new();
    for one in planned {
        children.entry(parent(one)).or_default().push(one);
    }
    let mut tree = Vec::new();
    let mut placed = BTreeSet::new();
    let mut open: Vec<&Planned> = children.remove(&None).unwrap_or_default();
    open.reverse();
    while let Some(one) = open.pop() {
        if placed.insert(&one.name) {
            tree.push(Component {
                planned: one.clone(),
                depth: depths.get(one.name.as_str()).copied().unwrap_or_default(),
                state: State::Waiting,
            });
            let below = children.remove(&Some(one.name.clone())).unwrap_or_default();
            open.extend(below.into_iter().rev());
        }
    }
    tree
}

fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Duration {
    let (Some(from), Some(to)) = (from, to) else {
        return Duration::ZERO;
    };
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// A duration as a person reads it.
pub(crate) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} m {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} m"),
    }
}

#[cfg(test)]
mod tests;
