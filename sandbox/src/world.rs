//! Where the emulated account meets the things that really run.
//!
//! The account decides *what* exists (ids, addresses, node lists, states that follow its clock); the engines make it run.
//! Calls go one way each: the account calls [`Engines`], the in-cluster stand-ins call [`AccountHandle`].
//! Every call of [`Engines`] is safe to repeat: the account may ask for the same thing again after a failure.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// The machinery behind the account: control planes, hosts, their stand-ins.
#[async_trait]
pub trait Engines: Send + Sync {
    /// Hands the account over, once, before any other call.
    fn attach(&self, account: Arc<dyn AccountHandle>);

    /// Where charts come from, when the engines serve them (`http://host:port/charts`).
    fn chart_mirror(&self) -> Option<String>;

    /// What is not the real program here and what it cannot show, one sentence each; `up` prints them.
    fn stand_ins(&self) -> Vec<String>;

    /// Starts a control plane and returns when its API server answers.
    async fn start_cluster(&self, spec: ClusterSpec) -> anyhow::Result<ClusterAccess>;

    /// Moves a control plane to another version, keeping its objects.
    async fn upgrade_cluster(&self, cluster_id: &str, version: &str) -> anyhow::Result<()>;

    /// Ends a control plane; unknown ids are fine. Its load balancers and volumes stay in the account.
    async fn stop_cluster(&self, cluster_id: &str) -> anyhow::Result<()>;

    /// Makes the cluster's nodes exactly these: missing ones appear Ready, surplus ones go with their pods.
    async fn set_nodes(&self, cluster_id: &str, nodes: Vec<NodeSpec>) -> anyhow::Result<()>;

    /// Boots a host for the first time: home directory, host keys and login keys from cloud-init, then `sshd`.
    async fn start_instance(&self, spec: InstanceSpec) -> anyhow::Result<()>;

    /// Boots a halted host again, with the disk it had.
    async fn resume_instance(&self, instance_id: &str) -> anyhow::Result<()>;

    /// Cuts the power: every process of the host ends, its disk stays.
    async fn halt_instance(&self, instance_id: &str) -> anyhow::Result<()>;

    /// Halt and resume.
    async fn reboot_instance(&self, instance_id: &str) -> anyhow::Result<()>;

    /// Ends the host and its disk; unknown ids are fine.
    async fn destroy_instance(&self, instance_id: &str) -> anyhow::Result<()>;

    /// A host that misbehaves, asked for through the fault controls. May come before the host's first boot.
    async fn disturb_instance(
        &self,
        instance_id: &str,
        disturbance: Disturbance,
    ) -> anyhow::Result<()>;

    /// A load balancer of one of the clusters is gone from the account: stop serving its address.
    async fn load_balancer_gone(&self, load_balancer_id: &str) -> anyhow::Result<()>;

    /// Ends everything that runs. Called once, last.
    async fn shutdown(&self) -> anyhow::Result<()>;
}

/// A control plane to start.
#[derive(Clone, Debug)]
pub struct ClusterSpec {
    /// The account's id of the cluster.
    pub id: String,
    /// The customer's label.
    pub label: String,
    /// Region id, such as `ams`.
    pub region: String,
    /// VKE build, such as `v1.36.5+1`.
    pub version: String,
    /// Loopback address of the API server (port 6443).
    pub address: Ipv4Addr,
    /// The name that the vendor would publish, to be in the server certificate too.
    pub endpoint: String,
    /// Pod network, as the vendor fixes it.
    pub cluster_subnet: String,
    /// Service network, as the vendor fixes it.
    pub service_subnet: String,
}

/// How to reach a control plane that answers.
#[derive(Clone)]
pub struct ClusterAccess {
    /// Kubeconfig (YAML) with a client certificate of `system:masters`. Secret.
    pub kubeconfig: String,
    /// Address of the API server.
    pub ip: Ipv4Addr,
}

/// A node of a cluster, as the vendor's control plane would register it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSpec {
    /// Instance id, which is also the node id.
    pub id: String,
    /// Node name, `{pool}-{hex}`.
    pub name: String,
    /// Label of the pool.
    pub pool: String,
    /// Plan id.
    pub plan: String,
    /// Region id.
    pub region: String,
    /// Cores of the plan.
    pub vcpu_count: u32,
    /// Memory of the plan.
    pub ram_mb: u32,
    /// Disk of the plan.
    pub disk_gb: u32,
    /// Labels of the pool (the vendor's own node labels are the engines' to add).
    pub labels: BTreeMap<String, String>,
    /// Taints of the pool.
    pub taints: Vec<Taint>,
    /// Address in the VPC.
    pub private_ip: Ipv4Addr,
    /// Public address (nothing listens there).
    pub public_ip: Ipv4Addr,
}

/// A node taint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taint {
    /// Key.
    pub key: String,
    /// Value, may be empty.
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

/// A host to boot.
#[derive(Clone)]
pub struct InstanceSpec {
    /// Instance id.
    pub id: String,
    /// Host name.
    pub hostname: String,
    /// Loopback address that `sshd` listens on (port 22).
    pub address: Ipv4Addr,
    /// Address in the VPC, when attached to one.
    pub private_ip: Option<Ipv4Addr>,
    /// Image name, such as `Debian 12 x64 (bookworm)`.
    pub os: String,
    /// Cloud-init user data, decoded. May hold one-time secrets.
    pub user_data: Vec<u8>,
    /// Public keys (OpenSSH lines) of the account's SSH keys named at creation.
    pub ssh_keys: Vec<String>,
}

/// How a host misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disturbance {
    /// `sshd` is ended and stays down over reboots.
    SshdDown,
    /// `sshd` may run again.
    SshdUp,
    /// Open connections are cut; new ones work.
    DropConnections,
    /// The host restarts by itself.
    Reboot,
}

/// What the in-cluster stand-ins may do in the account, as the vendor's cloud controller and CSI driver would.
#[async_trait]
pub trait AccountHandle: Send + Sync {
    /// Where the account's server listens, once it does.
    fn served_at(&self) -> Option<SocketAddr>;

    /// Makes a load balancer of a cluster, or returns the one that already has this label.
    async fn create_load_balancer(
        &self,
        cluster_id: &str,
        wish: LoadBalancerWish,
    ) -> anyhow::Result<LoadBalancerView>;

    /// The load balancer now; `None` when it is gone.
    async fn load_balancer(&self, id: &str) -> anyhow::Result<Option<LoadBalancerView>>;

    /// Deletes a load balancer; unknown ids are fine.
    async fn delete_load_balancer(&self, id: &str) -> anyhow::Result<()>;

    /// Makes a block volume of a cluster, or returns the one that already has this label.
    async fn create_block(&self, cluster_id: &str, wish: BlockWish) -> anyhow::Result<BlockView>;

    /// The volume now; `None` when it is gone.
    async fn block(&self, id: &str) -> anyhow::Result<Option<BlockView>>;

    /// Attaches a volume to a node (`Some`) or lets it go (`None`).
    async fn attach_block(&self, id: &str, instance_id: Option<&str>) -> anyhow::Result<()>;

    /// Deletes a volume; unknown ids are fine.
    async fn delete_block(&self, id: &str) -> anyhow::Result<()>;
}

/// A load balancer as the cloud controller asks for it.
#[derive(Clone, Debug)]
pub struct LoadBalancerWish {
    /// `a` and the Service's uid without dashes.
    pub label: String,
    /// Number of load balancer nodes (odd).
    pub nodes: u32,
    /// Frontend and backend port of each rule, with its protocol (`tcp`, `http`, `https`).
    pub ports: Vec<LoadBalancerPort>,
    /// Nodes behind it.
    pub instances: Vec<String>,
}

/// One forwarding rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancerPort {
    /// `tcp`, `http` or `https`.
    pub protocol: String,
    /// Port on the load balancer.
    pub frontend: u16,
    /// Node port behind it.
    pub backend: u16,
}

/// A load balancer as it stands.
#[derive(Clone, Debug)]
pub struct LoadBalancerView {
    /// Id in the account.
    pub id: String,
    /// Its loopback address; it is served from the moment `active` is true.
    pub address: Ipv4Addr,
    /// Whether its creation is over.
    pub active: bool,
}

/// A volume as the CSI driver asks for it.
#[derive(Clone, Debug)]
pub struct BlockWish {
    /// `pvc-` and 16 hex digits.
    pub label: String,
    /// Size.
    pub size_gb: u32,
    /// `high_perf` (`NVMe`) or `storage_opt` (HDD).
    pub block_type: String,
}

/// A volume as it stands.
#[derive(Clone, Debug)]
pub struct BlockView {
    /// Id in the account.
    pub id: String,
    /// Whether its creation is over.
    pub active: bool,
    /// Size.
    pub size_gb: u32,
    /// Node that holds it.
    pub attached_to: Option<String>,
}
