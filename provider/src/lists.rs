//! `terraform query`: which platforms, node pools and claims there are, for whoever lost a state or never had one.

use std::collections::BTreeMap;

use tfplugin::{Attribute, Diagnostics, Found, List, ListResource, Object, Schema, async_trait};
use vultr::{Cluster, NodePool};

use crate::mark::{Mark, PlatformId};
use crate::node_pool;
use crate::platform;
use crate::pool_mark;
use crate::session::Session;

/// Lists platforms by the marks in the account.
pub(crate) struct PlatformList;

#[async_trait]
impl ListResource<Session> for PlatformList {
    fn type_name(&self) -> &'static str {
        platform::TYPE_NAME
    }

    fn schema(&self) -> Schema {
        Schema::new().describe(
            "Every platform whose mark is in the account, finished or not. Needs Terraform 1.14.",
        )
    }

    async fn list(&self, op: &mut List<Session>) -> Result<(), Diagnostics> {
        let session = op.client.clone();
        let (vpcs, clusters) = tokio::try_join!(session.vpcs(), session.clusters())?;
        let mut marks: BTreeMap<PlatformId, Mark> = BTreeMap::new();
        let texts = clusters
            .iter()
            .map(|cluster| cluster.label.as_str())
            // What the VPC says comes later and stays: it alone tells an unfinished platform.
            .chain(vpcs.iter().map(|vpc| vpc.description.as_str()));
        for mark in texts.filter_map(Mark::read) {
            marks.insert(mark.platform().clone(), mark);
        }
        for (id, mark) in &marks {
            let identity = Object::new().with("id", id.as_str());
            let mut found = Found::new(identity.clone(), platform_name(id, mark, &clusters));
            if op.include_object {
                let state = platform::read::imported(&session, identity, &mut op.warnings).await?;
                found = state.into_iter().fold(found, Found::with_object);
            }
            if op.push(found).is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn platform_name(id: &PlatformId, mark: &Mark, clusters: &[Cluster]) -> String {
    let unfinished = match mark {
        Mark::Finished(_) => "",
        Mark::Creating(..) => ", unfinished",
    };
    match clusters.iter().find(|cluster| cluster.label == id.mark()) {
        Some(cluster) => format!("{id} ({}, {}{unfinished})", cluster.region, cluster.version),
        None => format!("{id} (no cluster{unfinished})"),
    }
}

/// Lists node pools beside the first one of each platform.
pub(crate) struct NodePoolList;

#[async_trait]
impl ListResource<Session> for NodePoolList {
    fn type_name(&self) -> &'static str {
        node_pool::TYPE_NAME
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .describe(
                "Every node pool of the account's clusters that `slipway_node_pool` can manage: the first pool of a platform belongs to the platform \
                 and is not among them. Pools that Slipway did not make are listed, too. Needs Terraform 1.14.",
            )
            .attribute("cluster_id", Attribute::string().optional().describe("Only pools of this cluster."))
            .attribute("platform_id", Attribute::string().optional().describe("Only pools of this platform's cluster."))
    }

    async fn list(&self, op: &mut List<Session>) -> Result<(), Diagnostics> {
        let session = op.client.clone();
        let cluster_id: Option<String> = op.config.get("cluster_id")?;
        let platform_id: Option<String> = op.config.get("platform_id")?;
        let clusters = session.clusters().await?;
        let chosen = clusters.iter().filter(|cluster| {
            let owner = Mark::read(&cluster.label).map(|mark| mark.platform().to_string());
            cluster_id.as_ref().is_none_or(|id| *id == cluster.id)
                && (platform_id.is_none() || platform_id == owner)
        });
        for cluster in chosen {
            for pool in cluster
                .node_pools
                .iter()
                .filter(|pool| !is_first(cluster, pool))
            {
                let name = pool_mark::name_of(&pool.label);
                let identity = Object::new()
                    .with("cluster_id", cluster.id.as_str())
                    .with("name", name);
                let shown = format!(
                    "{name} ({}, {} nodes of cluster {})",
                    pool.plan, pool.node_quantity, cluster.label
                );
                let mut found = Found::new(identity.clone(), shown);
                if op.include_object {
                    found = found.with_object(node_pool::imported(&session, cluster, pool).await?);
                }
                if op.push(found).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Whether a pool is the first one of a platform, or its unfinished replacement.
fn is_first(cluster: &Cluster, pool: &NodePool) -> bool {
    Mark::read(&cluster.label).is_some()
        && pool_mark::name_of(&pool.label) == crate::pool_kind::SYSTEM.name
}
