//! `CloudNativePG`'s clusters: a pod with a volume for each instance, the Services, and the Secret that applications read.
//! The pods are fake like all others: there is no database.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Secret, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{DynamicObject, ListParams};
use kube::runtime::controller::Action;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::super::standin::PENDING;
use super::{conditions, create, owner};

/// How often a ready cluster is looked at, to make lost pods anew.
const HEARTBEAT: Duration = Duration::from_secs(5);
const CLUSTER: &str = "cnpg.io/cluster";
const PORT: u16 = 5432;

/// Makes what belongs to the cluster; answers its status and when to look again.
pub(super) async fn make(
    client: &kube::Client,
    cluster: &DynamicObject,
) -> Result<(Value, Action)> {
    let namespace = cluster.namespace().unwrap_or_default();
    let name = cluster.name_any();
    let wanted = cluster.data["spec"]["instances"].as_u64().unwrap_or(1);
    let owner = owner(cluster)?;
    create::<Secret>(client, &namespace, secret(cluster, &owner)).await?;
    for service in services(&name, &owner) {
        create::<Service>(client, &namespace, service).await?;
    }
    for instance in 1..=wanted {
        let instance = format!("{name}-{instance}");
        create::<PersistentVolumeClaim>(client, &namespace, volume(cluster, &instance, &owner))
            .await?;
        create::<Pod>(client, &namespace, pod(cluster, &instance, &owner)).await?;
    }
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    let pods = pods
        .list(&ListParams::default().labels(&format!("{CLUSTER}={name}")))
        .await?;
    let ready = pods.iter().filter(|pod| is_ready(pod)).count() as u64;
    let healthy = ready >= wanted;
    let mut status = conditions(cluster, &[("Ready", healthy)]);
    status["instances"] = json!(wanted);
    status["readyInstances"] = json!(ready);
    status["currentPrimary"] = json!(format!("{name}-1"));
    status["phase"] = json!(if healthy {
        "Cluster in healthy state"
    } else {
        "Waiting for the instances to become active"
    });
    let again = if healthy { HEARTBEAT } else { PENDING };
    Ok((status, Action::requeue(again)))
}

fn metadata(name: &str, cluster: &str, owner: &OwnerReference) -> Value {
    json!({ "name": name, "labels": { CLUSTER: cluster }, "ownerReferences": [owner] })
}

/// The Secret with every key that the operator writes.
fn secret(cluster: &DynamicObject, owner: &OwnerReference) -> Value {
    let name = cluster.name_any();
    let namespace = cluster.namespace().unwrap_or_default();
    let database = &cluster.data["spec"]["bootstrap"]["initdb"];
    let text = |key: &str| database[key].as_str().unwrap_or("app").to_owned();
    let (user, dbname) = (text("owner"), text("database"));
    let host = format!("{name}-rw");
    let password = uuid::Uuid::new_v4().simple().to_string();
    let place = format!("{host}.{namespace}:{PORT}/{dbname}");
    json!({
        "metadata": metadata(&format!("{name}-app"), &name, owner),
        "type": "kubernetes.io/basic-auth",
        "stringData": {
            "username": user, "user": user, "password": password,
            "host": host, "port": PORT.to_string(), "dbname": dbname,
            "uri": format!("postgresql://{user}:{password}@{place}"),
            "jdbc-uri": format!("jdbc:postgresql://{place}?password={password}&user={user}"),
            "pgpass": format!("{host}:{PORT}:{dbname}:{user}:{password}\n"),
        },
    })
}

fn services(cluster: &str, owner: &OwnerReference) -> Vec<Value> {
    ["rw", "ro", "r"]
        .into_iter()
        .map(|role| {
            json!({
                "metadata": metadata(&format!("{cluster}-{role}"), cluster, owner),
                "spec": {
                    "selector": { CLUSTER: cluster },
                    "ports": [{ "name": "postgres", "port": PORT, "targetPort": PORT }],
                },
            })
        })
        .collect()
}

fn volume(cluster: &DynamicObject, instance: &str, owner: &OwnerReference) -> Value {
    let storage = &cluster.data["spec"]["storage"];
    json!({
        "metadata": metadata(instance, &cluster.name_any(), owner),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": storage["storageClass"],
            "resources": { "requests": { "storage": storage["size"] } },
        },
    })
}

fn pod(cluster: &DynamicObject, instance: &str, owner: &OwnerReference) -> Value {
    let spec = &cluster.data["spec"];
    json!({
        "metadata": metadata(instance, &cluster.name_any(), owner),
        "spec": {
            "automountServiceAccountToken": false,
            "nodeSelector": spec["affinity"]["nodeSelector"],
            "tolerations": spec["affinity"]["tolerations"],
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 26, "runAsGroup": 26, "fsGroup": 26,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [{
                "name": "postgres",
                "image": spec["imageName"].as_str().unwrap_or("ghcr.io/cloudnative-pg/postgresql"),
                "resources": spec["resources"],
                "securityContext": {
                    "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                    "capabilities": { "drop": ["ALL"] },
                },
                "volumeMounts": [{ "name": "pgdata", "mountPath": "/var/lib/postgresql/data" }],
            }],
            "volumes": [{ "name": "pgdata", "persistentVolumeClaim": { "claimName": instance } }],
        },
    })
}

fn is_ready(pod: &Pod) -> bool {
    pod.status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
