//! Time passing: what was pending becomes active, what was being released is free.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::State;
use super::instances::INSTALLATION;

impl State {
    /// Brings the account to this moment, change by change in the order of their times. Time never goes back.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        while let Some(moment) = self.next_change().filter(|moment| *moment < now) {
            self.settle_at(moment);
        }
        self.settle_at(now);
    }

    fn settle_at(&mut self, now: Timestamp) {
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
        changed.extend(self.settle_upgrades());
        for cluster_id in changed {
            self.push_nodes(&cluster_id);
        }
    }

    /// Clusters that became active.
    fn settle_clusters(&mut self) -> BTreeSet<String> {
        let now = self.now;
        let stuck = self.conditions.cluster_stuck;
        let mut changed = BTreeSet::new();
        for cluster in self.clusters.iter_mut() {
            let answers = cluster.kubeconfig.is_some() && !stuck;
            if !cluster.active && answers && cluster.ready_at <= now {
                cluster.active = true;
                changed.insert(cluster.id.clone());
            }
        }
        changed
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
            .filter_map(|cluster| Some(cluster.upgrade.as_ref()?.control_plane_at));
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
