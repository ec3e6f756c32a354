//! Raising a running cluster to another build. Vultr replaces every node for it, so the end is not the API's word but a
//! cluster whose every node runs the new kubelet and is ready.
//!
//! The first pool's tag says what is going on for as long as it does, so that a run that was broken off is gone on with,
//! also by somebody who knows nothing but the account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use tfplugin::Diagnostic;
use vultr::{Client, Cluster, ClusterStatus, NodePool, Progress, UpdateNodePool};

use crate::allowance::Allowance;
use crate::fault::{self, Fault};
use crate::kubernetes_version::Constraint;
use crate::nodes::{ClusterNode, FullBudget};
use crate::pool_kind::SYSTEM;
use crate::pool_mark::{self, PoolTags};
use crate::session::{Session, cloud};

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

/// What a plan says of an upgrade to come.
pub(crate) fn announcement(from: &str, to: &str) -> Diagnostic {
    Diagnostic::warning(
        "Kubernetes will be upgraded",
        format!(
            "{from} -> {to}. Vultr replaces every node of every pool: what runs on one moves, nodes get new addresses, and local data of nodes is lost. Apply waits until every node has the new version and is ready."
        ),
    )
}

/// What a plan says of budgets that would keep an upgrade or a replacement from beginning; nothing if there are none, or
/// the cluster does not answer.
pub(crate) async fn warn_of_full_budgets(session: &Session, cluster: &str) -> Option<Diagnostic> {
    let access = session.access(cluster).await.ok()?;
    let full = access.full_budgets().await.ok()?;
    (!full.is_empty()).then(|| {
        Diagnostic::warning(
            format!("{} ({})", fault::FULL_BUDGETS.summary, fault::FULL_BUDGETS.code),
            format!(
                "Nodes will be replaced, and at present these budgets let no pod leave a node. Apply will not go against them:\n{}",
                spell(&full)
            ),
        )
    })
}

/// A build that a cluster cannot be raised to.
pub(crate) fn unoffered(from: &str, wanted: &str, offered: &[String]) -> Fault {
    let offers = if offered.is_empty() {
        "Vultr offers no other build for it at present.".to_owned()
    } else {
        format!("Vultr offers for it: {}.", offered.join(", "))
    };
    Fault::new(
        fault::BUILD_CHANGE,
        format!(
            "The cluster runs {from}, and {wanted} is asked for. {offers} A cluster is never lowered, and raised one minor at a time: write a constraint that {from} or one of these satisfies."
        ),
    )
}

/// Budgets, a line each.
pub(crate) fn spell(budgets: &[FullBudget]) -> String {
    let lines: Vec<String> = budgets.iter().map(|one| format!("  {one}")).collect();
    lines.join("\n")
}

/// The version without the vendor's number: `v1.36.5` of `v1.36.5+1`.
fn kubelet_of(build: &str) -> &str {
    build.split_once('+').map_or(build, |(version, _)| version)
}

/// What keeps the nodes from being all at a build and ready; nothing if they are. Nodes that the account knows and the
/// cluster does not are still to come.
fn late(pools: &[NodePool], nodes: &[ClusterNode], build: &str) -> Option<String> {
    let wanted = kubelet_of(build);
    let known: BTreeMap<&str, &ClusterNode> = nodes
        .iter()
        .filter_map(|node| Some((node.instance.as_deref()?, node)))
        .collect();
    let mut waits = BTreeSet::new();
    for node in pools.iter().flat_map(|pool| &pool.nodes) {
        if !known.contains_key(node.id.as_str()) {
            waits.insert(format!("node {} has not joined", node.label));
        }
    }
    for node in nodes {
        if kubelet_of(&node.kubelet) != wanted {
            waits.insert(format!("node {} is at {}", node.name, node.kubelet));
        } else if !node.ready {
            waits.insert(format!("node {} is not ready", node.name));
        }
    }
    let total = nodes.len();
    let first = waits.first()?;
    let more = waits.len() - 1;
    Some(if more == 0 {
        format!("{first}; {total} nodes in all")
    } else {
        format!("{first}, and {more} more wait; {total} nodes in all")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, kubelet: &str, ready: bool) -> ClusterNode {
        ClusterNode {
            name: name.to_owned(),
            pool: Some("system".to_owned()),
            instance: Some(format!("id-{name}")),
            kubelet: kubelet.to_owned(),
            ready,
            open: true,
        }
    }

    fn pool(nodes: &[&str]) -> NodePool {
        let nodes: Vec<_> = nodes
            .iter()
            .map(|name| serde_json::json!({ "id": format!("id-{name}"), "label": name, "status": "active" }))
            .collect();
        serde_json::from_value(serde_json::json!({
            "id": "p", "date_created": "2026-07-07T22:57:01+00:00", "label": "system", "plan": "p", "status": "active",
            "node_quantity": 2, "min_nodes": 2, "max_nodes": 2, "auto_scaler": false, "tag": "slipway:acme (upgrading v1.36.5+1)",
            "labels": {}, "taints": [], "nodes": nodes,
        }))
        .unwrap()
    }

    #[test]
    fn an_upgrade_is_done_when_every_node_has_it_and_is_ready() {
        let pools = [pool(&["a", "b"])];
        let at = |a: ClusterNode, b: ClusterNode| late(&pools, &[a, b], "v1.36.5+1");
        let new = "v1.36.5";
        assert_eq!(at(node("a", new, true), node("b", new, true)), None);
        let told = at(node("a", new, true), node("b", "v1.35.8", true)).unwrap();
        assert!(told.contains("node b is at v1.35.8"), "{told}");
        let told = at(node("a", new, false), node("b", new, true)).unwrap();
        assert!(told.contains("node a is not ready"), "{told}");
        let told = late(&pools, &[node("a", new, true)], "v1.36.5+1").unwrap();
        assert!(told.contains("node b has not joined"), "{told}");
    }

    #[test]
    fn the_first_pools_tag_tells_that_an_upgrade_is_going_on() {
        let tags = PoolTags::finished_as("slipway:acme");
        assert_eq!(tags.upgrade_of(&pool(&[])), Some("v1.36.5+1"));
        assert!(tags.owns(&pool(&[])));
    }
}
