//! Labels and taints of a pool that is there: Vultr changes them one by one, on its nodes as well.

use vultr::NodePool;

use super::Surge;
use crate::fault::Fault;
use crate::pool_kind::{Taint, same_taints, taints_of};
use crate::session::cloud;

impl Surge<'_> {
    /// Gives a pool the labels and taints that it lacks, then takes away those that are not wanted, so that its nodes are
    /// open at no moment to what shall not run there. What changes its value goes first: a pool has one of a key.
    pub(super) async fn settle_traits(&self, pool: &NodePool) -> Result<(), Fault> {
        if pool.labels != self.goal.labels {
            self.settle_labels(pool).await?;
        }
        if !same_taints(&self.goal.taints, &taints_of(pool)) {
            self.settle_taints(pool).await?;
        }
        Ok(())
    }

    async fn settle_labels(&self, pool: &NodePool) -> Result<(), Fault> {
        let failed =
            |error: vultr::Error| cloud(&format!("labelling node pool {}", pool.label), &error);
        let (client, cluster) = (self.client, self.cluster);
        let there = client
            .pool_labels(cluster, &pool.id)
            .await
            .map_err(failed)?
            .unwrap_or_default();
        let (changed, unwanted): (Vec<_>, Vec<_>) = there
            .iter()
            .filter(|label| self.goal.labels.get(&label.key) != Some(&label.value))
            .partition(|label| self.goal.labels.contains_key(&label.key));
        let remove = async |label: &vultr::PoolLabel| {
            let gone = client.delete_pool_label(cluster, &pool.id, &label.id);
            gone.await.map_err(failed)
        };
        for label in changed {
            remove(label).await?;
        }
        for (key, value) in &self.goal.labels {
            if !there
                .iter()
                .any(|one| (&one.key, &one.value) == (key, value))
            {
                let made = client.ensure_pool_label(cluster, &pool.id, key, value);
                made.await.map_err(failed)?;
            }
        }
        for label in unwanted {
            remove(label).await?;
        }
        Ok(())
    }

    async fn settle_taints(&self, pool: &NodePool) -> Result<(), Fault> {
        let failed =
            |error: vultr::Error| cloud(&format!("tainting node pool {}", pool.label), &error);
        let (client, cluster) = (self.client, self.cluster);
        let there = client
            .pool_taints(cluster, &pool.id)
            .await
            .map_err(failed)?
            .unwrap_or_default();
        let spelled = |taint: &vultr::PoolTaint| Taint {
            key: taint.key.clone(),
            value: taint.value.clone(),
            effect: taint.effect.to_string(),
        };
        let wanted = &self.goal.taints;
        let (changed, unwanted): (Vec<_>, Vec<_>) = there
            .iter()
            .filter(|taint| !wanted.contains(&spelled(taint)))
            .partition(|taint| wanted.iter().any(|one| one.key == taint.key));
        let remove = async |taint: &vultr::PoolTaint| {
            let gone = client.delete_pool_taint(cluster, &pool.id, &taint.id);
            gone.await.map_err(failed)
        };
        for taint in changed {
            remove(taint).await?;
        }
        for taint in wanted {
            if !there.iter().any(|one| spelled(one) == *taint) {
                let taint = taint.into();
                let made = client.ensure_pool_taint(cluster, &pool.id, &taint);
                made.await.map_err(failed)?;
            }
        }
        for taint in unwanted {
            remove(taint).await?;
        }
        Ok(())
    }
}
