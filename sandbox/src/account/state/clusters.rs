//! Kubernetes clusters.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ledger::Charge;
use super::networks::{Nic, RELEASE_OF_CLUSTER, VpcRequest};
use super::pools::PoolRequest;
use super::upgrades::Upgrade;
use super::{Effect, State};
use crate::account::catalogue;
use crate::account::kubernetes::Kept;
use crate::account::refusal::Refusal;
use crate::account::table::Row;
use crate::world::ClusterSpec;

/// Time from the request to an active cluster (a real one with three pools took this long).
const CREATION: SignedDuration = SignedDuration::from_secs(7 * 60);

/// A cluster.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) region: String,
    pub(crate) version: String,
    pub(crate) ha_controlplanes: bool,
    pub(crate) oidc: Oidc,
    /// Empty without a firewall.
    pub(crate) firewall_group_id: String,
    pub(crate) created: Timestamp,
    pub(crate) ready_at: Timestamp,
    pub(crate) active: bool,
    pub(crate) address: Ipv4Addr,
    pub(crate) nic: Nic,
    /// Kubeconfig, from the moment the control plane answers. Secret.
    pub(crate) kubeconfig: Option<String>,
    /// What was written into it, while it is a record.
    pub(crate) kept: Kept,
    /// Version change under way.
    pub(crate) upgrade: Option<Upgrade>,
    /// What went wrong in the engines, if anything did.
    pub(crate) trouble: Option<String>,
}

// The kubeconfig stays out of every log.
impl std::fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Cluster")
            .field("id", &self.id)
            .field("label", &self.label)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

impl Row for Cluster {
    const UNKNOWN: (u16, &'static str) = (404, "Invalid resource ID");

    fn id(&self) -> &str {
        &self.id
    }
}

impl Cluster {
    /// Name of the API server, as the vendor publishes it.
    pub(crate) fn endpoint(&self) -> String {
        format!("{}.vultr-k8s.com", self.id)
    }

    fn spec(&self) -> ClusterSpec {
        ClusterSpec {
            id: self.id.clone(),
            label: self.label.clone(),
            region: self.region.clone(),
            version: self.version.clone(),
            address: self.address,
            endpoint: self.endpoint(),
            cluster_subnet: Self::CLUSTER_SUBNET.to_owned(),
            service_subnet: Self::SERVICE_SUBNET.to_owned(),
        }
    }

    /// Network of pods, fixed by the vendor.
    pub(crate) const CLUSTER_SUBNET: &'static str = "10.244.0.0/16";
    /// Network of services, fixed by the vendor.
    pub(crate) const SERVICE_SUBNET: &'static str = "10.96.0.0/12";
}

/// Sign-in by `OpenID` Connect of the API server; empty strings when off.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Oidc {
    issuer_url: String,
    client_id: String,
    username_claim: String,
    groups_claim: String,
}

/// What `POST /kubernetes/clusters` asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterRequest {
    pub(crate) label: String,
    pub(crate) region: String,
    pub(crate) version: String,
    pub(crate) ha_controlplanes: bool,
    pub(crate) enable_firewall: bool,
    pub(crate) vpc_id: Option<String>,
    pub(crate) oidc: Oidc,
    pub(crate) pools: Vec<PoolRequest>,
}

impl ClusterRequest {
    /// Nodes of all its pools.
    fn nodes(&self) -> u32 {
        self.pools
            .iter()
            .fold(0, |sum, pool| sum.saturating_add(pool.quantity))
    }
}

impl State {
    /// Makes a cluster with its first pools.
    pub(crate) fn create_cluster(&mut self, request: ClusterRequest) -> Result<&Cluster, Refusal> {
        self.check_cluster(&request)?;
        let id = self.seeded.id();
        let vpc_id = self.vpc_of_cluster(&request, &id)?;
        let nodes = request.nodes();
        self.check_quota(nodes)?;
        self.check_room(&vpc_id, nodes.saturating_add(1))?;
        for pool in &request.pools {
            self.check_way_out(&vpc_id, pool)?;
        }
        let firewall_group_id = if request.enable_firewall {
            self.create_firewall(format!("VKE cluster {id}"), Some(id.clone()))
        } else {
            String::new()
        };
        let cluster = Cluster {
            address: self.addresses.cluster()?,
            nic: self.attach_to(&vpc_id)?,
            id: id.clone(),
            label: request.label,
            region: request.region,
            version: request.version,
            ha_controlplanes: request.ha_controlplanes,
            oidc: request.oidc,
            firewall_group_id,
            created: self.now,
            ready_at: self.now + CREATION,
            active: false,
            kubeconfig: None,
            kept: Kept::default(),
            upgrade: None,
            trouble: None,
        };
        self.effects.push(Effect::StartCluster(cluster.spec()));
        if cluster.ha_controlplanes {
            self.ledger.open(Charge {
                kind: "control_plane",
                id: id.clone(),
                label: cluster.label.clone(),
                what: "controlplane_lb".to_owned(),
                price: catalogue::ha_control_plane(),
                from: self.now,
                until: None,
            });
        }
        self.clusters.insert(cluster);
        for pool in request.pools {
            self.add_pool(&id, pool)?;
        }
        self.clusters.find(&id)
    }

    /// The network that the request names, or a new one.
    fn vpc_of_cluster(&mut self, request: &ClusterRequest, id: &str) -> Result<String, Refusal> {
        let Some(vpc_id) = &request.vpc_id else {
            let wish = VpcRequest {
                region: request.region.clone(),
                description: format!("VKE network of {id}"),
                subnet: None,
            };
            return Ok(self.create_vpc(wish)?.id.clone());
        };
        let vpc = self
            .vpcs
            .get(vpc_id)
            .ok_or_else(|| Refusal::invalid("Invalid VPC ID"))?;
        if vpc.region != request.region {
            return Err(Refusal::invalid("VPC is not in the selected region"));
        }
        Ok(vpc_id.clone())
    }

    fn check_cluster(&self, request: &ClusterRequest) -> Result<(), Refusal> {
        let region =
            catalogue::region(&request.region).ok_or_else(|| Refusal::invalid("Invalid region"))?;
        if !region.has_kubernetes() {
            return Err(Refusal::invalid(
                "Kubernetes is not available in the selected region",
            ));
        }
        if !self.on_sale(&request.version) {
            return Err(Refusal::invalid("Invalid Kubernetes version"));
        }
        if request.pools.is_empty() {
            return Err(Refusal::invalid("Bad request."));
        }
        let mut labels = HashSet::new();
        for pool in &request.pools {
            self.check_pool(&request.region, pool)?;
            if !labels.insert(pool.label.as_str()) {
                return Err(Refusal::invalid(
                    "Node pool label already exists in this cluster",
                ));
            }
        }
        Ok(())
    }

    /// Whether a build can be chosen for a new cluster.
    pub(crate) fn on_sale(&self, version: &str) -> bool {
        catalogue::versions().contains(&version) && !self.conditions.withdrawn.contains(version)
    }

    /// Deletes a cluster with its pools and nodes; `linked` takes its load balancers and volumes along.
    pub(crate) fn delete_cluster(&mut self, id: &str, linked: bool) -> Result<(), Refusal> {
        self.clusters.find(id)?;
        if linked {
            self.delete_linked(id);
        }
        let pools: Vec<String> = self.pools_of(id).map(|pool| pool.id.clone()).collect();
        for pool in pools {
            self.remove_nodes(&self.nodes_of(&pool), RELEASE_OF_CLUSTER);
            self.pools.remove(&pool);
        }
        if let Some(cluster) = self.clusters.remove(id) {
            self.addresses.release(cluster.address);
            self.remove_firewall(&cluster.firewall_group_id);
            self.hold("vke", id, vec![cluster.nic], RELEASE_OF_CLUSTER);
            self.ledger.close(id, self.now);
            self.effects.push(Effect::StopCluster(id.to_owned()));
        }
        Ok(())
    }

    /// Load balancers go all; volumes do, unless something outside the cluster holds them.
    fn delete_linked(&mut self, cluster_id: &str) {
        let balancers: Vec<String> = self
            .load_balancers_of(cluster_id)
            .map(|balancer| balancer.id.clone())
            .collect();
        for id in balancers {
            self.remove_load_balancer(&id);
        }
        let held_elsewhere = |state: &Self, instance: &str| {
            state.instances.get(instance).is_some_and(|instance| {
                instance
                    .node
                    .as_ref()
                    .is_none_or(|node| node.cluster_id != cluster_id)
            })
        };
        let blocks: Vec<String> = self
            .blocks_of(cluster_id)
            .filter(|block| {
                !block
                    .attached_to
                    .as_deref()
                    .is_some_and(|instance| held_elsewhere(self, instance))
            })
            .map(|block| block.id.clone())
            .collect();
        for id in blocks {
            self.remove_block(&id);
        }
    }

    /// The control plane answers.
    pub(crate) fn cluster_started(&mut self, id: &str, kubeconfig: String) {
        if let Some(cluster) = self.clusters.get_mut(id) {
            cluster.kubeconfig = Some(kubeconfig);
            cluster.trouble = None;
        }
    }
}
