//! Prometheus and Alertmanager as their operator would run them: a `StatefulSet` with the volumes that the resource asks
//! for. Its pods are fake like all others: nothing is scraped and no alert is sent.

use anyhow::Result;
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::api::DynamicObject;
use kube::runtime::controller::Action;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::super::standin::PENDING;
use super::{conditions, create, owner};

/// Makes what belongs to the resource; answers its status and when to look again.
pub(super) async fn make(
    client: &kube::Client,
    resource: &DynamicObject,
) -> Result<(Value, Action)> {
    let namespace = resource.namespace().unwrap_or_default();
    let program = program(resource);
    let name = format!("{program}-{}", resource.name_any());
    let wanted = resource.data["spec"]["replicas"].as_i64().unwrap_or(1);
    create::<StatefulSet>(client, &namespace, stateful_set(resource, &program, &name)?).await?;
    let sets: Api<StatefulSet> = Api::namespaced(client.clone(), &namespace);
    let ready = sets
        .get_opt(&name)
        .await?
        .and_then(|set| set.status?.ready_replicas)
        .unwrap_or(0);
    let available = i64::from(ready) >= wanted;
    let mut status = conditions(resource, &[("Available", available), ("Reconciled", true)]);
    status["replicas"] = json!(wanted);
    status["availableReplicas"] = json!(ready);
    status["updatedReplicas"] = json!(ready);
    status["unavailableReplicas"] = json!((wanted - i64::from(ready)).max(0));
    status["paused"] = json!(false);
    let again = if available {
        Action::await_change()
    } else {
        Action::requeue(PENDING)
    };
    Ok((status, again))
}

fn program(resource: &DynamicObject) -> String {
    let kind = resource
        .types
        .as_ref()
        .map(|types| types.kind.to_lowercase());
    kind.unwrap_or_default()
}

fn stateful_set(resource: &DynamicObject, program: &str, name: &str) -> Result<Value> {
    let spec = &resource.data["spec"];
    let volume = format!("{name}-db");
    let mut template = spec["storage"]["volumeClaimTemplate"].clone();
    let claims = if template.is_object() {
        template["metadata"] = json!({ "name": volume });
        json!([template])
    } else {
        json!([])
    };
    let labels = json!({ "app.kubernetes.io/name": program, "app.kubernetes.io/instance": resource.name_any() });
    Ok(json!({
        "metadata": { "name": name, "labels": labels, "ownerReferences": [owner(resource)?] },
        "spec": {
            "replicas": spec["replicas"],
            "serviceName": format!("{program}-operated"),
            "podManagementPolicy": "Parallel",
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "nodeSelector": spec["nodeSelector"],
                    "tolerations": spec["tolerations"],
                    "securityContext": spec["securityContext"],
                    "containers": [{
                        "name": program,
                        "image": "stand-in",
                        "resources": spec["resources"],
                        "securityContext": {
                            "allowPrivilegeEscalation": false,
                            "readOnlyRootFilesystem": true,
                            "capabilities": { "drop": ["ALL"] },
                        },
                    }],
                },
            },
            "volumeClaimTemplates": claims,
        },
    }))
}
