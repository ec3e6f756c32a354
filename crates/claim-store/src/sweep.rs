//! Reading the whole bucket at once: all of it, or an error.

use crate::error::StoreError;
use crate::read::{Raw, Seen};
use crate::store::{ClaimStore, Place, Stored};
use claims::{Document, Faults, Tombstone};
use tokio::task::JoinSet;

/// Requests about single objects that are under way at the same time, so also the most bodies in memory that nobody has
/// read yet.
pub(crate) const AT_ONCE: usize = 16;

/// Everything in the bucket, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Claims.
    pub claims: Vec<Stored>,
    /// What is left of withdrawn and expired claims, with the keys.
    pub tombstones: Vec<(String, Tombstone)>,
    /// Objects that cannot be used.
    pub unreadable: Vec<Unreadable>,
}

/// An object that is no claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Where, and in which state.
    pub place: Place,
    /// What is wrong with it.
    pub faults: Faults,
}

impl ClaimStore {
    /// Lists the bucket and reads every object. One that vanishes between the two is left out. The answer holds every
    /// claim; who looks again and again follows [`ClaimStore::changes`] instead.
    pub async fn sweep(&self) -> Result<Sweep, StoreError> {
        let entries = self.list().await?;
        let keys = entries.into_iter().map(|entry| entry.key);
        let mut sweep = Sweep::default();
        self.fetch_each(keys, Seen::read, |key, seen| {
            if let Some(seen) = seen {
                sweep.add(key, seen);
            }
        })
        .await?;
        sweep.sort();
        Ok(sweep)
    }

    /// Fetches objects, some at a time and in any order; `None` for one that is not there. Each is read by the task that
    /// fetched it and handed on before another is asked for: what waits here does not grow with the bucket.
    pub(crate) async fn fetch_each<T: Send + 'static>(
        &self,
        keys: impl IntoIterator<Item = String, IntoIter: Send>,
        read: fn(&str, Raw) -> T,
        mut take: impl FnMut(String, Option<T>) + Send,
    ) -> Result<(), StoreError> {
        let mut keys = keys.into_iter();
        let mut reading = JoinSet::new();
        loop {
            while reading.len() < AT_ONCE
                && let Some(key) = keys.next()
            {
                let store = self.clone();
                // Tasks of their own: reading thousands of claims is work for more than one core.
                reading.spawn(async move {
                    let raw = store.fetch(&key).await?;
                    let read = raw.map(|raw| read(&key, raw));
                    Ok::<_, StoreError>((key, read))
                });
            }
            let Some(ended) = reading.join_next().await else {
                return Ok(());
            };
            let (key, read) = match ended.map_err(tokio::task::JoinError::try_into_panic) {
                Ok(read) => read?,
                Err(Ok(panic)) => std::panic::resume_unwind(panic),
                Err(Err(_)) => return Err(self.stopping()),
            };
            take(key, read);
        }
    }

    fn stopping(&self) -> StoreError {
        StoreError::Unreachable {
            endpoint: self.endpoint.clone(),
            action: "read a claim".to_owned(),
            why: "the program is stopping".to_owned(),
        }
    }
}

impl Sweep {
    fn add(&mut self, key: String, Seen { etag, document, .. }: Seen) {
        match document {
            Ok(Document::Claim(claim)) => self.claims.push(Stored {
                place: Place { key, etag },
                claim: *claim,
            }),
            Ok(Document::Tombstone(tombstone)) => self.tombstones.push((key, tombstone)),
            Err(faults) => self.unreadable.push(Unreadable {
                place: Place { key, etag },
                faults,
            }),
        }
    }

    fn sort(&mut self) {
        self.claims
            .sort_by(|one, other| one.place.key.cmp(&other.place.key));
        self.tombstones.sort_by(|one, other| one.0.cmp(&other.0));
        self.unreadable
            .sort_by(|one, other| one.place.key.cmp(&other.place.key));
    }
}
