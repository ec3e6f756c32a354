//! The bucket of static environments, which a pipeline writes and everybody else reads.

use crate::absence::Absence;
use crate::changes::Changes;
use crate::error::StoreError;
use crate::ledger::Ledger;
use crate::pages::Entry;
use crate::settings::Settings;
use crate::store::{ClaimStore, Stored};
use crate::sweep::Sweep;
use claims::EnvironmentName;
use futures::Stream;

/// Static claims: everything that reads, and nothing that writes.
#[derive(Clone, Debug)]
pub struct StaticClaims(ClaimStore);

impl StaticClaims {
    /// Sets up access to the bucket; nothing is sent yet.
    pub fn new(settings: &Settings) -> Result<Self, StoreError> {
        ClaimStore::new(settings).map(Self)
    }

    /// As [`ClaimStore::get_key`].
    pub async fn get_key(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        self.0.get_key(key).await
    }

    /// As [`ClaimStore::find`].
    pub async fn find(&self, name: &EnvironmentName) -> Result<Option<Stored>, StoreError> {
        self.0.find(name).await
    }

    /// As [`ClaimStore::list`].
    pub async fn list(&self) -> Result<Vec<Entry>, StoreError> {
        self.0.list().await
    }

    /// As [`ClaimStore::sweep`].
    pub async fn sweep(&self) -> Result<Sweep, StoreError> {
        self.0.sweep().await
    }

    /// As [`ClaimStore::changes`].
    pub fn changes<'a>(
        &'a self,
        ledger: &'a mut Ledger,
    ) -> impl Stream<Item = Result<Changes, StoreError>> + Send + 'a {
        self.0.changes(ledger)
    }

    /// As [`ClaimStore::absence`].
    pub async fn absence(&self, key: &str) -> Result<Absence, StoreError> {
        self.0.absence(key).await
    }

    /// As [`ClaimStore::require_identity`].
    pub async fn require_identity(&self, platform: &str) -> Result<(), StoreError> {
        self.0.require_identity(platform).await
    }
}
