//! Stand-in for the API servers of clusters that are records: nodes as the account has them, and what was applied of namespaces
//! and secrets.
//!
//! It answers under `/_clusters/{id}` on the account's own server, without TLS and to anybody on this machine. Of writes it
//! knows few: cordoning a node, server-side apply of a namespace or a secret, and the deletion of a secret. Faults can be
//! ordered for its paths as for the account's; the journal has only the calls that one hit, for the others cost no account
//! anything.

mod kept;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use axum::{Json, Router, middleware};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use kept::Kept;

use super::api::{self, Aborted};
use super::service::Account;
use super::state::{Cluster, Instance, State as Contents};
use crate::world::NodeSpec;

/// Where clusters are served, below the server's root.
pub(crate) const PREFIX: &str = "/_clusters";

/// The routes of every cluster.
pub(super) fn router(account: Account) -> Router {
    let routes = Router::new()
        .route("/{id}/version", get(version))
        .route("/{id}/readyz", get(ready))
        .route("/{id}/livez", get(ready))
        .route("/{id}/healthz", get(ready))
        .route("/{id}/api/v1/nodes", get(nodes))
        .route("/{id}/api/v1/nodes/{name}", get(node).patch(cordon))
        .route("/{id}/api/v1/namespaces", get(kept::namespaces))
        .route(
            "/{id}/api/v1/namespaces/{namespace}",
            patch(kept::apply_namespace),
        )
        .route(
            "/{id}/api/v1/namespaces/{namespace}/secrets",
            get(kept::secrets),
        )
        .route(
            "/{id}/api/v1/namespaces/{namespace}/secrets/{name}",
            get(kept::secret)
                .patch(kept::apply_secret)
                .delete(kept::delete_secret),
        )
        .route("/{id}/api/v1/{kind}", get(none_of))
        .route("/{id}/api/v1/namespaces/{namespace}/{kind}", get(none_in))
        .route("/{id}/apis/policy/v1/poddisruptionbudgets", get(no_budgets))
        .route(
            "/{id}/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets",
            get(no_budgets_in),
        )
        .fallback(async || {
            status(
                StatusCode::NOT_FOUND,
                "the server could not find the requested resource",
            )
        });
    Router::new()
        .nest(PREFIX, routes)
        .layer(middleware::from_fn_with_state(
            account.clone(),
            api::faults_alone,
        ))
        .with_state(account)
}

/// An error in the API server's form.
fn status(code: StatusCode, message: &str) -> Response {
    let reason = code.canonical_reason().unwrap_or_default().replace(' ', "");
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code.as_u16(),
    });
    (code, Json(body)).into_response()
}

fn list(kind: &str, api_version: &str, items: &[Value]) -> Response {
    Json(json!({
        "kind": format!("{kind}List"), "apiVersion": api_version,
        "metadata": {"resourceVersion": "1"}, "items": items,
    }))
    .into_response()
}

/// Runs `answer` on a cluster that is up and whose kubeconfig points here. Behind any other nothing listens: the connection ends without an answer.
fn in_cluster(
    account: &Account,
    id: &str,
    answer: impl FnOnce(&mut Contents, &Cluster) -> Response,
) -> Response {
    account.work(|state| {
        let served_here = |cluster: &&Cluster| {
            let kubeconfig = cluster.kubeconfig.as_deref();
            cluster.active && kubeconfig.is_some_and(|text| text.contains(PREFIX))
        };
        let up = state.clusters.get(id).filter(served_here);
        if let Some(cluster) = up.cloned() {
            return answer(state, &cluster);
        }
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Aborted);
        response
    })
}

/// The Kubernetes version of a VKE build: what `v1.36.5+1` reports is `v1.36.5`.
fn kubernetes_version(build: &str) -> &str {
    build.split('+').next().unwrap_or(build)
}

async fn version(State(account): State<Account>, Path(id): Path<String>) -> Response {
    in_cluster(&account, &id, |_, cluster| {
        let version = kubernetes_version(&cluster.version);
        let mut numbers = version.trim_start_matches('v').split('.');
        let (major, minor) = (numbers.next(), numbers.next());
        Json(json!({
            "major": major, "minor": minor, "gitVersion": version, "gitCommit": "", "gitTreeState": "clean",
            "buildDate": "2026-01-01T00:00:00Z", "goVersion": "", "compiler": "stand-in", "platform": "linux/amd64",
        }))
        .into_response()
    })
}

async fn ready(State(account): State<Account>, Path(id): Path<String>) -> Response {
    in_cluster(&account, &id, |_, _| "ok".into_response())
}

#[derive(Deserialize)]
struct Selection {
    #[serde(rename = "labelSelector", default)]
    labels: String,
}

impl Selection {
    /// Whether an object passes: `key=value`, `key` and `key!=value`, joined by commas.
    fn takes(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let terms = self.labels.split(',').filter(|term| !term.is_empty());
        terms.into_iter().all(|term| {
            if let Some((key, value)) = term.split_once("!=") {
                return labels[key] != value;
            }
            match term.split_once('=') {
                Some((key, value)) => labels[key] == value.trim_start_matches('='),
                None => labels.get(term).is_some(),
            }
        })
    }
}

async fn nodes(
    State(account): State<Account>,
    Path(id): Path<String>,
    Query(selection): Query<Selection>,
) -> Response {
    in_cluster(&account, &id, |state, _| {
        let nodes: Vec<Value> = shown_nodes(state, &id)
            .into_iter()
            .filter(|node| selection.takes(node))
            .collect();
        list("Node", "v1", &nodes)
    })
}

fn shown_nodes(state: &Contents, cluster_id: &str) -> Vec<Value> {
    let specs = state.node_specs(cluster_id);
    let shown = specs
        .iter()
        .filter_map(|spec| Some(show(spec, state.instances.get(&spec.id)?)));
    shown.collect()
}

/// A node as the vendor's kubelet and cloud controller register it.
fn show(spec: &NodeSpec, instance: &Instance) -> Value {
    let role = instance.node.as_ref();
    let kubelet = role.map_or("", |role| kubernetes_version(&role.version));
    let cordoned = role.is_some_and(|role| role.cordoned);
    let mut labels = json!(spec.labels);
    labels["kubernetes.io/hostname"] = json!(spec.name);
    labels["kubernetes.io/arch"] = json!("amd64");
    labels["kubernetes.io/os"] = json!("linux");
    labels["node.kubernetes.io/instance-type"] = json!(spec.plan);
    labels["topology.kubernetes.io/region"] = json!(spec.region);
    labels["vke.vultr.com/node-pool"] = json!(spec.pool);
    labels["vke.vultr.com/node-id"] = json!(spec.id);
    let mut taints = json!(spec.taints);
    if cordoned && let Some(taints) = taints.as_array_mut() {
        taints.push(json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}));
    }
    let created = instance.created.to_string();
    json!({
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {
            "name": spec.name, "uid": spec.id, "resourceVersion": "1", "creationTimestamp": created, "labels": labels,
        },
        "spec": {
            "providerID": format!("vultr://{}", spec.id),
            "taints": taints,
            "unschedulable": cordoned,
        },
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": spec.private_ip},
                {"type": "ExternalIP", "address": spec.public_ip},
                {"type": "Hostname", "address": spec.name},
            ],
            "capacity": {"cpu": spec.vcpu_count.to_string(), "memory": format!("{}Mi", spec.ram_mb), "pods": "110"},
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "stand-in",
                "lastHeartbeatTime": created, "lastTransitionTime": created,
            }],
            "nodeInfo": {
                "kubeletVersion": kubelet, "kubeProxyVersion": kubelet, "architecture": "amd64", "operatingSystem": "linux",
                "bootID": "", "containerRuntimeVersion": "containerd://2.1.0", "kernelVersion": "6.1.0",
                "machineID": spec.id, "osImage": "Debian GNU/Linux 12 (bookworm)", "systemUUID": spec.id,
            },
        },
    })
}

fn unknown(kind: &str, name: &str) -> Response {
    status(StatusCode::NOT_FOUND, &format!("{kind} {name:?} not found"))
}

async fn node(
    State(account): State<Account>,
    Path((id, name)): Path<(String, String)>,
) -> Response {
    in_cluster(&account, &id, |state, _| named(state, &id, &name))
}

fn named(state: &Contents, cluster_id: &str, name: &str) -> Response {
    let found = shown_nodes(state, cluster_id)
        .into_iter()
        .find(|node| node["metadata"]["name"] == name);
    found.map_or_else(|| unknown("nodes", name), |node| Json(node).into_response())
}

/// The one change that a node takes here: `spec.unschedulable`.
async fn cordon(
    State(account): State<Account>,
    Path((id, name)): Path<(String, String)>,
    patch: axum::body::Bytes,
) -> Response {
    let patch: Value = serde_json::from_slice(&patch).unwrap_or_default();
    let Some(wanted) = patch["spec"]["unschedulable"].as_bool() else {
        return status(
            StatusCode::UNPROCESSABLE_ENTITY,
            "this stand-in changes nothing of a node but spec.unschedulable",
        );
    };
    in_cluster(&account, &id, |state, _| {
        let role = state
            .instances
            .iter_mut()
            .filter(|instance| instance.label == name)
            .find_map(|instance| instance.node.as_mut().filter(|role| role.cluster_id == id));
        if let Some(role) = role {
            role.cordoned = wanted;
        }
        named(state, &id, &name)
    })
}

/// `ConfigMap` for `configmaps`: what an empty list of the kind is called.
fn kind_of(resource: &str) -> Option<&'static str> {
    let kinds = [
        ("pods", "Pod"),
        ("configmaps", "ConfigMap"),
        ("secrets", "Secret"),
        ("services", "Service"),
        ("persistentvolumeclaims", "PersistentVolumeClaim"),
        ("persistentvolumes", "PersistentVolume"),
        ("events", "Event"),
    ];
    let found = kinds.iter().find(|(plural, _)| *plural == resource)?;
    Some(found.1)
}

fn empty(account: &Account, id: &str, resource: &str) -> Response {
    in_cluster(account, id, |_, _| match kind_of(resource) {
        Some(kind) => list(kind, "v1", &[]),
        None => status(
            StatusCode::NOT_FOUND,
            "the server could not find the requested resource",
        ),
    })
}

async fn none_of(
    State(account): State<Account>,
    Path((id, resource)): Path<(String, String)>,
) -> Response {
    empty(&account, &id, &resource)
}

async fn none_in(
    State(account): State<Account>,
    Path((id, _, resource)): Path<(String, String, String)>,
) -> Response {
    empty(&account, &id, &resource)
}

async fn no_budgets(State(account): State<Account>, Path(id): Path<String>) -> Response {
    in_cluster(&account, &id, |_, _| {
        list("PodDisruptionBudget", "policy/v1", &[])
    })
}

async fn no_budgets_in(account: State<Account>, Path((id, _)): Path<(String, String)>) -> Response {
    no_budgets(account, Path(id)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_joins_its_terms_by_and() {
        let node = json!({"metadata": {"labels": {"pool": "a", "size": "small"}}});
        let takes = |labels: &str| {
            Selection {
                labels: labels.to_owned(),
            }
            .takes(&node)
        };
        for passing in ["", "pool=a", "pool==a", "pool", "pool=a,size!=large"] {
            assert!(takes(passing), "{passing}");
        }
        for failing in ["pool=b", "colour", "pool=a,size=large"] {
            assert!(!takes(failing), "{failing}");
        }
    }
}
