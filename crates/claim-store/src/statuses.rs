//! What the controller says about environments, in a bucket of its own: one object `<name>.json` each.

use crate::error::StoreError;
use crate::pages::Entry;
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
    /// The number of the look that goes on, or of the last one.
    look: u64,
}

#[derive(Debug)]
struct Known {
    etag: ETag,
    /// `None` for an object that is no status.
    status: Option<Arc<Status>>,
    /// The look that found it in the listing last.
    listed: u64,
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

    /// Brings `known` up to what stands in the bucket, page by page and reading only what has changed. After an error
    /// everything that was known is still there, some of it newer. An object that is no status is passed over and logged.
    pub async fn refresh(&self, known: &mut KnownStatuses) -> Result<(), StoreError> {
        known.look += 1;
        let mut pages = self.0.pages();
        while let Some(mut page) = pages.next().await? {
            page.retain(|entry| !known.confirm(entry));
            let keys = page.into_iter().map(|entry| entry.key);
            self.0
                .fetch_each(keys, Known::read, |key, read| known.take(key, read))
                .await?;
        }
        known.end();
        Ok(())
    }
}

impl Known {
    fn read(key: &str, raw: Raw) -> Self {
        let etag = raw.etag.clone();
        let status = match read(key, raw) {
            Ok(status) => Some(Arc::new(status)),
            Err(error) => {
                tracing::warn!(%error, "passed over");
                None
            }
        };
        Self {
            etag,
            status,
            listed: 0,
        }
    }
}

impl KnownStatuses {
    /// Marks an object as listed if it is as it was.
    fn confirm(&mut self, entry: &Entry) -> bool {
        let same = self.by_key.get_mut(&entry.key);
        let Some(same) = same.filter(|same| same.etag == entry.etag) else {
            return false;
        };
        same.listed = self.look;
        true
    }

    /// Takes over one object; nothing for one that vanished since it was listed.
    fn take(&mut self, key: String, read: Option<Known>) {
        let listed = self.look;
        if let Some(known) = read {
            self.by_key.insert(key, Known { listed, ..known });
        }
    }

    /// The listing was whole: what it did not name is gone.
    fn end(&mut self) {
        let look = self.look;
        self.by_key.retain(|_, known| known.listed == look);
    }

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
