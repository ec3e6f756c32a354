//! One line before a long step, one after it with its time: what runs, how long it should take, how long it took.

use std::time::Instant;

use anyhow::Result;
use console::style;

/// Runs one step of a task between its two lines.
pub(crate) fn stage<T>(title: &str, expected: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!(
        "{} {title} {}",
        style("▸").cyan().bold(),
        style(format!("({expected})")).dim()
    );
    let started = Instant::now();
    let outcome = work();
    let seconds = started.elapsed().as_secs_f64();
    match &outcome {
        Ok(_) => eprintln!(
            "{} {title} {}",
            style("✓").green().bold(),
            style(format!("{seconds:.1} s")).dim()
        ),
        Err(_) => eprintln!(
            "{} {title} {}",
            style("✗").red().bold(),
            style(format!("{seconds:.1} s")).dim()
        ),
    }
    outcome
}
