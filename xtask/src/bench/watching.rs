//! What somebody who watches a run waits for: the way of an event from the end of its task to the stream, and a run
//! that has nothing to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use run_report::{Event, EventReader, Line};
use serde_json::Value;

use super::Spread;
use crate::command;

/// Figures of somebody who watches.
pub(super) struct Watching {
    /// Milliseconds from the end of a task, as its host notes it, until its event is written. Sorted.
    delays: Vec<f64>,
    /// Seconds of a run with nothing to do whose host cannot be reached: it asks for no connection at all.
    nothing: Spread,
}

impl Watching {
    #[expect(clippy::print_stdout, reason = "figures are the result of this task")]
    pub(super) fn print(&self) {
        println!(
            "event from task end to stream: median {:.0} ms, p99 {:.0} ms, of {} tasks",
            percentile(&self.delays, 50),
            percentile(&self.delays, 99),
            self.delays.len()
        );
        println!(
            "run with nothing to do: {:.2} s (from {:.2} to {:.2}), no playbook, no SSH connection",
            self.nothing.median, self.nothing.least, self.nothing.most
        );
    }
}

/// Joins both; `delays` are of all runs that were watched.
pub(super) fn figures(mut delays: Vec<f64>, nothing: Vec<f64>) -> Result<Watching> {
    ensure!(!delays.is_empty(), "no task was watched");
    delays.sort_by(f64::total_cmp);
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

/// The delays of one run's task events in milliseconds, held against the event files that its playbooks left below
/// `hosts`. Both are of one machine, and of one clock.
pub(super) fn delays(hosts: &Path, run: &str, stream: &str) -> Result<Vec<f64>> {
    let mut told: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    let mut reader = EventReader::default();
    for line in stream.lines() {
        if let Line::Known(envelope) = reader.read(line)?
            && let Event::Task { component, .. } = envelope.event
        {
            told.entry(component).or_default().push(envelope.ts);
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
