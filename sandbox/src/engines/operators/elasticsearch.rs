//! Elastic's operator: a `StatefulSet` for each set of nodes, the Services, the administrator's password, and the authority
//! of the certificate that the stand-in for Elasticsearch shows. The pods are fake like all others.

use anyhow::Result;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Secret, Service};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::DynamicObject;
use kube::runtime::controller::Action;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::super::standin::PENDING;
use super::{create, owner};

const CLUSTER: &str = "elasticsearch.k8s.elastic.co/cluster-name";
const SET: &str = "elasticsearch.k8s.elastic.co/statefulset-name";
const KIND: &str = "common.k8s.elastic.co/type";
/// The container that the operator runs the program in, and that a pod template adds to.
const CONTAINER: &str = "elasticsearch";

/// Makes what belongs to the cluster; answers its status and when to look again.
pub(super) async fn make(
    client: &kube::Client,
    cluster: &DynamicObject,
    authority: &str,
) -> Result<(Value, Action)> {
    let namespace = cluster.namespace().unwrap_or_default();
    for secret in secrets(cluster, authority)? {
        create::<Secret>(client, &namespace, secret).await?;
    }
    for service in services(cluster)? {
        create::<Service>(client, &namespace, service).await?;
    }
    let sets: Vec<&Value> = cluster.data["spec"]["nodeSets"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let (mut wanted, mut ready) = (0, 0);
    for set in sets {
        wanted += set["count"].as_i64().unwrap_or(0);
        let made = stateful_set(cluster, set)?;
        let name = made["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        create::<StatefulSet>(client, &namespace, made).await?;
        let sets: Api<StatefulSet> = Api::namespaced(client.clone(), &namespace);
        let status = sets.get_opt(&name).await?.and_then(|set| set.status);
        ready += i64::from(status.and_then(|status| status.ready_replicas).unwrap_or(0));
    }
    create::<PodDisruptionBudget>(client, &namespace, budget(cluster, wanted)?).await?;
    let whole = ready >= wanted;
    let status = json!({
        "availableNodes": ready,
        "health": if whole { "green" } else { "unknown" },
        "phase": if whole { "Ready" } else { "ApplyingChanges" },
        "version": cluster.data["spec"]["version"],
        "observedGeneration": cluster.metadata.generation,
    });
    let again = if whole {
        Action::await_change()
    } else {
        Action::requeue(PENDING)
    };
    Ok((status, again))
}

/// A name that the operator derives from the cluster's.
fn named(cluster: &DynamicObject, suffix: &str) -> String {
    format!("{}-es-{suffix}", cluster.name_any())
}

fn metadata(cluster: &DynamicObject, suffix: &str) -> Result<Value> {
    Ok(json!({
        "name": named(cluster, suffix),
        "labels": { KIND: "elasticsearch", CLUSTER: cluster.name_any() },
        "ownerReferences": [owner(cluster)?],
    }))
}

fn secrets(cluster: &DynamicObject, authority: &str) -> Result<[Value; 2]> {
    Ok([
        json!({
            "metadata": metadata(cluster, "elastic-user")?,
            "stringData": { "elastic": uuid::Uuid::new_v4().simple().to_string() },
        }),
        json!({
            "metadata": metadata(cluster, "http-certs-public")?,
            "stringData": { "ca.crt": authority, "tls.crt": authority },
        }),
    ])
}

fn services(cluster: &DynamicObject) -> Result<Vec<Value>> {
    [
        ("http", "https", 9200),
        ("internal-http", "https", 9200),
        ("transport", "tls-transport", 9300),
    ]
    .into_iter()
    .map(|(suffix, port, number)| {
        Ok(json!({
            "metadata": metadata(cluster, suffix)?,
            "spec": {
                "selector": { KIND: "elasticsearch", CLUSTER: cluster.name_any() },
                "ports": [{ "name": port, "port": number, "targetPort": number }],
            },
        }))
    })
    .collect()
}

fn budget(cluster: &DynamicObject, nodes: i64) -> Result<Value> {
    Ok(json!({
        "metadata": metadata(cluster, "default")?,
        "spec": {
            // A single node may always be moved.
            "minAvailable": (nodes - 1).max(0),
            "selector": { "matchLabels": { CLUSTER: cluster.name_any() } },
        },
    }))
}

fn stateful_set(cluster: &DynamicObject, set: &Value) -> Result<Value> {
    let suffix = set["name"].as_str().unwrap_or("default");
    let mut metadata = metadata(cluster, suffix)?;
    metadata["labels"][SET] = json!(named(cluster, suffix));
    let labels = metadata["labels"].clone();
    Ok(json!({
        "metadata": metadata,
        "spec": {
            "replicas": set["count"],
            "serviceName": named(cluster, suffix),
            "podManagementPolicy": "Parallel",
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": pod(cluster, set) },
            "volumeClaimTemplates": set["volumeClaimTemplates"],
        },
    }))
}

/// The pod of the template, with what the operator adds to its container.
fn pod(cluster: &DynamicObject, set: &Value) -> Value {
    let mut pod = set["podTemplate"]["spec"].clone();
    let containers = pod["containers"].as_array_mut().into_iter().flatten();
    for container in containers.filter(|container| container["name"] == CONTAINER) {
        container["image"] = cluster.data["spec"]["image"].clone();
        container["ports"] = json!([{ "name": "https", "containerPort": 9200 }]);
        container["securityContext"] = json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        });
        container["volumeMounts"] =
            json!([{ "name": "elasticsearch-data", "mountPath": "/usr/share/elasticsearch/data" }]);
    }
    pod
}
