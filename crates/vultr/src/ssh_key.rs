//! SSH keys that servers are made with.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::decode::{One, wrapped};
use crate::error::absent;
use crate::settle::{self, Wanted};
use crate::{Client, Ensured, Result};

/// A public key of the account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SshKey {
    /// Id.
    pub id: String,
    /// Name, cut by the API at 128 characters.
    pub name: String,
    /// The key.
    pub ssh_key: String,
}

wrapped!(SshKey, "ssh_key", "ssh_keys");

#[derive(Serialize)]
struct Body<'a> {
    name: &'a str,
    ssh_key: &'a str,
}

impl Client {
    /// Every key.
    pub async fn ssh_keys(&self) -> Result<Vec<SshKey>> {
        self.list(&["ssh-keys"]).await
    }

    /// One key.
    pub async fn ssh_key(&self, id: &str) -> Result<Option<SshKey>> {
        let request = self.request(Method::GET, &["ssh-keys", id])?;
        let found = absent(self.fetch::<One<SshKey>>(request).await)?;
        Ok(found.map(|One(key)| key))
    }

    /// Adds a key.
    pub async fn create_ssh_key(&self, name: &str, ssh_key: &str) -> Result<SshKey> {
        let request = self
            .request(Method::POST, &["ssh-keys"])?
            .json(&Body { name, ssh_key })?;
        let One(key) = self.fetch(request).await?;
        Ok(key)
    }

    /// The key of exactly this name, added if there is none. Names are compared as the API cuts them.
    pub async fn ensure_ssh_key(&self, name: &str, ssh_key: &str) -> Result<Ensured<SshKey>> {
        let kept: String = name.chars().take(128).collect();
        let look = || async {
            let mut found = self.ssh_keys().await?;
            found.retain(|key| key.name == kept);
            Ok(found)
        };
        let target = Wanted {
            kind: "SSH key",
            mark: &kept,
        };
        self.ensure(target, look, || self.create_ssh_key(&kept, ssh_key))
            .await
    }

    /// Removes a key from the account; servers keep what they were made with.
    pub async fn delete_ssh_key(&self, id: &str) -> Result<()> {
        let request = self.request(Method::DELETE, &["ssh-keys", id])?;
        settle::deleted(self.perform(request).await, self.ssh_key(id)).await
    }
}
