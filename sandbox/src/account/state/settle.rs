//! Time passing: what was pending becomes active, what was being released is free.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::State;
use super::instances::INSTALLATION;

impl State {
    /// Brings the account to this moment. Time never goes back.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        self.now = now.max(self.now);
        let now = self.now;
        self.holds.retain(|hold| hold.until > now);
        for block in self.blocks.iter_mut() {
            block.active |= block.ready_at <= now;
        }
        for balancer in self.load_balancers.iter_mut() {
            balancer.active |= balancer.ready_at <= now;
        }
        let mut changed = self.settle_clusters();
        changed.extend(self.settle_instances());
        for cluster_id in changed {
            self.push_nodes(&cluster_id);
        }
    }

    /// Clusters that became active or changed their version.
    fn settle_clusters(&mut self) -> BTreeSet<String> {
        let now = self.now;
        let mut changed = BTreeSet::new();
        let mut upgraded = Vec::new();
        for cluster in self.clusters.iter_mut() {
            let answers = cluster.kubeconfig.is_some() && !self.conditions.cluster_stuck;
            if !cluster.active && answers && cluster.ready_at <= now {
                cluster.active = true;
                changed.insert(cluster.id.clone());
            }
            if let Some((version, _)) = cluster.upgrade.take_if(|(_, due)| *due <= now) {
                cluster.version = version;
                upgraded.push(cluster.id.clone());
            }
        }
        for cluster_id in upgraded {
            self.replace_nodes(&cluster_id);
            changed.insert(cluster_id);
        }
        changed
    }

    /// A version change replaces every node.
    fn replace_nodes(&mut self, cluster_id: &str) {
        let pools: Vec<String> = self
            .pools_of(cluster_id)
            .map(|pool| pool.id.clone())
            .collect();
        for pool_id in pools {
            for node in self.nodes_of(&pool_id) {
                if let Err(refusal) = self.replace_node(&node) {
                    tracing::warn!(%pool_id, %refusal, "a node could not be replaced");
                }
            }
        }
    }

    /// Boots machines whose time has come and returns the clusters of those that are nodes.
    fn settle_instances(&mut self) -> BTreeSet<String> {
        let now = self.now;
        let mut changed = BTreeSet::new();
        let mut hosts = Vec::new();
        for instance in self
            .instances
            .iter_mut()
            .filter(|instance| !instance.active && instance.ready_at <= now)
        {
            let Some(role) = &instance.node else {
                instance.active = true;
                hosts.push(instance.id.clone());
                continue;
            };
            if self
                .clusters
                .get(&role.cluster_id)
                .is_some_and(|cluster| cluster.active)
            {
                instance.active = true;
                changed.insert(role.cluster_id.clone());
            }
        }
        for id in hosts {
            self.boot_instance(&id);
        }
        changed
    }

    /// The next moment at which time alone changes something.
    pub(crate) fn next_change(&self) -> Option<Timestamp> {
        let blocks = self
            .blocks
            .iter()
            .filter(|block| !block.active)
            .map(|block| block.ready_at);
        let balancers = self
            .load_balancers
            .iter()
            .filter(|balancer| !balancer.active)
            .map(|balancer| balancer.ready_at);
        let clusters = self
            .clusters
            .iter()
            .filter(|cluster| !cluster.active)
            .map(|cluster| cluster.ready_at);
        let upgrades = self
            .clusters
            .iter()
            .filter_map(|cluster| Some(cluster.upgrade.as_ref()?.1));
        let instances = self.instances.iter().flat_map(|instance| {
            let ready = (!instance.active).then_some(instance.ready_at);
            [ready, Some(instance.ready_at + INSTALLATION)]
                .into_iter()
                .flatten()
        });
        let holds = self.holds.iter().map(|hold| hold.until);
        let all = blocks
            .chain(balancers)
            .chain(clusters)
            .chain(upgrades)
            .chain(instances)
            .chain(holds);
        all.filter(|moment| *moment > self.now).min()
    }
}
