//! The account as data: what exists, since when, until when. No I/O happens here.
//!
//! [`State::settle`] brings the account to a moment; after it every method works at that moment. What has to happen outside
//! (a control plane to start, a host to end) is left in [`State::take_effects`], in order.

mod addresses;
mod blocks;
mod clusters;
mod consistency;
mod effects;
mod file_systems;
mod firewalls;
mod hosts;
mod instances;
mod ledger;
mod lesser_objects;
mod load_balancers;
mod nat_gateways;
mod networks;
mod nodes;
mod objects;
mod pool_marks;
mod pools;
#[cfg(test)]
mod random_calls;
mod reserved_ips;
mod server_snapshots;
mod settle;
mod ssh_keys;
mod startup_scripts;
mod upgrades;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::refusal::Refusal;
use super::seeded::Seeded;
use super::table::Table;

pub(crate) use addresses::Addresses;
pub(crate) use blocks::{Block, BlockKind, BlockRequest};
pub(crate) use clusters::{Cluster, ClusterRequest, Oidc};
pub(crate) use effects::Effect;
pub(crate) use file_systems::{FileSystem, FileSystemRequest};
pub(crate) use firewalls::{FirewallGroup, FirewallRule, MOST_RULES};
pub(crate) use instances::{Instance, InstanceChange, InstanceRequest, Power};
pub(crate) use ledger::{Charge, Ledger};
pub(crate) use load_balancers::{
    BalancerSettings, ForwardingRule, LoadBalancer, LoadBalancerRequest,
};
pub(crate) use nat_gateways::NatGateway;
pub(crate) use networks::{Attachment, Nic, Vpc, VpcInUse, VpcRequest};
pub use objects::{Object, Snapshot};
pub(crate) use pool_marks::{PoolLabel, PoolTaint};
pub(crate) use pools::{Pool, PoolChange, PoolRequest};
pub(crate) use reserved_ips::ReservedIp;
pub(crate) use server_snapshots::ServerSnapshot;
pub(crate) use ssh_keys::SshKey;
pub(crate) use startup_scripts::StartupScript;

/// Circumstances that the fault controls set for the whole account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    /// Plans without stock, in these regions or (empty) everywhere.
    pub(crate) sold_out: BTreeMap<String, BTreeSet<String>>,
    /// Kubernetes builds taken off sale.
    pub(crate) withdrawn: BTreeSet<String>,
    /// Clusters that are pending stay so.
    pub(crate) cluster_stuck: bool,
    /// Version changes stop where they are.
    pub(crate) upgrade_stuck: bool,
    /// Volumes stay attached to instances that are gone.
    pub(crate) stale_attach: bool,
    /// In which words the deletion of a busy VPC is refused.
    pub(crate) vpc_in_use: VpcInUse,
    /// Deleted things hold their network this much longer.
    pub(crate) slow_release_s: u32,
    /// Hosts whose label matches one of these globs boot without `sshd`.
    pub(crate) sshd_down: Vec<String>,
    /// Most instances and nodes at a time; the vendor's quota.
    pub(crate) instance_quota: Option<u32>,
}

/// Everything in the account.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) now: Timestamp,
    pub(crate) conditions: Conditions,
    pub(crate) vpcs: Table<Vpc>,
    pub(crate) clusters: Table<Cluster>,
    pub(crate) pools: Table<Pool>,
    pub(crate) instances: Table<Instance>,
    pub(crate) ssh_keys: Table<SshKey>,
    pub(crate) blocks: Table<Block>,
    pub(crate) load_balancers: Table<LoadBalancer>,
    pub(crate) nat_gateways: Table<NatGateway>,
    pub(crate) firewalls: Table<FirewallGroup>,
    pub(crate) file_systems: Table<FileSystem>,
    pub(crate) server_snapshots: Table<ServerSnapshot>,
    pub(crate) reserved_ips: Table<ReservedIp>,
    pub(crate) startup_scripts: Table<StartupScript>,
    /// What deleted things still hold in networks.
    pub(crate) holds: Vec<networks::Hold>,
    pub(crate) ledger: Ledger,
    pub(crate) seeded: Seeded,
    pub(crate) addresses: Addresses,
    effects: Vec<Effect>,
}

impl State {
    /// An empty account.
    pub(crate) fn new(now: Timestamp, seed: u64, slot: u8) -> Self {
        Self {
            now,
            conditions: Conditions::default(),
            vpcs: Table::default(),
            clusters: Table::default(),
            pools: Table::default(),
            instances: Table::default(),
            ssh_keys: Table::default(),
            blocks: Table::default(),
            load_balancers: Table::default(),
            nat_gateways: Table::default(),
            firewalls: Table::default(),
            file_systems: Table::default(),
            server_snapshots: Table::default(),
            reserved_ips: Table::default(),
            startup_scripts: Table::default(),
            holds: Vec::new(),
            ledger: Ledger::default(),
            seeded: Seeded::new(seed),
            addresses: Addresses::new(slot),
            effects: Vec::new(),
        }
    }

    /// Runs a call so that a refused one changes nothing, however far it came.
    pub(crate) fn attempt<T>(
        &mut self,
        call: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let before = self.clone();
        let result = call(self);
        if result.is_err() {
            *self = before;
        }
        result
    }

    /// What has to happen outside, in order; taken once.
    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}
