//! The live view: one line a component, with the task it is at and how long it has been at it. Drawn on stderr.

use console::style;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use run_report::{ComponentStatus, Event, Failure, Outcome};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

const REDRAW: Duration = Duration::from_millis(120);

/// What a person sees of a run.
pub(crate) struct View {
    screen: MultiProgress,
    host: ProgressBar,
    lines: BTreeMap<String, ProgressBar>,
}

impl View {
    pub(crate) fn new() -> Self {
        let screen = MultiProgress::new();
        let host = screen.add(line(
            "host",
            "{spinner} {prefix:14} {wide_msg} {elapsed:>6}",
        ));
        Self {
            screen,
            host,
            lines: BTreeMap::new(),
        }
    }

    pub(crate) fn show(&mut self, event: &Event) {
        match event {
            Event::RunStarted { components, .. } => {
                if components.is_empty() {
                    self.host
                        .finish_with_message("nothing to do: everything is as recorded");
                    return;
                }
                self.host.set_message("connecting");
                self.host.enable_steady_tick(REDRAW);
                for planned in components {
                    let bar = self
                        .screen
                        .add(line(&planned.name, "  {spinner} {prefix:12} {wide_msg}"));
                    bar.set_message("waiting");
                    self.lines.insert(planned.name.clone(), bar);
                }
            }
            Event::HostConnected { address } => self
                .host
                .set_message(format!("{address}: uploading playbooks")),
            Event::BundleReady { uploaded, .. } => {
                let playbooks = if *uploaded {
                    "playbooks uploaded"
                } else {
                    "playbooks were there"
                };
                self.host
                    .set_message(format!("{playbooks}; looking for Ansible and Helm"));
            }
            Event::ComponentStarted(planned) => self.start(&planned.name),
            Event::Play { component, name } => self.doing(component, name),
            Event::Task { .. } => {}
            Event::ComponentFinished {
                name,
                status,
                duration_ms,
                changed,
                failure,
            } => {
                self.finish(name, *status, *duration_ms, *changed, failure.as_ref());
            }
            Event::RunFinished { outcome, .. } => self.close(*outcome),
        }
    }

    pub(crate) fn doing(&mut self, component: &str, task: &str) {
        if let Some(bar) = self.lines.get(component) {
            bar.set_message(task.to_owned());
        }
    }

    fn start(&mut self, name: &str) {
        self.host.set_message("running playbooks");
        if let Some(bar) = self.lines.get(name) {
            bar.set_style(template("  {spinner} {prefix:12} {wide_msg} {elapsed:>6}"));
            bar.reset_elapsed();
            bar.enable_steady_tick(REDRAW);
        }
    }

    fn finish(
        &mut self,
        name: &str,
        status: ComponentStatus,
        duration_ms: u64,
        changed: u64,
        failure: Option<&Failure>,
    ) {
        let Some(bar) = self.lines.get(name) else {
            return;
        };
        let seconds = Duration::from_millis(duration_ms).as_secs();
        let (mark, message) = match status {
            ComponentStatus::Ok => (
                style("ok").green(),
                format!("in {seconds} s, {changed} changed"),
            ),
            ComponentStatus::Skipped => (style("skipped").yellow(), cause(failure)),
            ComponentStatus::Failed => (style("failed").red(), format!("after {seconds} s")),
            ComponentStatus::Stopped => (style("stopped").yellow(), format!("after {seconds} s")),
        };
        bar.set_style(template("    {prefix:12} {wide_msg}"));
        bar.finish_with_message(format!("{mark} {message}"));
        if let (ComponentStatus::Failed, Some(failure)) = (status, failure) {
            let _ = self
                .screen
                .println(format!("{} {}", style(name).bold(), describe(failure)));
        }
    }

    fn close(&mut self, outcome: Outcome) {
        let word = match outcome {
            Outcome::Done => style("done").green(),
            Outcome::Failed => style("failed").red(),
            Outcome::Stopped => style("stopped").yellow(),
            Outcome::Unreachable => style("unreachable").red(),
            Outcome::BadRequest => style("bad request").red(),
        };
        for bar in self.lines.values().filter(|bar| !bar.is_finished()) {
            bar.finish();
        }
        self.host
            .set_style(template("{prefix:14} {wide_msg} {elapsed:>6}"));
        self.host.finish_with_message(word.to_string());
    }
}

fn line(name: &str, shape: &str) -> ProgressBar {
    ProgressBar::new_spinner()
        .with_style(template(shape))
        .with_prefix(name.to_owned())
}

fn template(shape: &str) -> ProgressStyle {
    ProgressStyle::with_template(shape).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn cause(failure: Option<&Failure>) -> String {
    failure
        .map(|failure| failure.cause.clone())
        .unwrap_or_default()
}

/// A failure over several lines, as a person reads it.
pub(crate) fn describe(failure: &Failure) -> String {
    let places = [
        ("play", &failure.play),
        ("task", &failure.task),
        ("host", &failure.host),
    ];
    let mut text = failure.code.clone();
    for (what, place) in places {
        if let Some(place) = place {
            let _ = write!(text, "\n  {what}: {place}");
        }
    }
    let cause = failure.cause.replace('\n', "\n    ");
    let _ = write!(text, "\n  cause: {cause}\n  {}", failure.advice);
    text
}
