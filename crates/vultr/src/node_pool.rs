//! Node pools of a cluster and their nodes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::cluster::below;
use crate::decode::{self, One, wrapped};
use crate::error::absent;
use crate::open_enum::open_enum;
use crate::settle::{self, Wanted};
use crate::{Client, Ensured, Progress, Result, UserData, Wait};

/// A pool of equal nodes.
#[derive(Debug, Clone, Deserialize)]
pub struct NodePool {
    /// Id.
    pub id: String,
    /// When it was made.
    pub date_created: Timestamp,
    /// Label, unique in the cluster and part of the nodes' names.
    pub label: String,
    /// Plan of every node.
    pub plan: String,
    /// State.
    pub status: NodePoolStatus,
    /// How many nodes there shall be now.
    pub node_quantity: u32,
    /// Fewest nodes for the autoscaler.
    pub min_nodes: u32,
    /// Most nodes for the autoscaler.
    pub max_nodes: u32,
    /// Whether the number of nodes follows the load.
    pub auto_scaler: bool,
    /// One free text: the owner's mark.
    #[serde(default, deserialize_with = "decode::text")]
    pub tag: String,
    /// Whether the nodes have no public address.
    #[serde(default)]
    pub vpc_only: bool,
    /// Labels that nodes are made with.
    #[serde(default, deserialize_with = "decode::map")]
    pub labels: BTreeMap<String, String>,
    /// Taints that nodes are made with.
    #[serde(default, deserialize_with = "decode::list")]
    pub taints: Vec<Taint>,
    /// The nodes.
    #[serde(deserialize_with = "decode::list")]
    pub nodes: Vec<Node>,
}

open_enum! {
    /// State of a pool.
    NodePoolStatus {
        /// Being made or changed.
        Pending = "pending",
        /// Usable; not every node need be ready in Kubernetes.
        Active = "active",
        /// Emptied.
        Closed = "closed",
    }
}

/// A node; its id is that of its instance.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Node {
    /// Id of the instance.
    pub id: String,
    /// Name, from the pool's label.
    pub label: String,
    /// When it was made.
    #[serde(default, deserialize_with = "decode::moment")]
    pub date_created: Option<Timestamp>,
    /// Public address.
    #[serde(default)]
    pub ip: Option<String>,
    /// Address inside the VPC.
    #[serde(default)]
    pub private_ip: Option<String>,
    /// State.
    pub status: NodeStatus,
}

open_enum! {
    /// State of a node.
    NodeStatus {
        /// Being made.
        Pending = "pending",
        /// Running.
        Active = "active",
    }
}

/// A taint as pools carry it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Taint {
    /// Key.
    pub key: String,
    /// Value; may be empty.
    #[serde(default, deserialize_with = "decode::text")]
    pub value: String,
    /// What happens to pods that do not tolerate it.
    pub effect: Effect,
}

open_enum! {
    /// Effect of a taint.
    #[derive(PartialOrd, Ord)]
    Effect {
        /// Not scheduled.
        NoSchedule = "NoSchedule",
        /// Scheduled only if nothing else fits.
        PreferNoSchedule = "PreferNoSchedule",
        /// Evicted.
        NoExecute = "NoExecute",
    }
}

wrapped!(NodePool, "node_pool", "node_pools");
wrapped!(Node, "worker_node", "worker_nodes");

/// What a pool is made from.
#[derive(Debug, Clone, Serialize)]
pub struct CreateNodePool {
    /// Label, unique in the cluster, never to change.
    pub label: String,
    /// Plan, never to change.
    pub plan: String,
    /// Nodes at the start, at least 1 also under an autoscaler.
    pub node_quantity: u32,
    /// Fewest nodes for the autoscaler.
    pub min_nodes: u32,
    /// Most nodes for the autoscaler.
    pub max_nodes: u32,
    /// Whether the number of nodes follows the load.
    pub auto_scaler: bool,
    /// The owner's mark.
    pub tag: String,
    /// Nodes without public addresses, never to change; needs a NAT gateway.
    pub vpc_only: bool,
    /// Labels, in the same call so that no node is ever without them.
    pub labels: BTreeMap<String, String>,
    /// Taints, likewise.
    pub taints: Vec<Taint>,
    /// User data of the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_data: Option<UserData>,
}

/// What of a pool can change; `None` leaves a field as it is. Under an autoscaler leave `node_quantity` out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct UpdateNodePool {
    /// Nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_quantity: Option<u32>,
    /// Fewest nodes for the autoscaler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_nodes: Option<u32>,
    /// Most nodes for the autoscaler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_nodes: Option<u32>,
    /// Whether the number of nodes follows the load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_scaler: Option<bool>,
    /// The owner's mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

impl UpdateNodePool {
    /// Whether a pool is as the change wants it.
    fn holds(&self, pool: &NodePool) -> bool {
        self.node_quantity.is_none_or(|n| n == pool.node_quantity)
            && self.min_nodes.is_none_or(|n| n == pool.min_nodes)
            && self.max_nodes.is_none_or(|n| n == pool.max_nodes)
            && self.auto_scaler.is_none_or(|on| on == pool.auto_scaler)
            && self.tag.as_ref().is_none_or(|tag| *tag == pool.tag)
    }
}

/// Path below one pool.
pub(crate) fn pool_path<'a>(cluster: &'a str, pool: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    let mut segments = below(cluster, &["node-pools", pool]);
    segments.extend(rest);
    segments
}

impl Client {
    /// Every pool of a cluster; `None` when there is no such cluster.
    pub async fn node_pools(&self, cluster: &str) -> Result<Option<Vec<NodePool>>> {
        absent(self.list(&below(cluster, &["node-pools"])).await)
    }

    /// One pool; `None` also when the cluster is gone.
    pub async fn node_pool(&self, cluster: &str, id: &str) -> Result<Option<NodePool>> {
        let request = self.request(Method::GET, &pool_path(cluster, id, &[]))?;
        let found = absent(self.fetch::<One<NodePool>>(request).await)?;
        Ok(found.map(|One(pool)| pool))
    }

    /// Makes a pool.
    pub async fn create_node_pool(
        &self,
        cluster: &str,
        wanted: &CreateNodePool,
    ) -> Result<NodePool> {
        let request = self
            .request(Method::POST, &below(cluster, &["node-pools"]))?
            .json(wanted)?;
        let One(pool) = self.fetch(request).await?;
        Ok(pool)
    }

    /// The pool of exactly the wanted label, made if there is none. Whether one that was there carries the owner's tag is
    /// for the caller to see before changing it.
    pub async fn ensure_node_pool(
        &self,
        cluster: &str,
        wanted: &CreateNodePool,
    ) -> Result<Ensured<NodePool>> {
        let look = || async {
            let mut found: Vec<NodePool> = self.list(&below(cluster, &["node-pools"])).await?;
            found.retain(|pool| pool.label == wanted.label);
            Ok(found)
        };
        let target = Wanted {
            kind: "node pool",
            mark: &wanted.label,
        };
        self.ensure(target, look, || self.create_node_pool(cluster, wanted))
            .await
    }

    /// Changes a pool; a lost answer is settled by reading the pool again.
    pub async fn update_node_pool(
        &self,
        cluster: &str,
        id: &str,
        change: &UpdateNodePool,
    ) -> Result<NodePool> {
        let request = self
            .request(Method::PATCH, &pool_path(cluster, id, &[]))?
            .json(change)?;
        match self.fetch::<One<NodePool>>(request).await {
            Ok(One(pool)) => Ok(pool),
            Err(error) if error.is_transient() => match self.node_pool(cluster, id).await {
                Ok(Some(pool)) if change.holds(&pool) => Ok(pool),
                Ok(_) | Err(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Begins the deletion of a pool with its nodes.
    pub async fn delete_node_pool(&self, cluster: &str, id: &str) -> Result<()> {
        let request = self.request(Method::DELETE, &pool_path(cluster, id, &[]))?;
        settle::deleted(self.perform(request).await, self.node_pool(cluster, id)).await
    }

    /// The nodes of a pool; `None` when pool or cluster are gone.
    pub async fn nodes(&self, cluster: &str, pool: &str) -> Result<Option<Vec<Node>>> {
        absent(self.list(&pool_path(cluster, pool, &["nodes"])).await)
    }

    /// Waits until a pool is active with as many active nodes as it shall have.
    pub async fn node_pool_active(&self, cluster: &str, id: &str, wait: &Wait) -> Result<NodePool> {
        wait.until(&format!("node pool {id} to become active"), || async {
            let Some(pool) = self.node_pool(cluster, id).await? else {
                return Ok(Progress::NotYet("no such pool".into()));
            };
            let active = pool
                .nodes
                .iter()
                .filter(|node| node.status == NodeStatus::Active)
                .count();
            if pool.status == NodePoolStatus::Active && active >= pool.node_quantity as usize {
                return Ok(Progress::Done(pool));
            }
            Ok(Progress::NotYet(format!(
                "{}, {active} of {} nodes active",
                pool.status, pool.node_quantity
            )))
        })
        .await
    }

    /// Waits until a pool is proved gone.
    pub async fn node_pool_gone(&self, cluster: &str, id: &str, wait: &Wait) -> Result<()> {
        wait.until(&format!("node pool {id} to be gone"), || async {
            Ok(match self.node_pool(cluster, id).await? {
                Some(pool) => Progress::NotYet(pool.status.to_string()),
                None => Progress::Done(()),
            })
        })
        .await
    }
}
