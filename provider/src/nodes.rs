//! The nodes of a cluster and the pods on them, as its own API server knows them.

use std::collections::BTreeSet;
use std::fmt;

use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::ResourceExt;
use kube::api::{Api, EvictParams, ListParams, Patch, PatchParams};
use serde_json::json;
use vultr::NodePool;

use crate::cluster_access::{AccessError, ClusterAccess};

/// The label in which the vendor writes a node's pool.
const POOL_LABEL: &str = "vke.vultr.com/node-pool";
/// How the cloud controller spells a node's instance.
const PROVIDER: &str = "vultr://";
/// The kubelet's mark on pods that it runs by itself: nobody can evict them.
const STATIC_POD: &str = "kubernetes.io/config.mirror";

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterNode {
    pub(crate) name: String,
    /// The label of its pool.
    pub(crate) pool: Option<String>,
    /// Its instance, which is the id of the node at Vultr.
    pub(crate) instance: Option<String>,
    /// Version of its kubelet, such as `v1.36.5`.
    pub(crate) kubelet: String,
    pub(crate) ready: bool,
    /// Whether pods may be put on it.
    pub(crate) open: bool,
}

impl ClusterNode {
    /// Whether it is one of a pool's.
    pub(crate) fn is_of(&self, pool: &NodePool) -> bool {
        self.pool.as_ref() == Some(&pool.label)
            || self
                .instance
                .as_ref()
                .is_some_and(|instance| pool.nodes.iter().any(|node| node.id == *instance))
    }
}

impl From<Node> for ClusterNode {
    fn from(node: Node) -> Self {
        let name = node.name_any();
        let pool = node.labels().get(POOL_LABEL).cloned();
        let spec = node.spec.unwrap_or_default();
        let status = node.status.unwrap_or_default();
        let ready = status
            .conditions
            .unwrap_or_default()
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True");
        Self {
            name,
            pool,
            instance: spec
                .provider_id
                .and_then(|id| id.strip_prefix(PROVIDER).map(str::to_owned)),
            kubelet: status
                .node_info
                .map(|info| info.kubelet_version)
                .unwrap_or_default(),
            ready,
            open: spec.unschedulable != Some(true),
        }
    }
}

/// A pod that must leave its node before the node may go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tenant {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) node: String,
    /// Whether it is on its way already.
    pub(crate) leaving: bool,
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "pod {}/{} on node {}",
            self.namespace, self.name, self.node
        )
    }
}

impl Tenant {
    /// Pods of daemon sets come back at once, those of the kubelet cannot leave, and finished ones do not mind.
    fn of(pod: &Pod) -> Option<Self> {
        let spec = pod.spec.as_ref()?;
        let phase = pod
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        let stays = pod.annotations().contains_key(STATIC_POD)
            || matches!(phase, Some("Succeeded" | "Failed"))
            || pod
                .owner_references()
                .iter()
                .any(|owner| owner.kind == "DaemonSet" && owner.controller == Some(true));
        if stays {
            return None;
        }
        Some(Self {
            namespace: pod.namespace()?,
            name: pod.name_any(),
            node: spec.node_name.clone()?,
            leaving: pod.metadata.deletion_timestamp.is_some(),
        })
    }
}

/// What became of the wish that a pod leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Eviction {
    /// It is leaving, or gone.
    Begun,
    /// A budget forbids it for now, in the API server's words.
    Blocked(String),
}

/// A disruption budget that lets no pod go at present.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FullBudget {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) healthy: i32,
    pub(crate) needed: i32,
}

impl fmt::Display for FullBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PodDisruptionBudget {}/{} ({} pods healthy, {} needed)",
            self.namespace, self.name, self.healthy, self.needed
        )
    }
}

impl FullBudget {
    fn of(budget: &PodDisruptionBudget) -> Option<Self> {
        let status = budget.status.as_ref()?;
        let full = status.expected_pods.unwrap_or(0) > 0 && status.disruptions_allowed == Some(0);
        full.then(|| Self {
            namespace: budget.namespace().unwrap_or_default(),
            name: budget.name_any(),
            healthy: status.current_healthy.unwrap_or(0),
            needed: status.desired_healthy.unwrap_or(0),
        })
    }
}

impl ClusterAccess {
    /// Every node, by name.
    pub(crate) async fn nodes(&self) -> Result<Vec<ClusterNode>, AccessError> {
        let api = Api::<Node>::all(self.client.clone());
        let list = self.answered(api.list(&ListParams::default())).await?;
        let mut nodes: Vec<ClusterNode> = list.items.into_iter().map(ClusterNode::from).collect();
        nodes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(nodes)
    }

    /// Says whether pods may be put on a node.
    pub(crate) async fn open_node(&self, name: &str, open: bool) -> Result<(), AccessError> {
        let api = Api::<Node>::all(self.client.clone());
        let patch = Patch::Merge(json!({ "spec": { "unschedulable": !open } }));
        let change = async { api.patch(name, &PatchParams::default(), &patch).await };
        self.answered(change).await.map(drop)
    }

    /// The pods that must leave these nodes, by namespace and name.
    pub(crate) async fn tenants(&self, nodes: &BTreeSet<&str>) -> Result<Vec<Tenant>, AccessError> {
        let api = Api::<Pod>::all(self.client.clone());
        let list = self.answered(api.list(&ListParams::default())).await?;
        let mut tenants: Vec<Tenant> = list
            .items
            .iter()
            .filter_map(Tenant::of)
            .filter(|tenant| nodes.contains(tenant.node.as_str()))
            .collect();
        tenants.sort();
        Ok(tenants)
    }

    /// Asks a pod to leave; budgets are respected.
    pub(crate) async fn evict(&self, tenant: &Tenant) -> Result<Eviction, AccessError> {
        let api = Api::<Pod>::namespaced(self.client.clone(), &tenant.namespace);
        let parameters = EvictParams::default();
        let call = async {
            match api.evict(&tenant.name, &parameters).await {
                Ok(_) => Ok(Eviction::Begun),
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(Eviction::Begun),
                Err(kube::Error::Api(status)) if status.code == 429 => {
                    Ok(Eviction::Blocked(in_words(&status)))
                }
                Err(error) => Err(error),
            }
        };
        self.answered(call).await
    }

    /// Every disruption budget that lets no pod go at present.
    pub(crate) async fn full_budgets(&self) -> Result<Vec<FullBudget>, AccessError> {
        let api = Api::<PodDisruptionBudget>::all(self.client.clone());
        let list = self.answered(api.list(&ListParams::default())).await?;
        let mut full: Vec<FullBudget> = list.items.iter().filter_map(FullBudget::of).collect();
        full.sort();
        Ok(full)
    }
}

/// Why an eviction is blocked; the causes name the budget, the message does not.
fn in_words(status: &kube::core::Status) -> String {
    let causes: Vec<&str> = status
        .details
        .iter()
        .flat_map(|details| &details.causes)
        .map(|cause| cause.message.as_str())
        .filter(|message| !message.is_empty())
        .collect();
    if causes.is_empty() {
        status.message.clone()
    } else {
        causes.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(json: serde_json::Value) -> Pod {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn only_pods_that_somebody_would_miss_must_leave() {
        let base = json!({
            "metadata": { "namespace": "web", "name": "shop-1" },
            "spec": { "nodeName": "n1", "containers": [] },
            "status": { "phase": "Running" },
        });
        let with = |path: &[&str], value: serde_json::Value| {
            let mut changed = base.clone();
            let mut place = &mut changed;
            for step in path {
                place = &mut place[*step];
            }
            *place = value;
            Tenant::of(&pod(changed))
        };
        let told = Tenant::of(&pod(base.clone())).unwrap().to_string();
        assert_eq!(told, "pod web/shop-1 on node n1");
        let owner = json!([{ "apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "u", "controller": true }]);
        assert_eq!(with(&["metadata", "ownerReferences"], owner), None);
        assert_eq!(
            with(&["metadata", "annotations"], json!({ STATIC_POD: "x" })),
            None
        );
        assert_eq!(with(&["status", "phase"], json!("Succeeded")), None);
        assert_eq!(with(&["spec", "nodeName"], json!(null)), None);
    }

    #[test]
    fn a_budget_is_full_only_while_it_guards_pods_and_lets_none_go() {
        let budget = |allowed: i32, expected: i32| -> PodDisruptionBudget {
            serde_json::from_value(json!({
                "metadata": { "namespace": "web", "name": "shop" },
                "status": { "disruptionsAllowed": allowed, "expectedPods": expected, "currentHealthy": 1, "desiredHealthy": 1 },
            }))
            .unwrap()
        };
        assert_eq!(FullBudget::of(&budget(1, 2)), None);
        assert_eq!(FullBudget::of(&budget(0, 0)), None);
        let full = FullBudget::of(&budget(0, 1)).unwrap().to_string();
        assert!(
            full.contains("web/shop") && full.contains("1 needed"),
            "{full}"
        );
    }
}
