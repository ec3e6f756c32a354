//! The feed: what it writes is laid ready, and taken as a whole when it is quiet.

use super::error::LoadError;
use super::holder::{Policies, Refusal};
use super::kept::{self, Kept};
use super::settings::Feed;
use super::stage::Stage;
use arc_swap::ArcSwapOption;
use authz::PolicyFault;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// A feed that never pauses is read at least this often.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Where the feed writes.
#[derive(Debug)]
pub(super) struct Inbox {
    stage: Mutex<Stage>,
    changed: Notify,
    heard: ArcSwapOption<Timestamp>,
    refused: ArcSwapOption<Refusal>,
    /// What was kept by the run before, until it is in force.
    kept: Mutex<Option<Kept>>,
    wait_for_data: bool,
    quiet: Duration,
    max_age: Option<i64>,
    keep: Option<PathBuf>,
    token: Option<SecretString>,
}

impl Inbox {
    pub(super) fn open(feed: &Feed, now: Timestamp) -> Result<Self, LoadError> {
        let kept = feed.keep.as_deref().map(kept::read).transpose()?.flatten();
        let heard = kept.as_ref().map(|kept| Arc::new(kept.heard.min(now)));
        Ok(Self {
            stage: Mutex::new(
                kept.as_ref()
                    .map(|kept| kept.stage.clone())
                    .unwrap_or_default(),
            ),
            changed: Notify::new(),
            heard: ArcSwapOption::from(heard),
            refused: ArcSwapOption::empty(),
            kept: Mutex::new(kept),
            wait_for_data: feed.wait_for_data,
            quiet: Duration::from_millis(feed.quiet_milliseconds),
            max_age: feed.max_age_seconds.map(i64::from),
            keep: feed.keep.clone(),
            token: feed.token()?,
        })
    }

    /// What was written so far.
    pub(super) fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is laid ready. What changes nothing is a sign of life all the same.
    pub(super) fn write<T>(&self, now: Timestamp, change: impl FnOnce(&mut Stage) -> T) -> T {
        let mut stage = self.stage();
        let before = stage.clone();
        let answer = change(&mut stage);
        self.heard.store(Some(Arc::new(now)));
        if *stage != before {
            self.changed.notify_one();
        }
        answer
    }

    /// Whether a token lets its sender write. Takes the same time however much of it is right.
    pub(super) fn admits(&self, token: Option<&str>) -> bool {
        let digest = |text: &str| Sha256::digest(text.as_bytes());
        match (&self.token, token) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(ours), Some(theirs)) => digest(ours.expose_secret()) == digest(theirs),
        }
    }

    pub(super) fn heard(&self) -> Option<Timestamp> {
        self.heard.load().as_deref().copied()
    }

    /// When the feed was last heard, if that is too long ago.
    pub(super) fn silent_since(&self, now: Timestamp) -> Option<Timestamp> {
        let (max_age, heard) = (self.max_age?, self.heard()?);
        (now.duration_since(heard).as_secs() > max_age).then_some(heard)
    }

    /// What keeps the first set from being in force.
    pub(super) fn missing(&self) -> String {
        if let Some(refusal) = self.refusal() {
            let faults: Vec<String> = refusal.faults.iter().map(ToString::to_string).collect();
            return format!(
                "what the feed has written is refused: {}",
                faults.join(", ")
            );
        }
        self.stage()
            .lacks(self.wait_for_data)
            .unwrap_or("it is being checked")
            .to_owned()
    }

    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refused.load().as_deref().cloned()
    }

    /// Waits for a change, and then until nothing has changed for a while.
    async fn quiet(&self) {
        self.changed.notified().await;
        let latest = Instant::now() + LONGEST_WAIT;
        loop {
            let until = latest.min(Instant::now() + self.quiet);
            if timeout_at(until, self.changed.notified()).await.is_err() {
                return;
            }
        }
    }
}

impl Policies {
    /// Takes what the feed writes, until it is told to stop. Does nothing where there is no feed.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let Some(inbox) = &self.inbox else {
            return;
        };
        while stop.run_until_cancelled(inbox.quiet()).await.is_some() {
            let policies = Arc::clone(&self);
            // Checking hundreds of policies takes a while, and nobody waits for it.
            let checked =
                tokio::task::spawn_blocking(move || policies.take_stage(Timestamp::now())).await;
            if let Err(error) = checked {
                tracing::error!(%error, "policies could not be checked; those in force stay");
            }
        }
    }

    /// Checks what is laid ready as one set: it comes into force as a whole, or not at all.
    pub(super) fn take_stage(&self, now: Timestamp) {
        let Some(inbox) = &self.inbox else {
            return;
        };
        let stage = inbox.stage().clone();
        if let Some(missing) = stage.lacks(inbox.wait_for_data) {
            tracing::warn!(missing, "what the feed has written is not complete");
            if self.epoch() > 0 {
                let fault = PolicyFault {
                    at: "feed".to_owned(),
                    message: missing.to_owned(),
                };
                inbox.refuse(now, vec![fault]);
            }
            return;
        }
        match stage.build() {
            Ok(set) => {
                self.adopt(set, now);
                inbox.refused.store(None);
                inbox.keep(stage, now);
            }
            Err(error) => {
                tracing::error!(%error, "pushed policies are refused; the last good ones stay");
                inbox.refuse(now, error.faults);
            }
        }
    }

    /// Puts in force what the run before has kept.
    pub(super) fn adopt_kept(&self, now: Timestamp) {
        let Some(inbox) = &self.inbox else {
            return;
        };
        let kept = inbox
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(kept) = kept else {
            return;
        };
        match kept.stage.build() {
            Ok(set) => self.adopt(set, now),
            Err(error) => {
                tracing::warn!(%error, "kept policies are no longer valid; waiting for the feed");
                *inbox.stage() = Stage::default();
            }
        }
    }
}

impl Inbox {
    fn refuse(&self, at: Timestamp, faults: Vec<PolicyFault>) {
        self.refused.store(Some(Arc::new(Refusal { at, faults })));
    }

    fn keep(&self, stage: Stage, now: Timestamp) {
        let Some(file) = &self.keep else {
            return;
        };
        let kept = Kept {
            heard: self.heard().unwrap_or(now),
            stage,
        };
        if let Err(error) = kept::write(file, &kept) {
            tracing::error!(%error, file = %file.display(), "policies cannot be kept; a restart will wait for the feed");
        }
    }
}
