//! What somebody who watches a run waits for: the way of an event from the end of its task to its readers, and a run that
//! has nothing to do.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use run_report::{Event, EventReader, Line};
use serde_json::Value;

use super::Spread;
use crate::command;

/// Lines of a stream of events, each with the time at which its reader had it.
pub(super) type Heard = Vec<(Timestamp, String)>;

/// Milliseconds from the end of a task, as its host notes it, until a reader has its event.
#[derive(Default)]
pub(super) struct Delays {
    /// Who started the run and reads its stdout.
    pub(super) started: Vec<f64>,
    /// Who follows it from another terminal.
    pub(super) followed: Vec<f64>,
}

/// Figures of somebody who watches.
pub(super) struct Watching {
    delays: Delays,
    /// Seconds of a run with nothing to do whose host cannot be reached: it asks for no connection at all.
    nothing: Spread,
}

impl Watching {
    #[expect(clippy::print_stdout, reason = "figures are the result of this task")]
    pub(super) fn print(&self) {
        for (who, delays) in [
            ("who started the run", &self.delays.started),
            ("who follows it elsewhere", &self.delays.followed),
        ] {
            println!(
                "event from the end of a task to {who}: median {:.0} ms, p99 {:.0} ms, of {} tasks",
                percentile(delays, 50),
                percentile(delays, 99),
                delays.len()
            );
        }
        println!(
            "run with nothing to do: {:.2} s (from {:.2} to {:.2}), no playbook, no SSH connection",
            self.nothing.median, self.nothing.least, self.nothing.most
        );
    }
}

/// Joins both; `delays` are of all runs that were watched.
pub(super) fn figures(mut delays: Delays, nothing: Vec<f64>) -> Result<Watching> {
    for delays in [&mut delays.started, &mut delays.followed] {
        ensure!(!delays.is_empty(), "no task was watched");
        delays.sort_by(f64::total_cmp);
    }
    Ok(Watching {
        delays,
        nothing: Spread::of(nothing),
    })
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

/// One run with nothing to do, in seconds. Port 1 of the host refuses, so a run that wanted it would fail.
pub(super) fn nothing_to_do(program: &Path, request: &Path) -> Result<f64> {
    let mut asked: Value = serde_json::from_slice(&std::fs::read(request)?)?;
    asked["host"]["port"] = 1.into();
    asked["connect_timeout_s"] = 1.into();
    let unreachable = request.with_extension("unreachable.json");
    std::fs::write(&unreachable, asked.to_string())?;
    let begin = Instant::now();
    let events = command::output(
        Command::new(program)
            .args(["run", "--json", "--request"])
            .arg(&unreachable),
    )?;
    let took = begin.elapsed().as_secs_f64();
    ensure!(
        !events.contains("component_started"),
        "something was to do:\n{events}"
    );
    Ok(took)
}

/// Runs a command to its end and notes when each line of its stdout was there. `first` is called with the first one.
pub(super) fn hear(command: &mut Command, first: impl FnOnce()) -> Result<Heard> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().context("no standard output")?;
    let (mut heard, mut first) = (Heard::new(), Some(first));
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        heard.push((Timestamp::now(), line));
        if let Some(first) = first.take() {
            first();
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(heard)
}

/// The delays of one run's task events in milliseconds, held against the event files that its playbooks left below
/// `hosts`. Both are of one machine, and of one clock.
pub(super) fn delays(hosts: &Path, run: &str, heard: &Heard) -> Result<Vec<f64>> {
    let mut told: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    let mut reader = EventReader::default();
    for (at, line) in heard {
        if let Line::Known(envelope) = reader.read(line)?
            && let Event::Task { component, .. } = envelope.event
        {
            told.entry(component).or_default().push(*at);
        }
    }
    let mut delays = Vec::new();
    for (component, told) in told {
        let place = PathBuf::from(".slipway/jobs")
            .join(&component)
            .join(run)
            .join("events.jsonl");
        let file = find(hosts, &place).with_context(|| format!("no event file of {component}"))?;
        let ended = ends(&std::fs::read_to_string(file)?)?;
        ensure!(
            ended.len() == told.len(),
            "{component}: {} tasks ended, {} were told",
            ended.len(),
            told.len()
        );
        let delay = |(told, ended): (&Timestamp, &Timestamp)| {
            told.duration_since(*ended).as_secs_f64() * 1000.0
        };
        delays.extend(told.iter().zip(&ended).map(delay));
    }
    Ok(delays)
}

/// When each task ended, or was tried again.
fn ends(text: &str) -> Result<Vec<Timestamp>> {
    let mut ends = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line)?;
        if ["task", "retry"].iter().any(|kind| line["event"] == *kind) {
            ends.push(
                line["ts"]
                    .as_str()
                    .context("a line without time")?
                    .parse()?,
            );
        }
    }
    Ok(ends)
}

/// The first folder below `root` in which the place exists.
fn find(root: &Path, place: &Path) -> Option<PathBuf> {
    let here = root.join(place);
    if here.is_file() {
        return Some(here);
    }
    let entries = std::fs::read_dir(root).ok()?.flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders
        .filter(|folder| folder.file_name() != ".slipway")
        .find_map(|folder| find(&folder.path(), place))
}
