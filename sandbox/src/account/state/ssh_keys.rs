//! SSH keys of the account.

use jiff::Timestamp;

use super::State;
use crate::account::refusal::Refusal;
use crate::account::table::Row;

/// Longer names are cut in silence.
const LONGEST_NAME: usize = 128;

/// A public key that new instances can be given.
#[derive(Clone, Debug)]
pub(crate) struct SshKey {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) public_key: String,
    pub(crate) created: Timestamp,
}

impl Row for SshKey {
    const UNKNOWN: (u16, &'static str) = (404, "Invalid ssh key");

    fn id(&self) -> &str {
        &self.id
    }
}

impl State {
    /// Adds a key.
    pub(crate) fn create_ssh_key(
        &mut self,
        name: &str,
        public_key: String,
    ) -> Result<&SshKey, Refusal> {
        check_key(&public_key)?;
        let id = self.seeded.id();
        self.ssh_keys.insert(SshKey {
            id: id.clone(),
            name: cut(name),
            public_key,
            created: self.now,
        });
        self.ssh_keys.find(&id)
    }

    /// Changes a key; instances that run keep the old one.
    pub(crate) fn change_ssh_key(
        &mut self,
        id: &str,
        name: Option<&str>,
        public_key: Option<String>,
    ) -> Result<(), Refusal> {
        let key = self.ssh_keys.find_mut(id)?;
        if let Some(public_key) = public_key {
            check_key(&public_key)?;
            key.public_key = public_key;
        }
        if let Some(name) = name {
            key.name = cut(name);
        }
        Ok(())
    }

    /// Deletes a key; instances that run keep it.
    pub(crate) fn delete_ssh_key(&mut self, id: &str) -> Result<(), Refusal> {
        self.ssh_keys.find(id)?;
        self.ssh_keys.remove(id);
        Ok(())
    }
}

fn cut(name: &str) -> String {
    name.chars().take(LONGEST_NAME).collect()
}

fn check_key(public_key: &str) -> Result<(), Refusal> {
    let kind = public_key.split_whitespace().next().unwrap_or_default();
    let known = kind.starts_with("ssh-") || kind.starts_with("ecdsa-") || kind.starts_with("sk-");
    if known && public_key.split_whitespace().count() >= 2 {
        Ok(())
    } else {
        Err(Refusal::invalid("Invalid SSH key"))
    }
}
