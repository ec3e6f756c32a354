//! One owner's objects: how they are made and taken away, as the provider does it.

use std::collections::BTreeMap;
use std::time::Duration;

use slipway_tests::Sandbox;
use vultr::{
    Budget, Client, CreateBlock, CreateCluster, CreateInstance, CreateLoadBalancer, CreateNodePool,
    CreateVpc, Effect, ForwardingRule, InstanceFilter, Mark, Pace, Progress, Result, Retry, Taint,
    UpdateNodePool, UserData, Wait,
};

const REGION: &str = "ams";
const PLAN: &str = "vc2-2c-4gb";

/// One owner's objects in the account.
pub(crate) struct Rehearsal {
    client: Client,
    mark: Mark,
}

impl Rehearsal {
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        let client = Client::builder(sandbox.api_key().to_owned().into())
            .address(sandbox.api_url())
            .answer_within(Duration::from_secs(5))
            .budget(Budget::new(10_000, 1_000))
            .retry(Retry {
                first: Duration::from_millis(4),
                ..Retry::default()
            })
            .pace(Pace {
                first: Duration::from_millis(4),
                longest: Duration::from_millis(20),
            })
            .build()
            .unwrap();
        let mark = Mark::new("conformance").unwrap();
        Self { client, mark }
    }

    fn wait(&self) -> Wait {
        self.client.wait(Duration::from_mins(1))
    }

    /// Makes one of everything; what is there already is adopted.
    pub(crate) async fn build(&self) -> Result<()> {
        let client = &self.client;
        client.account().await?;
        let (version, os_id) = self.choose().await?;
        let vpc = self.vpc().await?;
        let cluster = client.ensure_cluster(&self.cluster(&vpc, version)).await?;
        let cluster = cluster.into_inner().id;
        let host = client.ensure_instance(&self.host(&vpc, os_id)).await?;
        client.cluster_active(&cluster, &self.wait()).await?;
        self.second_pool(&cluster).await?;
        let host = client
            .instance_up(&host.into_inner().id, &self.wait())
            .await?;
        self.storage(&host.id).await?;
        client.ensure_load_balancer(&self.balancer(&vpc)).await?;
        client
            .ensure_ssh_key(
                self.mark.as_str(),
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAA conformance",
            )
            .await?;
        client
            .linked_resources(&cluster)
            .await?
            .expect("the cluster exists");
        client
            .update_vpc_description(&vpc, self.mark.as_str())
            .await
    }

    async fn choose(&self) -> Result<(String, u32)> {
        let client = &self.client;
        let regions = client.regions().await?;
        assert!(
            regions
                .iter()
                .any(|one| one.id == REGION && one.has_kubernetes())
        );
        let plans = client.plans().await?;
        let plan = plans
            .iter()
            .find(|one| one.id == PLAN)
            .expect("the plan exists");
        assert!(plan.is_sold_in(REGION) && plan.monthly_cost_in(REGION).to_string() == "20");
        let stock = client
            .available_plans(REGION)
            .await?
            .expect("the region exists");
        assert!(stock.iter().any(|one| one == PLAN));
        let images = client.operating_systems().await?;
        let debian = images
            .iter()
            .find(|one| one.name.starts_with("Debian 12"))
            .expect("the image exists");
        Ok((client.kubernetes_versions().await?.remove(0), debian.id))
    }

    /// The network, whose description tells how far its owner got.
    async fn vpc(&self) -> Result<String> {
        if let Some((_, found)) = self.client.vpcs_marked(&self.mark).await?.pop() {
            return Ok(found.id);
        }
        let wanted = CreateVpc {
            region: REGION.into(),
            description: self.mark.creating(),
            subnet: None,
        };
        Ok(self.client.ensure_vpc(&wanted).await?.into_inner().id)
    }

    fn cluster(&self, vpc: &str, version: String) -> CreateCluster {
        CreateCluster {
            label: self.mark.to_string(),
            region: REGION.into(),
            version,
            ha_controlplanes: false,
            enable_firewall: false,
            vpc_id: Some(vpc.to_owned()),
            oidc: None,
            node_pools: vec![self.pool("system")],
        }
    }

    fn pool(&self, label: &str) -> CreateNodePool {
        CreateNodePool {
            label: label.into(),
            plan: PLAN.into(),
            node_quantity: 1,
            min_nodes: 1,
            max_nodes: 3,
            auto_scaler: true,
            tag: self.mark.to_string(),
            vpc_only: false,
            labels: BTreeMap::from([("slipway.dev/pool".to_owned(), label.to_owned())]),
            taints: vec![],
            user_data: None,
        }
    }

    fn host(&self, vpc: &str, os_id: u32) -> CreateInstance {
        CreateInstance {
            region: REGION.into(),
            plan: PLAN.into(),
            os_id,
            label: self.mark.role("bootstrap"),
            hostname: "bootstrap".into(),
            tags: vec![self.mark.to_string()],
            user_data: Some(UserData::new(&"#cloud-config\n".to_owned().into())),
            sshkey_id: vec![],
            attach_vpc: vec![vpc.to_owned()],
            enable_ipv6: false,
            backups: false,
            activation_email: false,
        }
    }

    fn balancer(&self, vpc: &str) -> CreateLoadBalancer {
        CreateLoadBalancer {
            region: REGION.into(),
            label: self.mark.to_string(),
            vpc: Some(vpc.to_owned()),
            instances: vec![],
            forwarding_rules: vec![ForwardingRule {
                frontend_protocol: "tcp".into(),
                frontend_port: 443,
                backend_protocol: "tcp".into(),
                backend_port: 30443,
            }],
            health_check: None,
        }
    }

    async fn second_pool(&self, cluster: &str) -> Result<()> {
        let client = &self.client;
        let pool = client
            .ensure_node_pool(cluster, &self.pool("memory"))
            .await?
            .into_inner();
        assert_eq!(pool.tag, self.mark.as_str());
        client
            .node_pool_active(cluster, &pool.id, &self.wait())
            .await?;
        client
            .ensure_pool_label(cluster, &pool.id, "team", "one")
            .await?;
        let taint = Taint {
            key: "slipway.dev/pool".into(),
            value: "memory".into(),
            effect: Effect::NoSchedule,
        };
        client.ensure_pool_taint(cluster, &pool.id, &taint).await?;
        let change = UpdateNodePool {
            max_nodes: Some(4),
            ..UpdateNodePool::default()
        };
        let changed = client.update_node_pool(cluster, &pool.id, &change).await?;
        assert_eq!((changed.max_nodes, changed.min_nodes), (4, 1));
        let labels = client
            .pool_labels(cluster, &pool.id)
            .await?
            .expect("the pool exists");
        assert_eq!(labels.len(), 2, "{labels:?}");
        Ok(())
    }

    async fn storage(&self, host: &str) -> Result<()> {
        let wanted = CreateBlock {
            region: REGION.into(),
            label: self.mark.to_string(),
            size_gb: 10,
            block_type: "high_perf".into(),
        };
        let block = self.client.ensure_block(&wanted).await?.into_inner();
        if block.attached_to_instance != host {
            self.retried("attached volume", || {
                self.client.attach_block(&block.id, host)
            })
            .await?;
        }
        Ok(())
    }

    /// Takes away whatever carries the mark.
    pub(crate) async fn destroy(&self) -> Result<()> {
        let client = &self.client;
        for host in client
            .instances(InstanceFilter::Tag(self.mark.as_str()))
            .await?
        {
            client
                .delete_instance_for_good(&host.id, &self.wait())
                .await?;
        }
        for balancer in client.load_balancers().await? {
            self.retried("deleted load balancer", || {
                client.delete_load_balancer(&balancer.id)
            })
            .await?;
        }
        for block in client.blocks().await? {
            client.delete_block(&block.id).await?;
        }
        for key in client.ssh_keys().await? {
            client.delete_ssh_key(&key.id).await?;
        }
        for cluster in client.clusters_marked(&self.mark).await? {
            client
                .delete_cluster_with_linked_resources(&cluster.id)
                .await?;
            client.cluster_gone(&cluster.id, &self.wait()).await?;
            assert!(client.node_pools(&cluster.id).await?.is_none());
        }
        for (_, vpc) in client.vpcs_marked(&self.mark).await? {
            client.delete_vpc_when_free(&vpc.id, &self.wait()).await?;
        }
        Ok(())
    }

    /// A call that is repeated while its object is busy or still pending.
    async fn retried<F: Future<Output = Result<()>>>(
        &self,
        what: &str,
        call: impl Fn() -> F,
    ) -> Result<()> {
        let poll = || async {
            match call().await {
                Ok(()) => Ok(Progress::Done(())),
                Err(error) if error.is_busy() || error.code() == "SLW-204" => {
                    Ok(Progress::NotYet(error.to_string()))
                }
                Err(error) => Err(error),
            }
        };
        self.wait().until(what, poll).await
    }
}
