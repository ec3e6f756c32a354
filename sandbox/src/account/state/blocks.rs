//! Block volumes.

use jiff::{SignedDuration, Timestamp};

use super::State;
use super::instances::LOCK;
use super::ledger::Charge;
use crate::account::catalogue::{self, Price};
use crate::account::refusal::Refusal;
use crate::account::table::Row;

/// Time from the request to a usable volume.
const CREATION: SignedDuration = SignedDuration::from_secs(10);
/// How the driver in a cluster labels its volumes.
const CLAIMED: &str = "pvc-";

/// What a volume is stored on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// `NVMe`.
    #[default]
    HighPerf,
    /// Spinning disks.
    StorageOpt,
}

impl BlockKind {
    /// The vendor's word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::HighPerf => "high_perf",
            Self::StorageOpt => "storage_opt",
        }
    }

    /// The kind of this word; empty means the default.
    pub(crate) fn of(word: &str) -> Result<Self, Refusal> {
        match word {
            "" | "high_perf" => Ok(Self::HighPerf),
            "storage_opt" => Ok(Self::StorageOpt),
            _ => Err(Refusal::invalid("Invalid block_type")),
        }
    }

    /// What so many GB cost.
    pub(crate) fn price(self, size_gb: u32) -> Price {
        let mills_a_gb = match self {
            Self::HighPerf => catalogue::NVME_GB,
            Self::StorageOpt => catalogue::HDD_GB,
        };
        catalogue::storage(size_gb, mills_a_gb)
    }

    /// A volume of this size, in words.
    pub(crate) fn of_size(self, size_gb: u32) -> String {
        format!("{size_gb} GB {}", self.word())
    }

    fn check_size(self, size_gb: u32) -> Result<(), Refusal> {
        let range = match self {
            // The CSI driver asks for NVMe volumes from 1 GB on and gets them.
            Self::HighPerf => 1..=10_000,
            Self::StorageOpt => 40..=40_000,
        };
        if range.contains(&size_gb) {
            Ok(())
        } else {
            Err(Refusal::invalid("Invalid size_gb"))
        }
    }
}

/// A volume.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) region: String,
    pub(crate) size_gb: u32,
    pub(crate) kind: BlockKind,
    pub(crate) mount_id: String,
    pub(crate) bootable: bool,
    pub(crate) created: Timestamp,
    pub(crate) ready_at: Timestamp,
    pub(crate) active: bool,
    pub(crate) attached_to: Option<String>,
    /// Cluster whose CSI driver made it.
    pub(crate) cluster_id: Option<String>,
    /// Owner mark of that cluster, kept when the cluster is gone.
    pub(crate) cluster_mark: String,
}

impl Row for Block {
    const UNKNOWN: (u16, &'static str) = (404, "Invalid block storage ID");

    fn id(&self) -> &str {
        &self.id
    }
}

/// What `POST /blocks` asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockRequest {
    pub(crate) region: String,
    pub(crate) label: String,
    pub(crate) size_gb: u32,
    pub(crate) kind: BlockKind,
    pub(crate) bootable: bool,
    pub(crate) cluster_id: Option<String>,
}

impl State {
    /// Makes a volume.
    pub(crate) fn create_block(&mut self, request: BlockRequest) -> Result<&Block, Refusal> {
        let region =
            catalogue::region(&request.region).ok_or_else(|| Refusal::invalid("Invalid region"))?;
        request.kind.check_size(request.size_gb)?;
        if request.kind == BlockKind::StorageOpt && !region.has_storage_opt() {
            return Err(Refusal::invalid(
                "Block storage type is not available in the selected region",
            ));
        }
        let id = self.seeded.id();
        let mount_id = format!("{}-{}", request.region, self.seeded.hex(14));
        self.ledger.open(Charge {
            kind: "block",
            id: id.clone(),
            label: request.label.clone(),
            what: request.kind.of_size(request.size_gb),
            price: request.kind.price(request.size_gb),
            from: self.now,
            until: None,
        });
        self.blocks.insert(Block {
            id: id.clone(),
            label: request.label,
            region: request.region,
            size_gb: request.size_gb,
            kind: request.kind,
            mount_id,
            bootable: request.bootable,
            created: self.now,
            ready_at: self.now + CREATION,
            active: false,
            attached_to: None,
            cluster_mark: request
                .cluster_id
                .as_deref()
                .map_or_else(String::new, |cluster| self.mark_of_cluster(cluster)),
            cluster_id: request.cluster_id,
        });
        self.blocks.find(&id)
    }

    /// Volumes that a cluster's CSI driver made.
    pub(crate) fn blocks_of(&self, cluster_id: &str) -> impl Iterator<Item = &Block> {
        self.blocks
            .iter()
            .filter(move |block| block.cluster_id.as_deref() == Some(cluster_id))
    }

    /// Changes label or size; a volume only grows.
    pub(crate) fn change_block(
        &mut self,
        id: &str,
        label: Option<String>,
        size_gb: Option<u32>,
    ) -> Result<(), Refusal> {
        let now = self.now;
        let block = self.blocks.find_mut(id)?;
        if let Some(size_gb) = size_gb {
            if size_gb < block.size_gb {
                return Err(Refusal::invalid("Block storage size can not be reduced"));
            }
            block.kind.check_size(size_gb)?;
            block.size_gb = size_gb;
            let (what, price) = (block.kind.of_size(size_gb), block.kind.price(size_gb));
            self.ledger.reprice(id, what, price, now);
        }
        block.label = label.unwrap_or_else(|| block.label.clone());
        Ok(())
    }

    /// Attaches a volume; the instance is locked for a while.
    pub(crate) fn attach_block(&mut self, id: &str, instance_id: &str) -> Result<(), Refusal> {
        let block = self.blocks.find(id)?;
        let instance = self
            .instances
            .get(instance_id)
            .ok_or_else(|| Refusal::invalid("Invalid instance ID"))?;
        if block.attached_to.is_some() {
            return Err(Refusal::invalid(
                "Block storage is already attached to another server",
            ));
        }
        if !block.active {
            return Err(Refusal::invalid("Block storage is not active"));
        }
        if block.region != instance.region {
            return Err(Refusal::invalid(
                "Block storage and server are not in the same region",
            ));
        }
        self.lock_instance(instance_id)?;
        let cluster = self.cluster_of_node(instance_id);
        let mark = cluster
            .as_deref()
            .map_or_else(String::new, |cluster| self.mark_of_cluster(cluster));
        let block = self.blocks.find_mut(id)?;
        block.attached_to = Some(instance_id.to_owned());
        // The driver in a cluster is known by its labels and by the nodes that it attaches to.
        if block.cluster_id.is_none() && block.label.starts_with(CLAIMED) {
            block.cluster_id = cluster;
            block.cluster_mark = mark;
        }
        Ok(())
    }

    /// The cluster that an instance is a node of.
    pub(super) fn cluster_of_node(&self, instance: &str) -> Option<String> {
        let node = self.instances.get(instance)?.node.as_ref()?;
        Some(node.cluster_id.clone())
    }

    /// Lets a volume go.
    pub(crate) fn detach_block(&mut self, id: &str) -> Result<(), Refusal> {
        let holder = self.blocks.find(id)?.attached_to.clone();
        let holder = holder.ok_or_else(|| {
            Refusal::invalid("Block storage volume is not currently attached to a server")
        })?;
        if self.instances.get(&holder).is_some() {
            self.lock_instance(&holder)?;
        }
        self.blocks.find_mut(id)?.attached_to = None;
        Ok(())
    }

    fn lock_instance(&mut self, id: &str) -> Result<(), Refusal> {
        let now = self.now;
        let instance = self.instances.find_mut(id)?;
        if now < instance.locked_until {
            return Err(Refusal::invalid("Server is currently locked"));
        }
        instance.locked_until = now + LOCK;
        Ok(())
    }

    /// Lets go of volumes whose instance is gone.
    pub(crate) fn forget_stale_attachments(&mut self) {
        let instances = &self.instances;
        for block in self.blocks.iter_mut() {
            block
                .attached_to
                .take_if(|instance| instances.get(instance).is_none());
        }
    }

    /// Deletes a volume, attached or not.
    pub(crate) fn delete_block(&mut self, id: &str) -> Result<(), Refusal> {
        self.blocks.find(id)?;
        self.remove_block(id);
        Ok(())
    }

    pub(super) fn remove_block(&mut self, id: &str) {
        if self.blocks.remove(id).is_some() {
            self.ledger.close(id, self.now);
        }
    }
}
