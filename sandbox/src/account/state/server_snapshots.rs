//! Snapshots of instances' disks.

use jiff::{SignedDuration, Timestamp};

use super::State;
use super::ledger::Charge;
use crate::account::catalogue::{self, Price};
use crate::account::refusal::Refusal;
use crate::account::table::Row;

/// Time from the request to a complete snapshot.
const CREATION: SignedDuration = SignedDuration::from_secs(5 * 60);

/// A snapshot.
#[derive(Clone, Debug)]
pub(crate) struct ServerSnapshot {
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) size_gb: u32,
    pub(crate) os_id: u32,
    pub(crate) created: Timestamp,
    pub(crate) ready_at: Timestamp,
}

impl Row for ServerSnapshot {
    const UNKNOWN: (u16, &'static str) = (404, "Invalid snapshot ID");

    fn id(&self) -> &str {
        &self.id
    }
}

impl ServerSnapshot {
    /// What it costs.
    pub(crate) fn price(&self) -> Price {
        catalogue::storage(self.size_gb, catalogue::SNAPSHOT_GB)
    }
}

impl State {
    /// Copies an instance's disk.
    pub(crate) fn create_server_snapshot(
        &mut self,
        instance_id: &str,
        description: String,
    ) -> Result<&ServerSnapshot, Refusal> {
        let instance = self
            .instances
            .get(instance_id)
            .ok_or_else(|| Refusal::invalid("Invalid instance ID"))?;
        let made = ServerSnapshot {
            size_gb: instance.plan.disk_gb,
            os_id: instance.image.map_or(0, |image| image.id),
            id: self.seeded.id(),
            description,
            created: self.now,
            ready_at: self.now + CREATION,
        };
        let id = made.id.clone();
        self.ledger.open(Charge {
            kind: "snapshot",
            id: id.clone(),
            label: made.description.clone(),
            what: format!("{} GB", made.size_gb),
            price: made.price(),
            from: self.now,
            until: None,
        });
        self.server_snapshots.insert(made);
        self.server_snapshots.find(&id)
    }

    /// Deletes a snapshot.
    pub(crate) fn delete_server_snapshot(&mut self, id: &str) -> Result<(), Refusal> {
        self.server_snapshots.find(id)?;
        self.server_snapshots.remove(id);
        self.ledger.close(id, self.now);
        Ok(())
    }
}
