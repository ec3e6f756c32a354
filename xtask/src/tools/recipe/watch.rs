//! A long command that says now and then that it goes on.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const SIGN_OF_LIFE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(200);

/// Runs a command to its end; `minutes` is what it is known to take.
pub(super) fn watched(command: &mut Command, what: &str, minutes: u32) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    eprintln!("  {what}: about {minutes} min on two free cores, once");
    let started = Instant::now();
    let mut said = started;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("{program} cannot be started"))?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if said.elapsed() >= SIGN_OF_LIFE {
            said = Instant::now();
            eprintln!(
                "  {what}: {} s of about {} s",
                started.elapsed().as_secs(),
                minutes * 60
            );
        }
        thread::sleep(LOOK);
    };
    if !status.success() {
        bail!("`{program}` ended with {status}");
    }
    Ok(())
}
