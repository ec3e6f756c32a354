//! Waits for a condition, never for a length of time.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// A wait that ends in an error when it takes too long.
#[derive(Debug)]
pub(crate) struct Wait {
    what: &'static str,
    started: Instant,
    deadline: Duration,
}

impl Wait {
    /// A wait until `what`, which completes the sentence "waited in vain until …".
    pub(crate) fn until(what: &'static str, deadline: Duration) -> Self {
        Self {
            what,
            started: Instant::now(),
            deadline,
        }
    }

    /// Lets some time pass before the next look.
    pub(crate) async fn pause(&self) -> Result<()> {
        ensure!(
            self.started.elapsed() < self.deadline,
            "SLW-937: waited {} s in vain until {}",
            self.deadline.as_secs(),
            self.what
        );
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}

/// Whether an HTTP address answers with success.
pub(crate) async fn answers_well(url: &str) -> bool {
    reqwest::get(url)
        .await
        .is_ok_and(|answer| answer.status().is_success())
}
