//! The steps of a launch that make or change something in the account.

use vultr::{CreateCluster, CreateNodePool, CreateVpc, Subnet};

use super::launch::{Launch, Standing, endpoint, seen_cluster};
use super::sequence::{Observed, SeenCluster, SeenVpc};
use super::{plan_nodes, system_pool};
use crate::fault::Fault;
use crate::mark::Mark;
use crate::node_plan;
use crate::session::cloud;
use crate::surge::{Surge, Which};
use crate::upgrade::Upgrade;

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
            node_pools: vec![CreateNodePool {
                tag: settings.id.mark(),
                ..system_pool::goal(settings).creation(plan, None)
            }],
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
            active: false,
            ..seen_cluster(&cluster)
        });
        Ok(())
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
        standing.endpoint = endpoint(&cluster);
        seen.cluster = Some(seen_cluster(&cluster));
        Ok(())
    }

    /// Raises the cluster to the wanted build.
    pub(super) async fn upgrade(&self, cluster: &str, seen: &mut Observed) -> Result<(), Fault> {
        let tell = |line: &str| tracing::info!(%cluster, "{line}");
        let upgrade = Upgrade {
            session: self.session,
            client: self.client,
            cluster,
            to: &self.settings.build,
            allowance: self.allowance(),
            tell: &tell,
        };
        let arrived = upgrade.run().await?;
        seen.cluster = Some(SeenCluster {
            upgrading: false,
            ..seen_cluster(&arrived)
        });
        Ok(())
    }

    /// Brings the first pool to what is wanted of it.
    pub(super) async fn settle_pool(
        &self,
        cluster: &str,
        seen: &mut Observed,
        standing: &mut Standing,
    ) -> Result<(), Fault> {
        let surge = Surge {
            session: self.session,
            client: self.client,
            cluster,
            region: &self.settings.region,
            place: plan_nodes::PLACE,
            goal: &system_pool::goal(&self.settings),
            allowance: self.allowance(),
        };
        let pool = surge.run(Which::Name).await?;
        standing.system_plan = Some(pool.plan);
        seen.pool_settled = true;
        Ok(())
    }
}
