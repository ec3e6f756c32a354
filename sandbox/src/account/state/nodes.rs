//! Worker nodes. Each is an instance too: it is listed among them and bears their id.

use jiff::SignedDuration;

use super::instances::{Instance, NodeRole};
use super::networks::{Nic, RELEASE_OF_INSTANCE};
use super::pools::NODE_CREATION;
use super::{Effect, State};
use crate::account::catalogue;
use crate::account::refusal::Refusal;
use crate::world::NodeSpec;

/// No quota.
const UNLIMITED: u32 = u32::MAX;

impl State {
    /// Ids of the pool's nodes, oldest first.
    pub(crate) fn nodes_of(&self, pool_id: &str) -> Vec<String> {
        let of_pool = |instance: &&Instance| {
            instance
                .node
                .as_ref()
                .is_some_and(|node| node.pool_id == pool_id)
        };
        self.instances
            .iter()
            .filter(of_pool)
            .map(|instance| instance.id.clone())
            .collect()
    }

    /// A node of this pool.
    pub(crate) fn node_of(
        &self,
        cluster_id: &str,
        pool_id: &str,
        node_id: &str,
    ) -> Result<&Instance, Refusal> {
        self.pool_of(cluster_id, pool_id)?;
        self.instances
            .get(node_id)
            .filter(|instance| {
                instance
                    .node
                    .as_ref()
                    .is_some_and(|node| node.pool_id == pool_id)
            })
            .ok_or_else(|| Refusal::new(404, "Invalid Node ID"))
    }

    /// Makes one more node for the pool, whatever its quantity says.
    pub(super) fn add_node(&mut self, pool_id: &str) -> Result<(), Refusal> {
        let cluster_id = self.pools.find(pool_id)?.cluster_id.clone();
        let vpc_id = self.clusters.find(&cluster_id)?.nic.vpc_id.clone();
        let nic = self.attach_to(&vpc_id)?;
        self.add_node_at(pool_id, nic)
    }

    fn add_node_at(&mut self, pool_id: &str, nic: Nic) -> Result<(), Refusal> {
        let pool = self.pools.find(pool_id)?;
        let cluster = self.clusters.find(&pool.cluster_id)?;
        let plan = catalogue::plan(&pool.plan);
        let plan = plan.ok_or_else(|| Refusal::invalid("Invalid plan chosen"))?;
        let ready_at = if cluster.active {
            self.now + NODE_CREATION
        } else {
            cluster.ready_at.max(self.now)
        };
        let label = format!("{}-{}", pool.label, self.seeded.hex(12));
        let role = NodeRole {
            cluster_id: cluster.id.clone(),
            pool_id: pool.id.clone(),
            version: cluster.version.clone(),
            cordoned: false,
            vpc_only: pool.vpc_only,
        };
        let (id, address) = (self.seeded.id(), self.addresses.node());
        let region = cluster.region.clone();
        let mut instance = Instance::new(id, region, plan, self.now, ready_at, address);
        instance.hostname.clone_from(&label);
        instance.label = label;
        instance.nics.push(nic);
        instance.node = Some(role);
        instance.booted = true;
        self.charge_instance(&instance, plan);
        self.instances.insert(instance);
        Ok(())
    }

    /// Takes a node away and makes a fresh one for its pool: at a new address, or at the old one when the network is full.
    pub(super) fn replace_node(&mut self, id: &str) -> Result<(), Refusal> {
        let node = self.instances.find_mut(id)?;
        let role = node
            .node
            .clone()
            .ok_or_else(|| Refusal::new(404, "Invalid Node ID"))?;
        let old = node.nics.first().cloned();
        let vpc_id = self.clusters.find(&role.cluster_id)?.nic.vpc_id.clone();
        let nic = match (self.attach_to(&vpc_id), old) {
            (Ok(nic), _) => nic,
            (Err(_), Some(old)) => {
                self.instances.find_mut(id)?.nics.clear();
                Nic {
                    since: self.now,
                    ..old
                }
            }
            (Err(full), None) => return Err(full),
        };
        self.remove_instance(id, RELEASE_OF_INSTANCE);
        self.add_node_at(&role.pool_id, nic)?;
        self.push_nodes(&role.cluster_id);
        Ok(())
    }

    /// Takes nodes away.
    pub(super) fn remove_nodes(&mut self, nodes: &[String], release: SignedDuration) {
        for id in nodes {
            self.remove_instance(id, release);
        }
    }

    /// Deletes a chosen node: the pool is one smaller afterwards.
    pub(crate) fn delete_node(
        &mut self,
        cluster_id: &str,
        pool_id: &str,
        node_id: &str,
    ) -> Result<(), Refusal> {
        self.node_of(cluster_id, pool_id, node_id)?;
        let now = self.now;
        let pool = self.pools.find_mut(pool_id)?;
        if pool.quantity <= 1 {
            return Err(Refusal::invalid(
                "`node_quantity` must be a positive integer.",
            ));
        }
        pool.quantity -= 1;
        pool.updated = now;
        self.remove_nodes(&[node_id.to_owned()], RELEASE_OF_INSTANCE);
        self.push_nodes(cluster_id);
        Ok(())
    }

    /// Replaces a node by a fresh one.
    pub(crate) fn recycle_node(
        &mut self,
        cluster_id: &str,
        pool_id: &str,
        node_id: &str,
    ) -> Result<(), Refusal> {
        self.node_of(cluster_id, pool_id, node_id)?;
        self.replace_node(node_id)
    }

    /// Tells the engines which nodes the cluster has: those that are up.
    pub(super) fn push_nodes(&mut self, cluster_id: &str) {
        if self
            .clusters
            .get(cluster_id)
            .is_none_or(|cluster| !cluster.active)
        {
            return;
        }
        let nodes = self.node_specs(cluster_id);
        self.effects.push(Effect::SetNodes {
            cluster_id: cluster_id.to_owned(),
            nodes,
        });
    }

    /// The cluster's nodes that are up.
    pub(crate) fn node_specs(&self, cluster_id: &str) -> Vec<NodeSpec> {
        let spec = |instance: &Instance| {
            let role = instance
                .node
                .as_ref()
                .filter(|role| role.cluster_id == cluster_id && instance.active)?;
            let pool = self.pools.get(&role.pool_id)?;
            Some(NodeSpec {
                id: instance.id.clone(),
                name: instance.label.clone(),
                pool: pool.label.clone(),
                plan: pool.plan.clone(),
                region: instance.region.clone(),
                vcpu_count: instance.plan.vcpu_count,
                ram_mb: instance.plan.ram_mb,
                disk_gb: instance.plan.disk_gb,
                labels: pool
                    .labels
                    .iter()
                    .map(|label| (label.key.clone(), label.value.clone()))
                    .collect(),
                taints: pool
                    .taints
                    .iter()
                    .map(|taint| taint.taint.clone())
                    .collect(),
                private_ip: instance.nics.first()?.ip,
                public_ip: instance.address,
            })
        };
        self.instances.iter().filter_map(spec).collect()
    }

    /// Refuses machines beyond the account's quota.
    pub(super) fn check_quota(&self, more: u32) -> Result<(), Refusal> {
        let quota = self.conditions.instance_quota.unwrap_or(UNLIMITED);
        let have = u32::try_from(self.instances.iter().count()).unwrap_or(UNLIMITED);
        if have.saturating_add(more) > quota {
            return Err(Refusal::invalid(
                "You have reached the maximum number of active virtual machines for this account.",
            ));
        }
        Ok(())
    }

    /// Refuses machines that the network has no addresses for.
    pub(super) fn check_room(&self, vpc_id: &str, more: u32) -> Result<(), Refusal> {
        let vpc = self.vpcs.find(vpc_id)?;
        let room = (1_u64 << (32 - u64::from(vpc.mask))) - 4;
        let taken = self.attachments(vpc_id).len() as u64;
        if taken + u64::from(more) > room {
            return Err(Refusal::invalid(format!(
                "VPC network {} has no free address",
                vpc.cidr()
            )));
        }
        Ok(())
    }
}
