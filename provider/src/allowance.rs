//! The time that an operation has, and the user's wish to stop.

use std::time::Duration;

use tfplugin::Stop;
use tokio::time::Instant;
use vultr::{Client, Wait};

use crate::fault::{self, Fault};

/// What bounds an operation as a whole; each of its waits ends with it.
#[derive(Clone, Copy)]
pub(crate) struct Allowance<'a> {
    deadline: Instant,
    stop: &'a Stop,
}

impl<'a> Allowance<'a> {
    /// An operation that begins now.
    pub(crate) fn new(time: Duration, stop: &'a Stop) -> Self {
        Self {
            deadline: Instant::now() + time,
            stop,
        }
    }

    /// An operation that began before.
    pub(crate) fn until(deadline: Instant, stop: &'a Stop) -> Self {
        Self { deadline, stop }
    }

    /// The time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The user's wish to stop.
    pub(crate) fn stop(&self) -> &'a Stop {
        self.stop
    }

    /// A wait that ends with the operation's time or with a stop, and looks before it waits.
    pub(crate) fn wait(&self, client: &Client) -> Wait {
        client
            .wait(self.left())
            .stopped_by(self.stop.token())
            .at_once()
    }

    /// The place to stop, between two steps: nothing is half done here. `of` names the object, `step` what comes next.
    pub(crate) fn check(&self, of: &str, step: &str) -> Result<(), Fault> {
        if self.stop.is_stopped() {
            return Err(Fault::new(
                fault::STOPPED,
                format!(
                    "Stopped on request before: {step}. What exists of {of} is kept; apply again to go on."
                ),
            ));
        }
        if self.left().is_zero() {
            return Err(Fault::new(
                fault::TIMED_OUT,
                format!(
                    "The time for {of} was over before: {step}. What exists is kept; apply again to go on, or raise timeouts."
                ),
            ));
        }
        tracing::info!(%of, step, "next step");
        Ok(())
    }
}
