//! Events, ends and durations in the words of a person.

use crate::failure::describe;
use console::style;
use run_report::{ComponentStatus, Event, Failure, Outcome, Planned};
use std::time::Duration;

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

/// How a component ended, in a few words.
pub(super) fn ended(
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

/// How a run ended, in a few words.
pub(super) fn outcome_word(outcome: Outcome) -> String {
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

/// A duration as a person reads it.
pub(crate) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} m {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} m"),
    }
}
