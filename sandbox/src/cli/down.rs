//! `slipway-sandbox down`.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::say;
use crate::folder::{Folder, FolderError, Hold};

/// How long the sandbox may take to end by itself.
const PATIENCE: Duration = Duration::from_mins(1);

/// Ends a sandbox in whatever state it is.
pub(super) async fn down(dir: &Path, json: bool) -> anyhow::Result<ExitCode> {
    if !dir.exists() {
        return report(&[], false, json);
    }
    let folder = Folder::open(dir)?;
    let was_up = folder.holder().is_some();
    let hold = take(&folder).await?;
    let ended = tokio::task::spawn_blocking(move || folder.clear(&hold)).await??;
    report(&ended, was_up, json)
}

/// Asks the holder to end, then makes it, until the folder is free.
async fn take(folder: &Folder) -> Result<Hold, FolderError> {
    let started = Instant::now();
    let mut signalled = None;
    loop {
        let held = match folder.hold() {
            Ok(hold) => return Ok(hold),
            Err(held @ FolderError::Held { .. }) => held,
            Err(error) => return Err(error),
        };
        let wanted = if started.elapsed() < PATIENCE {
            Signal::SIGTERM
        } else {
            Signal::SIGKILL
        };
        if started.elapsed() > 2 * PATIENCE {
            return Err(held);
        }
        if let Some(holder) = folder.holder().filter(|_| signalled != Some(wanted)) {
            let _raced_with_its_end = kill(Pid::from_raw(holder.pid), wanted);
            signalled = Some(wanted);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn report(ended: &[String], was_up: bool, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        say(&json!({"was_up": was_up, "ended": ended}).to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    for process in ended {
        say(&format!("ended what was left running: {process}"))?;
    }
    say(if was_up || !ended.is_empty() {
        "The rehearsal is down."
    } else {
        "No rehearsal was up."
    })?;
    Ok(ExitCode::SUCCESS)
}
