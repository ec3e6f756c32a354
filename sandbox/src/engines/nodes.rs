//! The nodes of a cluster, kept as the account says they are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Node, Pod, Taint};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::waiting::Wait;
use crate::world::NodeSpec;

/// Label of the vendor: the pool's label.
const POOL_LABEL: &str = "vke.vultr.com/node-pool";
/// Label of the vendor: the node's instance id.
pub(crate) const ID_LABEL: &str = "vke.vultr.com/node-id";
const READY_DEADLINE: Duration = Duration::from_mins(2);
const DELETE_DEADLINE: Duration = Duration::from_mins(2);
/// What a kubelet keeps for itself and the system, as the vendor's nodes report it.
const RESERVED_MEMORY_MB: u32 = 512;
/// The kubelet's own limit.
const PODS_PER_NODE: u32 = 110;

/// Makes the cluster's nodes exactly these, and returns when all of them are Ready.
pub(crate) async fn set(client: &kube::Client, kubelet: &str, wanted: &[NodeSpec]) -> Result<()> {
    let api: Api<Node> = Api::all(client.clone());
    let present: BTreeMap<String, Node> = api
        .list(&ListParams::default())
        .await?
        .into_iter()
        .map(|node| (node.name_any(), node))
        .collect();
    for node in wanted {
        match present.get(&node.name) {
            Some(existing) if same_machine(existing, node) => update(&api, existing, node).await?,
            Some(_) => {
                remove(client, &node.name).await?;
                create(&api, node, kubelet).await?;
            }
            None => create(&api, node, kubelet).await?,
        }
    }
    let names: BTreeSet<&str> = wanted.iter().map(|node| node.name.as_str()).collect();
    for name in present.keys().filter(|name| !names.contains(name.as_str())) {
        remove(client, name).await?;
    }
    let wait = Wait::until("every node is Ready", READY_DEADLINE);
    while !api.list(&ListParams::default()).await?.iter().all(is_ready) {
        wait.pause().await?;
    }
    Ok(())
}

fn same_machine(existing: &Node, wanted: &NodeSpec) -> bool {
    existing
        .spec
        .as_ref()
        .and_then(|spec| spec.provider_id.as_deref())
        == Some(&provider_id(wanted))
}

fn provider_id(node: &NodeSpec) -> String {
    format!("vultr://{}", node.id)
}

async fn create(api: &Api<Node>, node: &NodeSpec, kubelet: &str) -> Result<()> {
    let object: Node = serde_json::from_value(manifest(node, kubelet))?;
    api.create(&PostParams::default(), &object)
        .await
        .with_context(|| format!("node {} cannot be registered", node.name))?;
    Ok(())
}

/// Labels and taints of a pool may change while its nodes live; the labels that others set stay.
async fn update(api: &Api<Node>, existing: &Node, node: &NodeSpec) -> Result<()> {
    let remembered: BTreeSet<String> = existing
        .annotations()
        .get(POOL_LABELS_ANNOTATION)
        .map(|keys| keys.split(',').map(str::to_owned).collect())
        .unwrap_or_default();
    let mut labels: BTreeMap<&str, Option<&str>> = remembered
        .iter()
        .filter(|key| !key.is_empty() && !node.labels.contains_key(*key))
        .map(|key| (key.as_str(), None))
        .collect();
    labels.extend(
        node.labels
            .iter()
            .map(|(key, value)| (key.as_str(), Some(value.as_str()))),
    );
    let kept = existing
        .spec
        .as_ref()
        .and_then(|spec| spec.taints.clone())
        .unwrap_or_default()
        .into_iter()
        .filter(|taint| taint.key.starts_with("node.kubernetes.io/"));
    let taints: Vec<Taint> = kept.chain(node.taints.iter().map(taint)).collect();
    let patch = json!({
        "metadata": { "labels": labels, "annotations": { POOL_LABELS_ANNOTATION: label_keys(node) } },
        "spec": { "taints": taints },
    });
    api.patch(&node.name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .with_context(|| format!("node {} cannot be relabelled", node.name))?;
    Ok(())
}

/// Which labels came from the pool, so that those the pool loses can be taken away again.
const POOL_LABELS_ANNOTATION: &str = "sandbox.slipway.dev/pool-labels";

fn label_keys(node: &NodeSpec) -> String {
    node.labels.keys().cloned().collect::<Vec<_>>().join(",")
}

fn taint(taint: &crate::world::Taint) -> Taint {
    Taint {
        key: taint.key.clone(),
        value: Some(taint.value.clone()).filter(|value| !value.is_empty()),
        effect: taint.effect.clone(),
        time_added: None,
    }
}

/// Removes a node as a deleted machine goes: its pods are gone with it. KWOK would leave them, and a namespace
/// that holds such a pod could not be deleted.
async fn remove(client: &kube::Client, name: &str) -> Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    let cordon = json!({ "spec": { "unschedulable": true } });
    if nodes
        .patch(name, &PatchParams::default(), &Patch::Merge(&cordon))
        .await
        .is_err()
        && nodes.get_opt(name).await?.is_none()
    {
        return Ok(());
    }
    nodes
        .delete(name, &DeleteParams::default())
        .await
        .map(drop)
        .or_else(ignore_missing)?;
    let on_node = ListParams::default().fields(&format!("spec.nodeName={name}"));
    let pods: Api<Pod> = Api::all(client.clone());
    let wait = Wait::until("the deleted node's pods are gone", DELETE_DEADLINE);
    loop {
        let left = pods.list(&on_node).await?;
        if left.items.is_empty() && nodes.get_opt(name).await?.is_none() {
            return Ok(());
        }
        for pod in &left {
            let namespace = pod.namespace().unwrap_or_default();
            Api::<Pod>::namespaced(client.clone(), &namespace)
                .delete(&pod.name_any(), &DeleteParams::default().grace_period(0))
                .await
                .map(drop)
                .or_else(ignore_missing)?;
        }
        wait.pause().await?;
    }
}

/// What is gone already needs no deletion.
pub(crate) fn ignore_missing(error: kube::Error) -> Result<()> {
    match error {
        kube::Error::Api(status) if status.code == 404 => Ok(()),
        error => Err(error.into()),
    }
}

fn is_ready(node: &Node) -> bool {
    node.status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// A node as the vendor's kubelet and cloud controller register it.
fn manifest(node: &NodeSpec, kubelet: &str) -> Value {
    let mut labels = json!({
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": node.name,
        "node.kubernetes.io/instance-type": node.plan,
        "topology.kubernetes.io/region": node.region,
        POOL_LABEL: node.pool,
        ID_LABEL: node.id,
    });
    if let Some(labels) = labels.as_object_mut() {
        labels.extend(
            node.labels
                .iter()
                .map(|(key, value)| (key.clone(), json!(value))),
        );
    }
    let taints: Vec<Taint> = node.taints.iter().map(taint).collect();
    let memory = node.ram_mb.saturating_sub(RESERVED_MEMORY_MB);
    let resources = json!({
        "cpu": node.vcpu_count.to_string(),
        "memory": format!("{memory}Mi"),
        "ephemeral-storage": format!("{}Gi", node.disk_gb),
        "pods": PODS_PER_NODE.to_string(),
    });
    json!({
        "metadata": {
            "name": node.name,
            "labels": labels,
            "annotations": {
                "kwok.x-k8s.io/node": "fake",
                POOL_LABELS_ANNOTATION: label_keys(node),
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
        },
        "spec": { "providerID": provider_id(node), "taints": taints },
        "status": {
            "addresses": [
                { "type": "InternalIP", "address": node.private_ip },
                { "type": "ExternalIP", "address": node.public_ip },
                { "type": "Hostname", "address": node.name },
            ],
            "capacity": resources,
            "allocatable": resources,
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "",
                "containerRuntimeVersion": "containerd://stand-in",
                "kernelVersion": "stand-in",
                "kubeProxyVersion": kubelet,
                "kubeletVersion": kubelet,
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "KWOK (stand-in)",
                "systemUUID": node.id,
            },
        },
    })
}
