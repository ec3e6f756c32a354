//! The steps of a launch that make or change something in the account.

use vultr::{CreateCluster, CreateNodePool, CreateVpc, NodePool, Subnet, UpdateNodePool};

use super::launch::{Launch, Standing, endpoint};
use super::plan_nodes;
use super::read::bounds;
use super::sequence::{Observed, SeenCluster, SeenVpc};
use crate::fault::Fault;
use crate::mark::Mark;
use crate::node_plan;
use crate::pool_kind::SYSTEM;
use crate::session::cloud;

impl Launch<'_> {
    pub(super) async fn create_vpc(
        &self,
        seen: &mut Observed,
        standing: &mut Standing,
    ) -> Result<(), Fault> {
        let id = &self.settings.id;
        let wanted = CreateVpc {
            region: self.settings.region.clone(),
            description: id.bare_creating_mark(),
            subnet: Some(Subnet {
                address: self.settings.network.network(),
                length: self.settings.network.prefix_len(),
            }),
        };
        let vpc = self.client.ensure_vpc(&wanted).await;
        let vpc = vpc
            .map_err(|error| cloud(&format!("creating the VPC of platform {id}"), &error))?
            .into_inner();
        standing.vpc = Some(vpc.id.clone());
        seen.vpc = Some(SeenVpc {
            id: vpc.id,
            mark: Mark::Creating(id.clone(), None),
        });
        Ok(())
    }

    pub(super) async fn take_over(&self, vpc: &str, seen: &mut Observed) -> Result<(), Fault> {
        let Some(incarnation) = &self.goal.incarnation else {
            return Ok(());
        };
        self.describe_vpc(vpc, &self.settings.id.creating_mark(incarnation))
            .await?;
        if let Some(vpc) = &mut seen.vpc {
            vpc.mark = Mark::Creating(self.settings.id.clone(), Some(incarnation.clone()));
        }
        Ok(())
    }

    pub(super) async fn describe_vpc(&self, vpc: &str, mark: &str) -> Result<(), Fault> {
        let change = self.client.update_vpc_description(vpc, mark).await;
        change.map_err(|error| cloud(&format!("marking VPC {vpc} as {mark:?}"), &error))
    }

    pub(super) async fn create_cluster(
        &self,
        vpc: &str,
        seen: &mut Observed,
        standing: &mut Standing,
    ) -> Result<(), Fault> {
        let settings = &self.settings;
        let plans = &settings.system_pool.plans;
        let plan =
            node_plan::pick(self.session, &settings.region, plans, plan_nodes::PLACE).await?;
        let wanted = CreateCluster {
            label: settings.id.mark(),
            region: settings.region.clone(),
            version: settings.build.clone(),
            ha_controlplanes: settings.high_availability,
            enable_firewall: false,
            vpc_id: Some(vpc.to_owned()),
            oidc: None,
            node_pools: vec![self.system_pool(plan)],
        };
        let cluster = self.client.ensure_cluster(&wanted).await;
        let cluster = cluster
            .map_err(|error| {
                cloud(
                    &format!("creating the cluster of platform {}", settings.id),
                    &error,
                )
            })?
            .into_inner();
        standing.cluster = Some(cluster.id.clone());
        standing.endpoint = endpoint(&cluster);
        seen.cluster = Some(SeenCluster {
            id: cluster.id,
            active: false,
        });
        Ok(())
    }

    /// The first pool, labelled and tainted in the same call so that no node is ever without.
    fn system_pool(&self, plan: String) -> CreateNodePool {
        let pool = &self.settings.system_pool;
        CreateNodePool {
            label: SYSTEM.name.to_owned(),
            plan,
            node_quantity: pool.min,
            min_nodes: pool.min,
            max_nodes: pool.max,
            auto_scaler: pool.min < pool.max,
            tag: self.settings.id.mark(),
            vpc_only: false,
            labels: SYSTEM.labels(),
            taints: SYSTEM.taints().iter().map(vultr::Taint::from).collect(),
            user_data: None,
        }
    }

    pub(super) async fn await_cluster(
        &self,
        id: &str,
        seen: &mut Observed,
        standing: &mut Standing,
    ) -> Result<(), Fault> {
        let cluster = self.client.cluster_active(id, &self.wait()).await;
        let cluster =
            cluster.map_err(|error| cloud(&format!("waiting for cluster {id}"), &error))?;
        if let Some(pool) = cluster
            .node_pools
            .iter()
            .find(|pool| pool.label == SYSTEM.name)
        {
            standing.system_plan = Some(pool.plan.clone());
            self.settle_bounds(id, pool).await?;
            let active = self
                .client
                .node_pool_active(id, &pool.id, &self.wait())
                .await;
            active.map_err(|error| {
                cloud(
                    &format!("waiting for the first pool of cluster {id}"),
                    &error,
                )
            })?;
        }
        standing.endpoint = endpoint(&cluster);
        if let Some(cluster) = &mut seen.cluster {
            cluster.active = true;
        }
        Ok(())
    }

    /// Gives the first pool the bounds that are wanted. Under the autoscaler the number of the moment is not ours to set.
    async fn settle_bounds(&self, cluster: &str, pool: &NodePool) -> Result<(), Fault> {
        let wanted = &self.settings.system_pool;
        if bounds(pool) == (wanted.min, wanted.max) {
            return Ok(());
        }
        let auto_scaler = wanted.min < wanted.max;
        let change = UpdateNodePool {
            node_quantity: (!auto_scaler).then_some(wanted.min),
            min_nodes: Some(wanted.min),
            max_nodes: Some(wanted.max),
            auto_scaler: Some(auto_scaler),
            tag: None,
        };
        let changed = self
            .client
            .update_node_pool(cluster, &pool.id, &change)
            .await;
        changed.map(drop).map_err(|error| {
            cloud(
                &format!("changing the first pool of cluster {cluster}"),
                &error,
            )
        })
    }
}
