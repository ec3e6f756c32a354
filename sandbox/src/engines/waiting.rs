//! Waits for a condition, never for a length of time.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks until the condition holds; an error of `look` ends the wait, `Ok(false)` goes on.
pub(crate) async fn until<F, Fut>(what: &str, deadline: Duration, mut look: F) -> Result<()>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<bool>>,
{
    let started = Instant::now();
    loop {
        if look().await.with_context(|| format!("waiting until {what}"))? {
            return Ok(());
        }
        if started.elapsed() > deadline {
            bail!("SLW-906 waited {} s in vain until {what}", deadline.as_secs());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
