//! Virtual file systems: volumes that many machines may hold at once.

use jiff::{SignedDuration, Timestamp};

use super::State;
use super::ledger::Charge;
use crate::account::catalogue::{self, Price};
use crate::account::refusal::Refusal;
use crate::account::table::Row;

/// Time from the request to a usable file system.
const CREATION: SignedDuration = SignedDuration::from_secs(10);
/// Smallest size that the CSI driver asks for.
const LEAST_GB: u32 = 10;

/// A file system.
#[derive(Clone, Debug)]
pub(crate) struct FileSystem {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) region: String,
    pub(crate) tags: Vec<String>,
    pub(crate) disk_type: String,
    pub(crate) size_gb: u32,
    pub(crate) created: Timestamp,
    pub(crate) ready_at: Timestamp,
    /// Instances that hold it, by the number of their mount.
    pub(crate) holders: Vec<(u32, String)>,
}

impl Row for FileSystem {
    const UNKNOWN: (u16, &'static str) = (404, "Subscription ID Not Found");

    fn id(&self) -> &str {
        &self.id
    }
}

impl FileSystem {
    /// What it costs.
    pub(crate) fn price(&self) -> Price {
        catalogue::storage(self.size_gb, catalogue::NVME_GB)
    }

    /// Its size, in words.
    pub(crate) fn size(&self) -> String {
        format!("{} GB {}", self.size_gb, self.disk_type)
    }
}

/// What `POST /vfs` asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileSystemRequest {
    pub(crate) region: String,
    pub(crate) label: String,
    pub(crate) tags: Vec<String>,
    pub(crate) disk_type: String,
    pub(crate) size_gb: u32,
}

impl State {
    /// Makes a file system.
    pub(crate) fn create_file_system(
        &mut self,
        request: FileSystemRequest,
    ) -> Result<&FileSystem, Refusal> {
        if catalogue::region(&request.region).is_none() {
            return Err(Refusal::invalid("Invalid region"));
        }
        if request.size_gb < LEAST_GB {
            return Err(Refusal::invalid("Invalid storage_size"));
        }
        let made = FileSystem {
            id: self.seeded.id(),
            label: request.label,
            region: request.region,
            tags: request.tags,
            disk_type: request.disk_type,
            size_gb: request.size_gb,
            created: self.now,
            ready_at: self.now + CREATION,
            holders: Vec::new(),
        };
        let id = made.id.clone();
        self.ledger.open(Charge {
            kind: "vfs",
            id: id.clone(),
            label: made.label.clone(),
            what: made.size(),
            price: made.price(),
            from: self.now,
            until: None,
        });
        self.file_systems.insert(made);
        self.file_systems.find(&id)
    }

    /// Changes label or size; a file system only grows.
    pub(crate) fn change_file_system(
        &mut self,
        id: &str,
        label: Option<String>,
        size_gb: Option<u32>,
    ) -> Result<&FileSystem, Refusal> {
        let now = self.now;
        let found = self.file_systems.find_mut(id)?;
        let size_gb = size_gb.unwrap_or(found.size_gb);
        if size_gb < found.size_gb {
            return Err(Refusal::invalid("Storage size can not be reduced"));
        }
        found.size_gb = size_gb;
        found.label = label.unwrap_or_else(|| found.label.clone());
        let (what, price) = (found.size(), found.price());
        self.ledger.reprice(id, what, price, now);
        self.file_systems.find(id)
    }

    /// Lets an instance of the same region mount it; returns the number of the mount.
    pub(crate) fn attach_file_system(
        &mut self,
        id: &str,
        instance_id: &str,
    ) -> Result<u32, Refusal> {
        let region = self.instances.find(instance_id)?.region.clone();
        let found = self.file_systems.find_mut(id)?;
        if found.region != region {
            return Err(Refusal::invalid(
                "Storage and server are not in the same region",
            ));
        }
        if let Some((mount, _)) = found.holders.iter().find(|(_, held)| held == instance_id) {
            return Ok(*mount);
        }
        let mount = found.holders.iter().map(|(mount, _)| mount + 1).max();
        let mount = mount.unwrap_or_default();
        found.holders.push((mount, instance_id.to_owned()));
        Ok(mount)
    }

    /// Takes it off an instance.
    pub(crate) fn detach_file_system(
        &mut self,
        id: &str,
        instance_id: &str,
    ) -> Result<(), Refusal> {
        let found = self.file_systems.find_mut(id)?;
        if !found.holders.iter().any(|(_, held)| held == instance_id) {
            return Err(Refusal::new(404, "Attachment Not Found"));
        }
        found.holders.retain(|(_, held)| held != instance_id);
        Ok(())
    }

    /// Deletes a file system that nobody holds.
    pub(crate) fn delete_file_system(&mut self, id: &str) -> Result<(), Refusal> {
        if !self.file_systems.find(id)?.holders.is_empty() {
            return Err(Refusal::invalid(
                "Storage is currently attached to a server",
            ));
        }
        self.file_systems.remove(id);
        self.ledger.close(id, self.now);
        Ok(())
    }
}
