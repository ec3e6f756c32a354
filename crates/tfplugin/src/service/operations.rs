//! Operations that are going on: how they are stopped together, and what becomes of a panic.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::stop::Stop;

/// All operations that are going on.
#[derive(Default)]
pub(crate) struct Operations {
    stop: Mutex<CancellationToken>,
    running: TaskTracker,
}

/// Code that must not panic did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Panicked(String);

impl Operations {
    /// Runs an operation in a task of its own, so that it is not cut off in the middle when core hangs up: it is asked to
    /// stop then, and ends in its own time.
    pub(super) async fn run<T, F>(&self, operation: impl FnOnce(Stop) -> F) -> Result<T, Panicked>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        self.start(operation).outcome().await
    }

    /// Starts an operation in a task of its own.
    pub(super) fn start<T, F>(&self, operation: impl FnOnce(Stop) -> F) -> Running<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let token = self.current().child_token();
        Running {
            hung_up: token.clone().drop_guard(),
            task: self.running.spawn(operation(Stop::new(token))),
        }
    }

    /// Asks everything that is going on to stop. What begins later is not concerned.
    pub(crate) fn stop_all(&self) {
        let mut stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *stop).cancel();
    }

    /// Waits until nothing is going on any more.
    pub(crate) async fn idle(&self) {
        self.running.close();
        self.running.wait().await;
        self.running.reopen();
    }

    fn current(&self) -> CancellationToken {
        self.stop
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// An operation that is going on. It is asked to stop if nobody waits for it any more.
pub(super) struct Running<T> {
    task: JoinHandle<T>,
    hung_up: DropGuard,
}

impl<T> Running<T> {
    /// Waits for its end.
    pub(super) async fn outcome(self) -> Result<T, Panicked> {
        let outcome = self
            .task
            .await
            .map_err(|error| match error.try_into_panic() {
                Ok(payload) => Panicked::from(payload),
                Err(_) => Panicked("the runtime is shutting down".to_owned()),
            });
        self.hung_up.disarm();
        outcome
    }
}

/// Awaits a hook of the provider; a panic in it is an error like others.
pub(super) async fn caught<T>(hook: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(hook)
        .catch_unwind()
        .await
        .map_err(Panicked::from)
}

/// Calls a pure hook of the provider; a panic in it is an error like others.
pub(super) fn caught_now<T>(hook: impl FnOnce() -> T) -> Result<T, Panicked> {
    std::panic::catch_unwind(AssertUnwindSafe(hook)).map_err(Panicked::from)
}

impl From<Box<dyn Any + Send>> for Panicked {
    fn from(payload: Box<dyn Any + Send>) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self(text.unwrap_or_else(|| "no message".to_owned()))
    }
}

impl From<Panicked> for Diagnostics {
    fn from(panicked: Panicked) -> Self {
        let detail = format!(
            "The provider panicked: {}. The log has the backtrace.",
            panicked.0
        );
        Diagnostic::bug(detail).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn w17_a_panic_is_an_error() {
        let operations = Operations::default();
        let outcome = operations.run(|_| async { panic!("mid-create") }).await;
        let outcome: Result<(), Diagnostics> = outcome.map_err(Diagnostics::from);
        assert!(
            outcome
                .unwrap_err()
                .to_string()
                .contains("panicked: mid-create")
        );
    }

    #[tokio::test]
    async fn w20_stop_reaches_what_is_going_on_and_nothing_later() {
        let operations = Operations::default();
        let waiting = operations.run(|stop| async move { stop.stopped().await });
        let (outcome, ()) = tokio::join!(waiting, async {
            tokio::task::yield_now().await;
            operations.stop_all();
        });
        assert_eq!(outcome, Ok(()));
        let later = operations
            .run(|stop| async move { stop.is_stopped() })
            .await;
        assert_eq!(later, Ok(false));
    }

    #[tokio::test]
    async fn w23_an_operation_whose_caller_is_gone_is_stopped_not_cut_off() {
        let operations = Operations::default();
        let (told, done) = tokio::sync::oneshot::channel();
        {
            let operation = operations.run(|stop| async move {
                stop.stopped().await;
                told.send(()).ok();
            });
            let mut operation = std::pin::pin!(operation);
            assert!(futures::poll!(&mut operation).is_pending());
        }
        done.await.unwrap();
        operations.idle().await;
    }
}
