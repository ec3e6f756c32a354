//! How long the process lives, and which signals it minds.
//!
//! A terminal's Ctrl-C reaches the plugin as well as core. It must not die of it: core tells it to stop, waits for what is
//! going on, and shuts it down. If core itself is killed nobody says shutdown, so a plugin without connections goes by
//! itself.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::service::Operations;

/// How long nobody may be there.
#[derive(Clone, Copy)]
struct Patience {
    /// Until the first connection.
    first: Duration,
    /// Until the next one after a connection broke.
    next: Duration,
}

/// Core waits as long for the handshake line as it gets to connect.
const PATIENCE: Patience = Patience {
    first: Duration::from_mins(1),
    next: Duration::from_secs(5),
};
/// What an orphan was doing may end in an orderly way within this time.
const LAST_ORDERS: Duration = Duration::from_secs(30);
/// Answers that are on their way at shutdown may arrive within this time. Core kills after two seconds.
const FAREWELL: Duration = Duration::from_secs(1);

/// When it is over.
pub(crate) struct Lifetime {
    shutdown: CancellationToken,
    over: CancellationToken,
    presence: Presence,
}

impl Lifetime {
    /// Of a plugin that core started: interrupts are ignored, termination asks operations to stop.
    pub(crate) fn of_plugin(operations: Arc<Operations>) -> io::Result<Self> {
        let lifetime = Self::new();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let asked = Arc::clone(&operations);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => tracing::debug!("interrupt ignored: core says when to stop"),
                    _ = terminate.recv() => asked.stop_all(),
                }
            }
        });
        let (over, presence) = (lifetime.over.clone(), lifetime.presence.clone());
        tokio::spawn(async move {
            presence.abandoned(PATIENCE).await;
            tracing::debug!("core is gone");
            operations.stop_all();
            let _ = tokio::time::timeout(LAST_ORDERS, operations.idle()).await;
            over.cancel();
        });
        Ok(lifetime)
    }

    /// Of a process that a person started for a debugger: it ends when they interrupt it.
    pub(crate) fn of_debugger(operations: Arc<Operations>) -> io::Result<Self> {
        let lifetime = Self::new();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let shutdown = lifetime.shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            operations.stop_all();
            shutdown.cancel();
        });
        Ok(lifetime)
    }

    fn new() -> Self {
        let (shutdown, over) = (CancellationToken::new(), CancellationToken::new());
        let (said, hard_end) = (shutdown.clone(), over.clone());
        tokio::spawn(async move {
            said.cancelled().await;
            tokio::time::sleep(FAREWELL).await;
            hard_end.cancel();
        });
        Self {
            shutdown,
            over,
            presence: Presence(Arc::new(watch::Sender::new(Seen::default()))),
        }
    }

    /// Cancelled when core says shutdown.
    pub(crate) fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Waits for the end that does not wait for clients.
    pub(crate) async fn over(&self) {
        self.over.cancelled().await;
    }

    pub(crate) fn presence(&self) -> Presence {
        self.presence.clone()
    }
}

#[derive(Clone, Copy, Default)]
struct Seen {
    connections: usize,
    ever: bool,
}

/// Counts the connections that are there.
#[derive(Clone)]
pub(crate) struct Presence(Arc<watch::Sender<Seen>>);

/// One connection that is there.
pub(crate) struct Present(Presence);

impl Presence {
    pub(crate) fn enter(&self) -> Present {
        self.0.send_modify(|seen| {
            seen.connections += 1;
            seen.ever = true;
        });
        Present(self.clone())
    }

    /// Waits until nobody has been there for a while.
    async fn abandoned(&self, patience: Patience) {
        let mut seen = self.0.subscribe();
        loop {
            let now = *seen.borrow_and_update();
            // The sender is held by self, so waiting fails only by running out of time.
            let change = seen.changed();
            if now.connections > 0 {
                let _ = change.await;
                continue;
            }
            let limit = if now.ever {
                patience.next
            } else {
                patience.first
            };
            if tokio::time::timeout(limit, change).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.0.send_modify(|seen| seen.connections -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn w23_abandoned_only_after_nobody_came_back() {
        let patience = Patience {
            first: Duration::from_mins(10),
            next: Duration::from_millis(200),
        };
        let presence = Presence(Arc::new(watch::Sender::new(Seen::default())));
        let watched = presence.clone();
        let mut abandoned = tokio::spawn(async move { watched.abandoned(patience).await });
        drop(presence.enter());
        let back = presence.enter();
        let while_there = tokio::time::timeout(patience.next * 3, &mut abandoned).await;
        assert!(while_there.is_err(), "somebody is there");
        drop(back);
        abandoned.await.unwrap();
    }
    #[tokio::test]
    async fn w23_who_came_and_went_unseen_was_there_all_the_same() {
        let patience = Patience {
            first: Duration::from_hours(1),
            next: Duration::from_millis(20),
        };
        let presence = Presence(Arc::new(watch::Sender::new(Seen::default())));
        let watched = presence.clone();
        let abandoned = tokio::spawn(async move { watched.abandoned(patience).await });
        tokio::task::yield_now().await;
        drop(presence.enter());
        let gone = tokio::time::timeout(Duration::from_mins(1), abandoned).await;
        assert!(
            gone.is_ok(),
            "the longer patience is for the first one only"
        );
    }
}
