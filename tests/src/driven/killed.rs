//! Killing the provider at one chosen call, to the account or to a cluster that is a record.

use std::future::Future;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::{Account, Driven};

/// How often a look at the journal is taken.
const LOOK: Duration = Duration::from_millis(2);
/// How long the chosen call is held; the kill comes long before.
const HOLD_MS: u64 = 60_000;

/// When the provider dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The call is sent and has no effect yet.
    Before,
    /// The call has had its effect and its answer is not there yet.
    After,
}

/// A call at which the provider is killed.
#[derive(Clone, Copy, Debug)]
pub struct Deadly {
    /// Which one, counted from the order on.
    pub nth: u64,
    /// When.
    pub moment: Moment,
}

/// How a run under such a threat ended.
#[derive(Debug)]
pub enum Outcome<T> {
    /// It ended before that call came.
    Finished(T),
    /// It was killed at this call.
    Killed {
        /// Method and path.
        call: String,
        /// Whether the call could change the account.
        writes: bool,
    },
}

impl Deadly {
    /// Runs an operation and kills the provider at the call. What the operation says then is worth nothing.
    pub async fn threaten<T>(
        self,
        driven: &Driven,
        account: &Account,
        operation: impl Future<Output = T>,
    ) -> Result<Outcome<T>> {
        let action = match self.moment {
            Moment::Before => "timeout_before",
            Moment::After => "timeout_after",
        };
        let since = account.newest_call().await?;
        let order = json!({"path": "/**", "nth": self.nth, "hold_ms": HOLD_MS, "action": action});
        account.fault(&order).await?;
        tokio::pin!(operation);
        let outcome = loop {
            tokio::select! {
                biased;
                ended = &mut operation => break Outcome::Finished(ended),
                () = tokio::time::sleep(LOOK) => {}
            }
            let calls = account.calls(since).await?;
            if let Some(call) = calls.iter().find(|call| call.fault.is_some()) {
                driven.kill()?;
                let (call, writes) = (format!("{} {}", call.method, call.path), call.writes());
                operation.await;
                break Outcome::Killed { call, writes };
            }
        };
        account.clear_faults().await?;
        Ok(outcome)
    }
}
