//! What must hold in every account, after any calls.

use std::collections::HashSet;

use super::State;

impl State {
    /// Everything that contradicts something else; empty in a sound account.
    pub(crate) fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.check_ids(&mut found);
        self.check_pools(&mut found);
        self.check_nodes(&mut found);
        self.check_networks(&mut found);
        self.check_volumes_and_balancers(&mut found);
        self.check_ledger(&mut found);
        found
    }

    fn check_ids(&self, found: &mut Vec<String>) {
        let ids = (self.vpcs.iter().map(|row| &row.id))
            .chain(self.clusters.iter().map(|row| &row.id))
            .chain(self.pools.iter().map(|row| &row.id))
            .chain(self.instances.iter().map(|row| &row.id))
            .chain(self.ssh_keys.iter().map(|row| &row.id))
            .chain(self.blocks.iter().map(|row| &row.id))
            .chain(self.load_balancers.iter().map(|row| &row.id))
            .chain(self.nat_gateways.iter().map(|row| &row.id))
            .chain(self.firewalls.iter().map(|row| &row.id))
            .chain(self.file_systems.iter().map(|row| &row.id))
            .chain(self.server_snapshots.iter().map(|row| &row.id))
            .chain(self.reserved_ips.iter().map(|row| &row.id))
            .chain(self.startup_scripts.iter().map(|row| &row.id));
        let mut seen = HashSet::new();
        found.extend(
            ids.filter(|id| !seen.insert(id.as_str()))
                .map(|id| format!("id {id} is used twice")),
        );

        let addresses = (self.instances.iter().map(|row| row.address))
            .chain(self.clusters.iter().map(|row| row.address))
            .chain(self.load_balancers.iter().map(|row| row.address));
        let mut seen = HashSet::new();
        found.extend(
            addresses
                .filter(|address| !seen.insert(*address))
                .map(|address| format!("address {address} is used twice")),
        );
    }

    fn check_pools(&self, found: &mut Vec<String>) {
        for cluster in self.clusters.iter() {
            let mut labels = HashSet::new();
            for pool in self.pools_of(&cluster.id) {
                if !labels.insert(&pool.label) {
                    found.push(format!(
                        "cluster {} has two pools {:?}",
                        cluster.id, pool.label
                    ));
                }
            }
            if labels.is_empty() {
                found.push(format!("cluster {} has no pool", cluster.id));
            }
        }
        for pool in self.pools.iter() {
            if self.clusters.get(&pool.cluster_id).is_none() {
                found.push(format!("pool {} is of no cluster", pool.id));
            }
            let nodes = self.nodes_of(&pool.id).len();
            if nodes != pool.quantity as usize || nodes == 0 {
                found.push(format!(
                    "pool {} has {nodes} nodes and wants {}",
                    pool.id, pool.quantity
                ));
            }
        }
    }

    fn check_nodes(&self, found: &mut Vec<String>) {
        for instance in self.instances.iter() {
            let Some(role) = &instance.node else { continue };
            let pool = self.pools.get(&role.pool_id);
            if pool.is_none_or(|pool| pool.cluster_id != role.cluster_id) {
                found.push(format!("node {} is of no pool", instance.id));
            }
            if instance.active
                && self
                    .clusters
                    .get(&role.cluster_id)
                    .is_some_and(|cluster| !cluster.active)
            {
                found.push(format!("node {} is active before its cluster", instance.id));
            }
        }
    }

    fn check_networks(&self, found: &mut Vec<String>) {
        let mut networks = HashSet::new();
        networks.extend(self.clusters.iter().map(|row| &row.nic.vpc_id));
        networks.extend(
            self.instances
                .iter()
                .flat_map(|row| row.nics.iter().map(|nic| &nic.vpc_id)),
        );
        networks.extend(
            self.load_balancers
                .iter()
                .filter_map(|row| Some(&row.nic.as_ref()?.vpc_id)),
        );
        networks.extend(self.nat_gateways.iter().map(|row| &row.nic.vpc_id));
        networks.extend(self.holds.iter().map(|hold| &hold.attachment.nic.vpc_id));
        found.extend(
            networks
                .into_iter()
                .filter(|id| self.vpcs.get(id).is_none())
                .map(|id| format!("VPC {id} is gone and still held")),
        );

        for vpc in self.vpcs.iter() {
            let mut seen = HashSet::new();
            for attachment in self.attachments(&vpc.id) {
                if !seen.insert(attachment.nic.ip) {
                    found.push(format!(
                        "{} is given twice in VPC {}",
                        attachment.nic.ip, vpc.id
                    ));
                }
            }
        }
    }

    fn check_volumes_and_balancers(&self, found: &mut Vec<String>) {
        for block in self.blocks.iter().filter(|_| !self.conditions.stale_attach) {
            if block
                .attached_to
                .as_deref()
                .is_some_and(|instance| self.instances.get(instance).is_none())
            {
                found.push(format!(
                    "volume {} is attached to an instance that is gone",
                    block.id
                ));
            }
        }
        for balancer in self.load_balancers.iter() {
            if balancer
                .instances
                .iter()
                .any(|instance| self.instances.get(instance).is_none())
            {
                found.push(format!(
                    "load balancer {} points to an instance that is gone",
                    balancer.id
                ));
            }
        }
    }

    fn check_ledger(&self, found: &mut Vec<String>) {
        let open: Vec<&str> = self
            .ledger
            .charges()
            .iter()
            .filter(|charge| charge.until.is_none())
            .map(|charge| charge.id.as_str())
            .collect();
        let paid = (self.instances.iter().map(|row| row.id.as_str()))
            .chain(self.blocks.iter().map(|row| row.id.as_str()))
            .chain(self.load_balancers.iter().map(|row| row.id.as_str()))
            .chain(self.nat_gateways.iter().map(|row| row.id.as_str()))
            .chain(self.file_systems.iter().map(|row| row.id.as_str()))
            .chain(self.server_snapshots.iter().map(|row| row.id.as_str()));
        let free_addresses = self
            .reserved_ips
            .iter()
            .filter(|row| row.instance_id.is_none());
        let paid: HashSet<&str> = paid
            .chain(free_addresses.map(|row| row.id.as_str()))
            .chain(
                self.clusters
                    .iter()
                    .filter(|row| row.ha_controlplanes)
                    .map(|row| row.id.as_str()),
            )
            .collect();
        let charged: HashSet<&str> = open.iter().copied().collect();
        if open.len() != charged.len() {
            found.push("an object is charged twice".to_owned());
        }
        found.extend(
            paid.symmetric_difference(&charged)
                .map(|id| format!("charges and objects disagree about {id}")),
        );
    }
}
