//! The user asked to stop.

use std::future::Future;

use tokio_util::sync::CancellationToken;

use crate::diagnostic::{Diagnostic, Diagnostics};

/// Tells an operation that the user asked to stop. The operation should finish or undo the step it is in, keep what
/// exists in its state, and return an error.
#[derive(Clone, Debug, Default)]
pub struct Stop(CancellationToken);

/// The operation was cut short because the user asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "stopped on request before it was done; what exists so far is kept in the state, apply again to go on"
)]
pub struct Stopped;

impl Stop {
    /// Stops with this token.
    #[must_use]
    pub fn new(token: CancellationToken) -> Self {
        Self(token)
    }

    /// True once the user asked to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.is_cancelled()
    }

    /// `Err` once the user asked to stop: for the places between two steps.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.is_stopped() {
            Err(Stopped)
        } else {
            Ok(())
        }
    }

    /// Waits until the user asks to stop.
    pub async fn stopped(&self) {
        self.0.cancelled().await;
    }

    /// Waits for a future, but no longer than the user does. The future is dropped when stopped: hand in waits and reads,
    /// not calls whose effect would be lost track of.
    pub async fn or_stopped<F: Future>(&self, future: F) -> Result<F::Output, Stopped> {
        self.0.run_until_cancelled(future).await.ok_or(Stopped)
    }

    /// The token itself, for code that knows nothing of Terraform.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.0
    }
}

impl From<Stopped> for Diagnostic {
    fn from(stopped: Stopped) -> Self {
        Diagnostic::error("Stopped", format!("The operation was {stopped}."))
    }
}

impl From<Stopped> for Diagnostics {
    fn from(stopped: Stopped) -> Self {
        Diagnostic::from(stopped).into()
    }
}
