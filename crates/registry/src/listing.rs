//! Listings of tags that many ask for and one fetches.

use crate::error::RegistryError;
use crate::settings::Settings;
use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Every tag of a repository at one moment.
pub(crate) type Listing = Arc<BTreeSet<String>>;
type Outcome = Result<Listing, RegistryError>;

/// What was fetched for one repository, and when. Whoever fetches holds the lock; the others wait for its outcome.
type Slot = Arc<tokio::sync::Mutex<Option<(Instant, Outcome)>>>;

/// Outcomes by repository.
#[derive(Default)]
pub(crate) struct Listings {
    slots: Mutex<HashMap<String, Slot>>,
}

impl Listings {
    /// The outcome for `repository`, from `fetch` only if none is young enough. A failure is shared like a success, for
    /// a shorter time, so that a hundred who wait do not ask a broken registry one after the other.
    pub(crate) async fn get<F>(
        &self,
        settings: &Settings,
        repository: &str,
        fetch: impl FnOnce() -> F,
    ) -> Outcome
    where
        F: Future<Output = Result<BTreeSet<String>, RegistryError>>,
    {
        let slot = self.slot(repository);
        let mut kept = slot.lock().await;
        if let Some((at, outcome)) = kept.as_ref() {
            let lifetime = match outcome {
                Ok(_) => settings.listing_lifetime,
                Err(_) => settings.failure_lifetime,
            };
            if (settings.clock)().saturating_duration_since(*at) < lifetime {
                return outcome.clone();
            }
        }
        let outcome = fetch().await.map(Arc::new);
        *kept = Some(((settings.clock)(), outcome.clone()));
        outcome
    }

    /// Drops what is known of a repository, as a registry's event asks for.
    pub(crate) fn forget(&self, repository: &str) {
        self.lock().remove(repository);
    }

    fn slot(&self, repository: &str) -> Slot {
        self.lock()
            .entry(repository.to_owned())
            .or_default()
            .clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
