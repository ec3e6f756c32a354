//! Version changes of clusters: the control plane first, then every node, one after the other.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::instances::{Instance, NodeRole};
use super::{Effect, State};
use crate::account::catalogue;
use crate::account::refusal::Refusal;

/// Time until the control plane is at the new version.
const CONTROL_PLANE: SignedDuration = SignedDuration::from_secs(2 * 60);

/// A version change under way.
#[derive(Clone, Debug)]
pub(crate) struct Upgrade {
    target: String,
    /// When the control plane may be at the new version.
    pub(super) control_plane_at: Timestamp,
    /// Whether the engines have moved it.
    answers: bool,
}

impl State {
    /// Builds the cluster may move to.
    pub(crate) fn available_upgrades(&self, id: &str) -> Result<Vec<&'static str>, Refusal> {
        let cluster = self.clusters.find(id)?;
        Ok(catalogue::upgrades_of(&cluster.version, |build| {
            self.conditions.withdrawn.contains(build)
        }))
    }

    /// Begins a version change.
    pub(crate) fn upgrade_cluster(&mut self, id: &str, version: &str) -> Result<(), Refusal> {
        if !self.available_upgrades(id)?.contains(&version) {
            return Err(Refusal::invalid("Invalid upgrade version"));
        }
        let control_plane_at = self.now + CONTROL_PLANE;
        let cluster = self.clusters.find_mut(id)?;
        if !cluster.active || cluster.upgrade.is_some() {
            return Err(Refusal::invalid("Cluster is not ready to be upgraded"));
        }
        cluster.upgrade = Some(Upgrade {
            target: version.to_owned(),
            control_plane_at,
            answers: false,
        });
        self.effects.push(Effect::UpgradeCluster {
            id: id.to_owned(),
            version: version.to_owned(),
        });
        Ok(())
    }

    /// The engines have moved the control plane.
    pub(crate) fn cluster_upgraded(&mut self, id: &str) {
        if let Some(cluster) = self.clusters.get_mut(id) {
            cluster.trouble = None;
            if let Some(upgrade) = &mut cluster.upgrade {
                upgrade.answers = true;
            }
        }
    }

    /// Takes every version change as far as it comes at this moment, and returns the clusters whose nodes changed.
    pub(super) fn settle_upgrades(&mut self) -> BTreeSet<String> {
        if self.conditions.upgrade_stuck {
            return BTreeSet::new();
        }
        let now = self.now;
        let mut moving = BTreeSet::new();
        for cluster in self.clusters.iter_mut() {
            let Some(upgrade) = &cluster.upgrade else {
                continue;
            };
            if upgrade.answers && upgrade.control_plane_at <= now {
                cluster.version.clone_from(&upgrade.target);
                moving.insert(cluster.id.clone());
            }
        }
        moving.retain(|id| self.replace_next_node(id));
        moving
    }

    /// Replaces the oldest node of another version once all others are up; without one the change is over.
    fn replace_next_node(&mut self, cluster_id: &str) -> bool {
        if self
            .nodes_in(cluster_id)
            .any(|(instance, _)| !instance.active)
        {
            return false;
        }
        let version = self
            .clusters
            .get(cluster_id)
            .map(|cluster| cluster.version.clone());
        let behind = self
            .nodes_in(cluster_id)
            .find(|(_, role)| Some(&role.version) != version.as_ref())
            .map(|(instance, _)| instance.id.clone());
        let Some(behind) = behind else {
            if let Some(cluster) = self.clusters.get_mut(cluster_id) {
                cluster.upgrade = None;
            }
            return false;
        };
        match self.replace_node(&behind) {
            Ok(()) => true,
            Err(refusal) => {
                tracing::warn!(%cluster_id, %refusal, "a node could not be replaced");
                false
            }
        }
    }

    /// Nodes of all pools of a cluster, oldest first.
    fn nodes_in(&self, cluster_id: &str) -> impl Iterator<Item = (&Instance, &NodeRole)> {
        self.instances.iter().filter_map(move |instance| {
            let role = instance.node.as_ref()?;
            (role.cluster_id == cluster_id).then_some((instance, role))
        })
    }
}
