//! Whose bucket it is. A store that was swapped for another is empty, and empty would look as if every environment had
//! to go.

use crate::error::StoreError;
use crate::store::ClaimStore;

/// The object that says it, made together with the bucket.
const KEY: &str = ".platform-id";

impl ClaimStore {
    /// Refuses a bucket that is not the one of `platform`, or does not say whose it is.
    pub async fn require_identity(&self, platform: &str) -> Result<(), StoreError> {
        let found = match self.fetch(KEY).await? {
            None => None,
            Some(raw) => raw
                .bytes
                .ok()
                .map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()),
        };
        if found.as_deref() == Some(platform) {
            return Ok(());
        }
        Err(StoreError::Foreign {
            bucket: self.bucket.clone(),
            platform: platform.to_owned(),
            found,
        })
    }
}
