//! A node pool brought to what is wanted of it. What Vultr can change is changed in place; for a new plan or name a new
//! pool is made first, the old one is emptied, and then it goes.
//!
//! Each step looks at the account and asks for the next one, so a run goes on wherever an earlier one was broken off. The
//! label of the new pool tells which one it replaces, so there is never a third.

mod traits;

use std::collections::BTreeMap;

use tfplugin::Diagnostic;
use vultr::{Client, CreateNodePool, NodePool, UpdateNodePool};

use crate::allowance::Allowance;
use crate::drain;
use crate::fault::{self, Fault};
use crate::node_plan::{self, Place};
use crate::pool_kind::Taint;
use crate::pool_mark::{self, PoolTags};
use crate::session::{Session, cloud};
use crate::stock::Accepted;

/// A pool as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PoolGoal {
    pub(crate) name: String,
    /// The plans that its nodes may have.
    pub(crate) plans: Accepted,
    pub(crate) min: u32,
    pub(crate) max: u32,
    pub(crate) autoscale: bool,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) taints: Vec<Taint>,
    pub(crate) tags: PoolTags,
}

impl PoolGoal {
    /// Whether a pool has what can never change.
    pub(crate) fn fits(&self, pool: &NodePool) -> bool {
        self.plans.accepts(&pool.plan) && pool_mark::name_of(&pool.label) == self.name
    }

    /// The change that a pool lacks to have the wanted bounds and tag; none if it has them. Under the autoscaler the
    /// number of the moment is not ours to set.
    fn change(&self, pool: &NodePool) -> Option<UpdateNodePool> {
        let count = if self.autoscale {
            (pool.min_nodes, pool.max_nodes) == (self.min, self.max)
        } else {
            pool.node_quantity == self.min
        };
        let bounds = count && pool.auto_scaler == self.autoscale;
        let tag = pool.tag == self.tags.finished();
        if bounds && tag {
            return None;
        }
        Some(UpdateNodePool {
            node_quantity: (!bounds && !self.autoscale).then_some(self.min),
            min_nodes: (!bounds).then_some(self.min),
            max_nodes: (!bounds).then_some(self.max),
            auto_scaler: (!bounds).then_some(self.autoscale),
            tag: (!tag).then(|| self.tags.finished().to_owned()),
        })
    }

    /// What the pool is made from. One that replaces another begins with as many nodes as that one has, so that there
    /// is room for everything that moves.
    pub(crate) fn creation(&self, plan: String, replaces: Option<&NodePool>) -> CreateNodePool {
        let label = replaces.map_or_else(
            || self.name.clone(),
            |old| pool_mark::replacement(&self.name, &old.id),
        );
        let nodes = replaces
            .filter(|_| self.autoscale)
            .map_or(self.min, |old| old.node_quantity.clamp(self.min, self.max));
        CreateNodePool {
            label,
            plan,
            node_quantity: nodes,
            min_nodes: self.min,
            max_nodes: self.max,
            auto_scaler: self.autoscale,
            tag: self.tags.creating(),
            vpc_only: replaces.is_some_and(|old| old.vpc_only),
            labels: self.labels.clone(),
            taints: self.taints.iter().map(vultr::Taint::from).collect(),
            user_data: None,
        }
    }
}

/// One step towards the wanted pool.
#[derive(Debug)]
enum Step<'p> {
    /// Change it in place, if anything is left to change.
    Settle(&'p NodePool),
    /// Make it, in the place of the old one if there is one.
    Make(Option<&'p NodePool>),
    /// Empty the old one into the new one, and delete it.
    Move {
        from: &'p NodePool,
        to: &'p NodePool,
    },
    /// Take an unfinished replacement away that is no longer wanted.
    Withdraw {
        pool: &'p NodePool,
        keep: &'p NodePool,
    },
}

impl Step<'_> {
    fn describe(&self) -> &'static str {
        match self {
            Self::Settle(_) => "settle the node pool",
            Self::Make(None) => "create the node pool",
            Self::Make(Some(_)) => "create the node pool that replaces the old one",
            Self::Move { .. } => "empty and delete the old node pool",
            Self::Withdraw { .. } => "take back a replacement that is no longer wanted",
        }
    }
}

fn next<'p>(
    goal: &PoolGoal,
    old: Option<&'p NodePool>,
    replacement: Option<&'p NodePool>,
) -> Step<'p> {
    match (old, replacement) {
        (None, None) => Step::Make(None),
        (Some(only), None) | (None, Some(only)) if goal.fits(only) => Step::Settle(only),
        (Some(only), None) | (None, Some(only)) => Step::Make(Some(only)),
        (Some(from), Some(to)) if !goal.fits(from) && goal.fits(to) => Step::Move { from, to },
        (Some(keep), Some(pool)) => Step::Withdraw { pool, keep },
    }
}

/// Which of a cluster's pools is meant.
#[derive(Debug, Clone)]
pub(crate) enum Which {
    /// The one of this id, or what has replaced it.
    Id(String),
    /// The one of the wanted name.
    Name,
}

/// Old pool and unfinished replacement among a cluster's pools.
#[derive(Debug, Default)]
pub(crate) struct Pair<'p> {
    pub(crate) old: Option<&'p NodePool>,
    pub(crate) replacement: Option<&'p NodePool>,
}

impl<'p> Pair<'p> {
    /// The pool of an id, and what replaces it.
    pub(crate) fn of_id(pools: &'p [NodePool], id: &str) -> Self {
        Self {
            old: pools.iter().find(|pool| pool.id == id),
            replacement: pools
                .iter()
                .find(|pool| pool_mark::replaces(&pool.label, id)),
        }
    }

    /// The pool of a name, and what replaces it.
    pub(crate) fn of_name(pools: &'p [NodePool], name: &str) -> Self {
        let mut named = pools
            .iter()
            .filter(|pool| pool_mark::name_of(&pool.label) == name);
        let (Some(one), other) = (named.next(), named.next()) else {
            return Self::default();
        };
        match other {
            Some(other) if pool_mark::replaces(&one.label, &other.id) => Self {
                old: Some(other),
                replacement: Some(one),
            },
            other => Self {
                old: Some(one),
                replacement: other.filter(|other| pool_mark::replaces(&other.label, &one.id)),
            },
        }
    }
}

/// One pool of one cluster, and everything needed to bring it to its goal.
pub(crate) struct Surge<'a> {
    pub(crate) session: &'a Session,
    pub(crate) client: &'a Client,
    pub(crate) cluster: &'a str,
    pub(crate) region: &'a str,
    /// Where the user wrote the plan.
    pub(crate) place: Place,
    pub(crate) goal: &'a PoolGoal,
    pub(crate) allowance: Allowance<'a>,
}

impl Surge<'_> {
    /// Takes steps until the pool is as wanted.
    pub(crate) async fn run(&self, which: Which) -> Result<NodePool, Fault> {
        let mut which = which;
        loop {
            let pools = self.pools().await?;
            let pair = match &which {
                Which::Id(id) => Pair::of_id(&pools, id),
                Which::Name => Pair::of_name(&pools, &self.goal.name),
            };
            if let (Which::Id(id), None) = (&mut which, pair.old) {
                // An earlier run had come to the end of the old pool.
                let heir = pair.replacement.ok_or_else(|| self.lost(id))?;
                id.clone_from(&heir.id);
                continue;
            }
            if let Some(pool) = pair.replacement.filter(|pool| !self.goal.tags.owns(pool)) {
                return Err(self.foreign(pool));
            }
            let step = next(self.goal, pair.old, pair.replacement);
            let name = format!("node pool {}", self.goal.name);
            self.allowance.check(&name, step.describe())?;
            match step {
                Step::Settle(pool) => return self.settle(pool).await,
                Step::Make(replaces) => {
                    let made = self.make(replaces).await?;
                    if !self.goal.tags.owns(&made) {
                        return Err(self.foreign(&made));
                    }
                }
                Step::Move { from, to } => {
                    self.move_over(from, to).await?;
                    if let Which::Id(id) = &mut which {
                        id.clone_from(&to.id);
                    }
                }
                Step::Withdraw { pool, keep } => self.withdraw(pool, keep).await?,
            }
        }
    }

    /// Makes the pool.
    pub(crate) async fn make(&self, replaces: Option<&NodePool>) -> Result<NodePool, Fault> {
        let plan = node_plan::pick(self.session, self.region, &self.goal.plans, self.place).await?;
        let wanted = self.goal.creation(plan, replaces);
        let made = self.client.ensure_node_pool(self.cluster, &wanted).await;
        made.map(vultr::Ensured::into_inner)
            .map_err(|error| cloud(&format!("creating node pool {}", wanted.label), &error))
    }

    /// Waits for a pool and gives it what it lacks of bounds, mark, labels and taints.
    pub(crate) async fn settle(&self, pool: &NodePool) -> Result<NodePool, Fault> {
        self.settle_traits(pool).await?;
        if let Some(change) = self.goal.change(pool) {
            self.patch(pool, &change).await?;
        }
        self.active(pool).await
    }

    async fn active(&self, pool: &NodePool) -> Result<NodePool, Fault> {
        let wait = self.allowance.wait(self.client);
        let active = self.client.node_pool_active(self.cluster, &pool.id, &wait);
        active
            .await
            .map_err(|error| cloud(&format!("waiting for node pool {}", pool.label), &error))
    }

    async fn patch(&self, pool: &NodePool, change: &UpdateNodePool) -> Result<(), Fault> {
        let changed = self
            .client
            .update_node_pool(self.cluster, &pool.id, change)
            .await;
        changed
            .map(drop)
            .map_err(|error| cloud(&format!("changing node pool {}", pool.label), &error))
    }

    async fn move_over(&self, from: &NodePool, to: &NodePool) -> Result<(), Fault> {
        let wait = || self.allowance.wait(self.client);
        let to = self.active(to).await?;
        drain::joined(self.session, self.cluster, &to, &wait()).await?;
        self.hold_still(from).await?;
        drain::drain(self.session, self.cluster, from, &wait()).await?;
        self.remove(from).await
    }

    async fn withdraw(&self, pool: &NodePool, keep: &NodePool) -> Result<(), Fault> {
        let wait = || self.allowance.wait(self.client);
        drain::reopen(self.session, self.cluster, keep, &wait()).await?;
        self.hold_still(pool).await?;
        drain::drain(self.session, self.cluster, pool, &wait()).await?;
        self.remove(pool).await
    }

    /// A pool that is emptied must not grow again.
    async fn hold_still(&self, pool: &NodePool) -> Result<(), Fault> {
        if !pool.auto_scaler {
            return Ok(());
        }
        let change = UpdateNodePool {
            auto_scaler: Some(false),
            ..UpdateNodePool::default()
        };
        self.patch(pool, &change).await
    }

    /// Deletes a pool and waits until it is gone.
    pub(crate) async fn remove(&self, pool: &NodePool) -> Result<(), Fault> {
        let wait = self.allowance.wait(self.client);
        remove(self.client, self.cluster, &pool.id, &wait).await
    }

    async fn pools(&self) -> Result<Vec<NodePool>, Fault> {
        list(self.client, self.cluster).await?.ok_or_else(|| {
            Fault::new(
                fault::PARENT_GONE,
                format!(
                    "There is no cluster {} in the account. Refresh, and plan again.",
                    self.cluster
                ),
            )
        })
    }

    fn foreign(&self, pool: &NodePool) -> Fault {
        Fault::new(
            fault::POOL_EXISTS,
            format!(
                "Cluster {} has a node pool labelled {}, which Slipway needs for the replacement of {}, and it is tagged {:?}. Delete that pool, then apply again.",
                self.cluster, pool.label, self.goal.name, pool.tag
            ),
        )
    }

    fn lost(&self, id: &str) -> Fault {
        Fault::new(
            fault::PARENT_GONE,
            format!(
                "Node pool {} ({id}) of cluster {} was deleted since the plan was made. Plan again.",
                self.goal.name, self.cluster
            ),
        )
    }
}

/// What a plan says of a replacement to come.
pub(crate) fn announcement(before: &str, after: &str) -> Diagnostic {
    Diagnostic::warning(
        "Node pool will be replaced",
        format!(
            "{before} -> {after}. Vultr can change neither the plan nor the label of a pool: a new one is made first, and both are paid for meanwhile; then the old one is emptied through the eviction API, which respects disruption budgets, and deleted. Local data of its nodes is lost."
        ),
    )
}

/// The pools of a cluster; nothing if it is gone.
pub(crate) async fn list(client: &Client, cluster: &str) -> Result<Option<Vec<NodePool>>, Fault> {
    client.node_pools(cluster).await.map_err(|error| {
        cloud(
            &format!("listing the node pools of cluster {cluster}"),
            &error,
        )
    })
}

/// Deletes a pool and waits until it is gone.
pub(crate) async fn remove(
    client: &Client,
    cluster: &str,
    id: &str,
    wait: &vultr::Wait,
) -> Result<(), Fault> {
    client
        .delete_node_pool(cluster, id)
        .await
        .map_err(|error| cloud(&format!("deleting node pool {id}"), &error))?;
    let gone = client.node_pool_gone(cluster, id, wait).await;
    gone.map_err(|error| cloud(&format!("waiting for node pool {id} to be gone"), &error))
}

#[cfg(test)]
mod tests;
