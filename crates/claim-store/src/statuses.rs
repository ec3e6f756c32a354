//! What the controller says about environments, in a bucket of its own: one object `<name>.json` each.

use crate::error::StoreError;
use crate::read::Raw;
use crate::settings::Settings;
use crate::store::{ClaimStore, ETag};
use claims::EnvironmentName;
use claims::status::Status;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Statuses, to be read.
#[derive(Clone, Debug)]
pub struct Statuses(ClaimStore);

/// Statuses as they were last seen, by key.
#[derive(Debug, Default)]
pub struct KnownStatuses {
    by_key: BTreeMap<String, Known>,
}

#[derive(Clone, Debug)]
struct Known {
    etag: ETag,
    /// `None` for an object that is no status.
    status: Option<Arc<Status>>,
}

impl Statuses {
    /// Sets up access to the bucket; nothing is sent yet.
    pub fn new(settings: &Settings) -> Result<Self, StoreError> {
        ClaimStore::new(settings).map(Self)
    }

    /// The status of an environment; `None` before the controller has seen it.
    pub async fn get(&self, name: &EnvironmentName) -> Result<Option<Status>, StoreError> {
        let key = ClaimStore::key_of(name);
        let Some(raw) = self.0.fetch(&key).await? else {
            return Ok(None);
        };
        let status = read(&key, raw)?;
        if status.environment_name == *name {
            return Ok(Some(status));
        }
        Err(StoreError::Renamed {
            key,
            found: status.environment_name,
        })
    }

    /// Brings `known` up to what stands in the bucket, reading only what has changed; an error leaves it as it is. An
    /// object that is no status is passed over and logged.
    pub async fn refresh(&self, known: &mut KnownStatuses) -> Result<(), StoreError> {
        let (mut next, mut changed) = (BTreeMap::new(), Vec::new());
        for entry in self.0.list().await? {
            match known.by_key.get(&entry.key) {
                Some(same) if same.etag == entry.etag => {
                    next.insert(entry.key, same.clone());
                }
                _ => changed.push(entry.key),
            }
        }
        for (key, raw) in self.0.fetch_all(changed).await? {
            let Some(raw) = raw else { continue };
            let etag = raw.etag.clone();
            let status = match read(&key, raw) {
                Ok(status) => Some(Arc::new(status)),
                Err(error) => {
                    tracing::warn!(%error, "passed over");
                    None
                }
            };
            next.insert(key, Known { etag, status });
        }
        known.by_key = next;
        Ok(())
    }
}

impl KnownStatuses {
    /// Every status, by the name of its environment.
    pub fn iter(&self) -> impl Iterator<Item = (&EnvironmentName, &Arc<Status>)> {
        let known = self.by_key.values();
        known.filter_map(|known| {
            let status = known.status.as_ref()?;
            Some((&status.environment_name, status))
        })
    }
}

fn read(key: &str, raw: Raw) -> Result<Status, StoreError> {
    let status = raw.bytes.and_then(|bytes| Status::read(&bytes));
    status.map_err(|faults| StoreError::NoStatus {
        key: key.to_owned(),
        faults,
    })
}
