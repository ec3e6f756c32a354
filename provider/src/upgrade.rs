//! Raising a running cluster to another build. Vultr replaces every node for it, so the end is not the API's word but a
//! cluster whose every node runs the new kubelet and is ready.
//!
//! The first pool's tag says what is going on for as long as it does, so that a run that was broken off is gone on with,
//! also by somebody who knows nothing but the account.

mod arrival;
mod words;

use std::sync::Mutex;

use vultr::{Client, Cluster, ClusterStatus, Progress, UpdateNodePool};

use crate::allowance::Allowance;
use crate::fault::{self, Fault};
use crate::kubernetes_version::Constraint;
use crate::nodes::ClusterNode;
use crate::pool_kind::SYSTEM;
use crate::pool_mark::{self, PoolTags};
use crate::session::{Session, cloud};
use arrival::{kubelet_of, late};
use words::spell;
pub(crate) use words::{announcement, unoffered, warn_of_full_budgets};

/// Where a person is told how far it has come.
pub(crate) type Tell<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// What a cluster that is not at the wanted build shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing goes on.
    Idle,
    /// It is in the middle of something.
    Busy,
    /// Nodes have arrived at the wanted build.
    Underway,
}

/// One upgrade.
pub(crate) struct Upgrade<'a> {
    pub(crate) session: &'a Session,
    pub(crate) client: &'a Client,
    pub(crate) cluster: &'a str,
    /// The build to come to.
    pub(crate) to: &'a str,
    pub(crate) allowance: Allowance<'a>,
    pub(crate) tell: Tell<'a>,
}

impl Upgrade<'_> {
    /// Begins the upgrade unless it is going on or done, and waits until every node has it.
    pub(crate) async fn run(&self) -> Result<Cluster, Fault> {
        let cluster = self.read().await?;
        let tags = PoolTags::of(&cluster);
        let mut accepted = true;
        if cluster.version != self.to {
            let stage = self.stage(&cluster).await;
            if stage == Stage::Idle {
                self.refuse_unoffered(&cluster).await?;
                self.refuse_full_budgets().await?;
            }
            self.mark(&cluster, &tags, &tags.upgrading(self.to)).await?;
            accepted = match stage {
                Stage::Idle => self.begin(&cluster).await?,
                Stage::Busy => false,
                Stage::Underway => true,
            };
        }
        let cluster = self.arrived(accepted).await?;
        self.mark(&cluster, &tags, tags.finished()).await?;
        Ok(cluster)
    }

    async fn read(&self) -> Result<Cluster, Fault> {
        let found = self.client.cluster(self.cluster).await;
        found
            .map_err(|error| cloud(&format!("reading cluster {}", self.cluster), &error))?
            .ok_or_else(|| {
                Fault::new(
                    fault::PARENT_GONE,
                    format!(
                        "There is no cluster {} in the account. Refresh, and plan again.",
                        self.cluster
                    ),
                )
            })
    }

    /// What the cluster shows of an upgrade that somebody else, or an earlier run, began.
    async fn stage(&self, cluster: &Cluster) -> Stage {
        if cluster.status != ClusterStatus::Active {
            return Stage::Busy;
        }
        let wanted = kubelet_of(self.to);
        let nodes = self.nodes().await.unwrap_or_default();
        let arrived = nodes.iter().any(|node| kubelet_of(&node.kubelet) == wanted);
        if arrived && kubelet_of(&cluster.version) != wanted {
            Stage::Underway
        } else {
            Stage::Idle
        }
    }

    /// Vultr raises a cluster only to what it offers for it: forward, one minor at a time.
    async fn refuse_unoffered(&self, cluster: &Cluster) -> Result<(), Fault> {
        let offered = offered(self.client, self.cluster).await?;
        if offered.iter().any(|build| build == self.to) {
            return Ok(());
        }
        Err(unoffered(&cluster.version, self.to, &offered))
    }

    /// Where a budget lets no pod go, the nodes would be replaced against it, or never.
    async fn refuse_full_budgets(&self) -> Result<(), Fault> {
        let access = self.session.access(self.cluster).await?;
        let full = access
            .full_budgets()
            .await
            .map_err(|error| crate::session::unreachable(self.cluster, &error))?;
        if full.is_empty() {
            return Ok(());
        }
        Err(Fault::new(
            fault::FULL_BUDGETS,
            format!(
                "The upgrade of cluster {} to {} replaces every node, and these budgets let no pod go:\n{}\nNothing was changed. Raise the replicas behind them or relax them for the time of the upgrade, then apply again.",
                self.cluster,
                self.to,
                spell(&full)
            ),
        ))
    }

    /// Asks Vultr. False if it refuses what it offers: then the cluster is in the middle of something, which may be an
    /// upgrade whose beginning nobody saw.
    async fn begin(&self, cluster: &Cluster) -> Result<bool, Fault> {
        (self.tell)(&format!(
            "cluster {}: {} -> {}, every node will be replaced",
            self.cluster, cluster.version, self.to
        ));
        match self.client.upgrade_cluster(self.cluster, self.to).await {
            Ok(()) => Ok(true),
            Err(
                vultr::Error::Refused { .. }
                | vultr::Error::Busy { .. }
                | vultr::Error::Unanswered { .. },
            ) => Ok(false),
            Err(error) => Err(cloud(
                &format!("raising cluster {} to {}", self.cluster, self.to),
                &error,
            )),
        }
    }

    async fn arrived(&self, accepted: bool) -> Result<Cluster, Fault> {
        let what = format!(
            "cluster {} and all its nodes to be at {}",
            self.cluster, self.to
        );
        let accepted = Mutex::new(accepted);
        let said = Mutex::new(String::new());
        let wait = self.allowance.wait(self.client);
        let arrived = wait.until(&what, || async {
            let progress = self.look(&accepted).await?;
            if let Progress::NotYet(state) = &progress {
                let mut said = said
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                if *said != *state {
                    (self.tell)(state);
                    said.clone_from(state);
                }
            }
            Ok(progress)
        });
        arrived.await.map_err(|error| {
            cloud(
                &format!("raising cluster {} to {}", self.cluster, self.to),
                &error,
            )
        })
    }

    async fn look(&self, accepted: &Mutex<bool>) -> vultr::Result<Progress<Cluster>> {
        let Some(cluster) = self.client.cluster(self.cluster).await? else {
            return Ok(Progress::NotYet("no such cluster".to_owned()));
        };
        if cluster.version != self.to || cluster.status != ClusterStatus::Active {
            let begun = *accepted
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if !begun && cluster.status == ClusterStatus::Active {
                return self.insist(accepted).await;
            }
            return Ok(Progress::NotYet(format!(
                "the control plane is at {} and {}",
                cluster.version, cluster.status
            )));
        }
        Ok(match self.nodes().await {
            Err(why) => Progress::NotYet(why),
            Ok(nodes) => match late(&cluster.node_pools, &nodes, self.to) {
                None => Progress::Done(cluster),
                Some(late) => Progress::NotYet(late),
            },
        })
    }

    /// Asks again what was refused: a cluster that is busy with something else takes it later.
    async fn insist(&self, accepted: &Mutex<bool>) -> vultr::Result<Progress<Cluster>> {
        match self.client.upgrade_cluster(self.cluster, self.to).await {
            Ok(()) => {
                *accepted
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner) = true;
                Ok(Progress::NotYet("the upgrade has begun".to_owned()))
            }
            Err(error @ (vultr::Error::Refused { .. } | vultr::Error::Busy { .. })) => Ok(
                Progress::NotYet(format!("Vultr takes no upgrade at present ({error})")),
            ),
            Err(error) => Err(error),
        }
    }

    async fn nodes(&self) -> Result<Vec<ClusterNode>, String> {
        let access = self
            .session
            .access(self.cluster)
            .await
            .map_err(|fault| fault.detail().to_owned())?;
        access.nodes().await.map_err(|error| error.to_string())
    }

    /// Writes onto the first pool what is going on.
    async fn mark(&self, cluster: &Cluster, tags: &PoolTags, tag: &str) -> Result<(), Fault> {
        let bearers = cluster
            .node_pools
            .iter()
            .filter(|pool| pool_mark::name_of(&pool.label) == SYSTEM.name && tags.owns(pool))
            .filter(|pool| pool.tag != tag);
        for pool in bearers {
            let change = UpdateNodePool {
                tag: Some(tag.to_owned()),
                ..UpdateNodePool::default()
            };
            let changed = self
                .client
                .update_node_pool(self.cluster, &pool.id, &change);
            changed.await.map_err(|error| {
                cloud(
                    &format!("tagging node pool {} as {tag:?}", pool.label),
                    &error,
                )
            })?;
        }
        Ok(())
    }
}

/// The build that a cluster is being raised to, as the tag of its first pool says.
pub(crate) fn going_on(cluster: &Cluster) -> Option<&str> {
    let tags = PoolTags::of(cluster);
    cluster
        .node_pools
        .iter()
        .find_map(|pool| tags.upgrade_of(pool))
}

/// The builds that Vultr offers for a cluster, as it gives them.
pub(crate) async fn offered(client: &Client, cluster: &str) -> Result<Vec<String>, Fault> {
    let offered = client.available_upgrades(cluster).await;
    offered
        .map(Option::unwrap_or_default)
        .map_err(|error| cloud(&format!("asking for upgrades of cluster {cluster}"), &error))
}

/// The newest build on offer for a cluster that satisfies a constraint which its own build does not.
pub(crate) async fn target(
    client: &Client,
    cluster: &Cluster,
    constraint: &Constraint,
) -> Result<String, Fault> {
    let offered = offered(client, &cluster.id).await?;
    constraint
        .resolve(&offered)
        .map(str::to_owned)
        .ok_or_else(|| unoffered(&cluster.version, &constraint.to_string(), &offered))
}
