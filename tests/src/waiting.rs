//! Waiting for a condition, with an end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Longer than anything that the tests wait for, also on a busy machine.
const PATIENCE: Duration = Duration::from_mins(4);
const LOOK: Duration = Duration::from_millis(50);

/// Waits until a condition holds; the error says what was waited for.
pub fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if holds()? {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
    bail!("waited {PATIENCE:?} in vain until {what}")
}
