//! Labels and taints of a pool as objects of their own: how they change after the pool was made.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::decode::{self, One, wrapped};
use crate::error::absent;
use crate::node_pool::pool_path;
use crate::settle::{self, Wanted};
use crate::{Client, Effect, Ensured, Result, Taint};

/// A label of a pool as an object of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PoolLabel {
    /// Id, for its deletion.
    pub id: String,
    /// Key.
    pub key: String,
    /// Value.
    #[serde(deserialize_with = "decode::text")]
    pub value: String,
}

/// A taint of a pool as an object of its own. There is no change: delete it and make another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PoolTaint {
    /// Id, for its deletion.
    pub id: String,
    /// Key.
    pub key: String,
    /// Value.
    #[serde(deserialize_with = "decode::text")]
    pub value: String,
    /// Effect.
    pub effect: Effect,
}

wrapped!(PoolLabel, "label", "labels");
wrapped!(PoolTaint, "taint", "taints");

impl Client {
    /// The labels of a pool; `None` when pool or cluster are gone.
    pub async fn pool_labels(&self, cluster: &str, pool: &str) -> Result<Option<Vec<PoolLabel>>> {
        absent(
            self.list_unpaged(&pool_path(cluster, pool, &["labels"]))
                .await,
        )
    }

    /// Gives a pool a label unless it has it.
    pub async fn ensure_pool_label(
        &self,
        cluster: &str,
        pool: &str,
        key: &str,
        value: &str,
    ) -> Result<Ensured<PoolLabel>> {
        #[derive(Serialize)]
        struct Body<'a> {
            key: &'a str,
            value: &'a str,
        }
        let path = pool_path(cluster, pool, &["labels"]);
        let look = || async {
            let mut labels: Vec<PoolLabel> = self.list_unpaged(&path).await?;
            labels.retain(|label| label.key == key && label.value == value);
            labels.truncate(1);
            Ok(labels)
        };
        let create = || async {
            let request = self.request(Method::POST, &path)?;
            let One(label) = self.fetch(request.json(&Body { key, value })?).await?;
            Ok(label)
        };
        let target = Wanted {
            kind: "pool label",
            mark: key,
        };
        self.ensure(target, look, create).await
    }

    /// Takes a label from a pool.
    pub async fn delete_pool_label(&self, cluster: &str, pool: &str, id: &str) -> Result<()> {
        let request = self.request(Method::DELETE, &pool_path(cluster, pool, &["labels", id]))?;
        let reread = async {
            let labels = self.pool_labels(cluster, pool).await?.unwrap_or_default();
            Ok(labels.into_iter().find(|label| label.id == id))
        };
        settle::deleted(self.perform(request).await, reread).await
    }

    /// The taints of a pool; `None` when pool or cluster are gone.
    pub async fn pool_taints(&self, cluster: &str, pool: &str) -> Result<Option<Vec<PoolTaint>>> {
        absent(
            self.list_unpaged(&pool_path(cluster, pool, &["taints"]))
                .await,
        )
    }

    /// Gives a pool a taint unless it has it.
    pub async fn ensure_pool_taint(
        &self,
        cluster: &str,
        pool: &str,
        taint: &Taint,
    ) -> Result<Ensured<PoolTaint>> {
        let path = pool_path(cluster, pool, &["taints"]);
        let look = || async {
            let mut taints: Vec<PoolTaint> = self.list_unpaged(&path).await?;
            taints.retain(|one| {
                (&one.key, &one.value, &one.effect) == (&taint.key, &taint.value, &taint.effect)
            });
            taints.truncate(1);
            Ok(taints)
        };
        let create = || async {
            let request = self.request(Method::POST, &path)?;
            let One(made) = self.fetch(request.json(taint)?).await?;
            Ok(made)
        };
        let target = Wanted {
            kind: "pool taint",
            mark: &taint.key,
        };
        self.ensure(target, look, create).await
    }

    /// Takes a taint from a pool.
    pub async fn delete_pool_taint(&self, cluster: &str, pool: &str, id: &str) -> Result<()> {
        let request = self.request(Method::DELETE, &pool_path(cluster, pool, &["taints", id]))?;
        let reread = async {
            let taints = self.pool_taints(cluster, pool).await?.unwrap_or_default();
            Ok(taints.into_iter().find(|taint| taint.id == id))
        };
        settle::deleted(self.perform(request).await, reread).await
    }
}
