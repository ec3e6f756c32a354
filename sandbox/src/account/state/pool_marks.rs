//! Labels and taints of node pools.

use super::State;
use crate::account::refusal::Refusal;
use crate::world::Taint;

/// A label with an id of its own.
#[derive(Clone, Debug)]
pub(crate) struct PoolLabel {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) value: String,
}

/// A taint with an id of its own.
#[derive(Clone, Debug)]
pub(crate) struct PoolTaint {
    pub(crate) id: String,
    pub(crate) taint: Taint,
}

impl State {
    /// Adds a label to the pool and its nodes.
    pub(crate) fn add_pool_label(
        &mut self,
        cluster_id: &str,
        pool_id: &str,
        key: String,
        value: String,
    ) -> Result<PoolLabel, Refusal> {
        self.pool_of(cluster_id, pool_id)?;
        let label = PoolLabel {
            id: self.seeded.id(),
            key,
            value,
        };
        let pool = self.pools.find_mut(pool_id)?;
        if pool.labels.iter().any(|known| known.key == label.key) {
            return Err(Refusal::invalid("Label already exists on this node pool"));
        }
        pool.labels.push(label.clone());
        self.push_nodes(cluster_id);
        Ok(label)
    }

    /// Adds a taint to the pool and its nodes.
    pub(crate) fn add_pool_taint(
        &mut self,
        cluster_id: &str,
        pool_id: &str,
        taint: Taint,
    ) -> Result<PoolTaint, Refusal> {
        self.pool_of(cluster_id, pool_id)?;
        check_taint(&taint)?;
        let taint = PoolTaint {
            id: self.seeded.id(),
            taint,
        };
        let pool = self.pools.find_mut(pool_id)?;
        if pool.taints.iter().any(|known| {
            (&known.taint.key, &known.taint.effect) == (&taint.taint.key, &taint.taint.effect)
        }) {
            return Err(Refusal::invalid("Taint already exists on this node pool"));
        }
        pool.taints.push(taint.clone());
        self.push_nodes(cluster_id);
        Ok(taint)
    }

    /// Takes a label away.
    pub(crate) fn delete_pool_label(
        &mut self,
        cluster_id: &str,
        pool_id: &str,
        label_id: &str,
    ) -> Result<(), Refusal> {
        let known = self
            .pool_of(cluster_id, pool_id)?
            .labels
            .iter()
            .any(|label| label.id == label_id);
        if !known {
            return Err(Refusal::new(404, "Invalid label ID"));
        }
        self.pools
            .find_mut(pool_id)?
            .labels
            .retain(|label| label.id != label_id);
        self.push_nodes(cluster_id);
        Ok(())
    }

    /// Takes a taint away.
    pub(crate) fn delete_pool_taint(
        &mut self,
        cluster_id: &str,
        pool_id: &str,
        taint_id: &str,
    ) -> Result<(), Refusal> {
        let known = self
            .pool_of(cluster_id, pool_id)?
            .taints
            .iter()
            .any(|taint| taint.id == taint_id);
        if !known {
            return Err(Refusal::new(404, "Invalid taint ID"));
        }
        self.pools
            .find_mut(pool_id)?
            .taints
            .retain(|taint| taint.id != taint_id);
        self.push_nodes(cluster_id);
        Ok(())
    }
}

pub(super) fn check_taint(taint: &Taint) -> Result<(), Refusal> {
    let known = matches!(
        taint.effect.as_str(),
        "NoSchedule" | "PreferNoSchedule" | "NoExecute"
    );
    if known && !taint.key.is_empty() {
        Ok(())
    } else {
        Err(Refusal::invalid("Invalid taint"))
    }
}
