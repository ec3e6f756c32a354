//! What every pod of a component keeps to: the Pod Security level `restricted`, its pool, requests and limits.

use serde_json::Value;

/// Components whose charts let nobody set what `restricted` asks for; their roles take `baseline` for their namespaces.
const BASELINE: &[&str] = &["infisical"];
/// Components and kinds whose charts let nobody set resources: a check that runs once, before the installation.
const WITHOUT_RESOURCES: &[(&str, &str)] = &[("flux", "Job")];
/// What looks at every node itself: it runs on all of them, whatever their taints, and sees the host.
const ON_EVERY_NODE: &[(&str, &str)] = &[("monitoring", "DaemonSet"), ("logging", "DaemonSet")];
/// Where the components run.
const POOL: (&str, &str) = ("slipway.dev/pool", "general-restricted");
/// The one taint that they tolerate, as a toleration is written.
const TOLERATED: (&str, &str) = ("CriticalAddonsOnly", "Exists");
/// Kinds of volumes that `restricted` allows.
const VOLUMES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];
/// What `baseline` forbids in a pod.
const HOST: &[&str] = &["hostNetwork", "hostPID", "hostIPC"];

/// The pod template of a workload, with how many pods are made from it; `None` for everything that makes no pods.
pub(super) fn template(object: &Value) -> Option<(u32, &Value)> {
    let spec = &object["spec"];
    let replicas = || u32::try_from(spec["replicas"].as_u64().unwrap_or(1)).ok();
    match object["kind"].as_str()? {
        "Deployment" | "StatefulSet" => Some((replicas()?, &spec["template"]["spec"])),
        "DaemonSet" => Some((1, &spec["template"]["spec"])),
        // It runs once: what it asks for is not there to stay.
        "Job" => Some((0, &spec["template"]["spec"])),
        "CronJob" => Some((0, &spec["jobTemplate"]["spec"]["template"]["spec"])),
        _ => None,
    }
}

/// The containers, those that come first included.
pub(super) fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"]
        .into_iter()
        .flat_map(|key| pod[key].as_array().into_iter().flatten())
}

/// Everything that a pod does not keep to.
pub(super) fn faults(component: &str, kind: &str, pod: &Value) -> Vec<String> {
    let on_every_node = ON_EVERY_NODE.contains(&(component, kind));
    let mut faults = Vec::new();
    if !on_every_node {
        faults.extend(placement(pod));
        faults.extend(baseline(pod));
    }
    for container in containers(pod) {
        let name = container["name"].as_str().unwrap_or("?");
        let mut found = Vec::new();
        if !WITHOUT_RESOURCES.contains(&(component, kind)) {
            found.extend(resources(container));
        }
        if !BASELINE.contains(&component) && !on_every_node {
            found.extend(restricted(pod, container));
        }
        faults.extend(
            found
                .into_iter()
                .map(|fault| format!("container {name} {fault}")),
        );
    }
    faults
}

fn placement(pod: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if pod["nodeSelector"][POOL.0] != POOL.1 {
        faults.push(format!("is not placed on the pool {}", POOL.1));
    }
    let tolerations = pod["tolerations"].as_array().cloned().unwrap_or_default();
    let expected = |toleration: &Value| {
        toleration["key"] == TOLERATED.0 && toleration["operator"] == TOLERATED.1
    };
    if !tolerations.iter().any(expected) {
        faults.push(format!("does not tolerate {}", TOLERATED.0));
    }
    for other in tolerations
        .iter()
        .filter(|toleration| !expected(toleration))
    {
        faults.push(format!("tolerates {other}"));
    }
    faults
}

fn resources(container: &Value) -> Vec<String> {
    let wanted = [
        ("requests", "cpu"),
        ("requests", "memory"),
        ("limits", "memory"),
        ("limits", "cpu"),
    ];
    wanted
        .into_iter()
        .filter(|(kind, what)| container["resources"][kind][what].is_null())
        .map(|(kind, what)| format!("has no {kind}.{what}"))
        .collect()
}

fn baseline(pod: &Value) -> Vec<String> {
    let mut faults: Vec<String> = HOST
        .iter()
        .filter(|key| pod[**key] == true)
        .map(|key| format!("has {key}"))
        .collect();
    for volume in pod["volumes"].as_array().into_iter().flatten() {
        let kinds = volume
            .as_object()
            .into_iter()
            .flat_map(|volume| volume.keys());
        for kind in kinds.filter(|kind| *kind != "name" && !VOLUMES.contains(&kind.as_str())) {
            faults.push(format!("has a volume of kind {kind}"));
        }
    }
    for container in containers(pod) {
        if container["securityContext"]["privileged"] == true {
            faults.push("is privileged".to_owned());
        }
    }
    faults
}

fn restricted(pod: &Value, container: &Value) -> Vec<String> {
    let own = &container["securityContext"];
    let either = |key: &str| {
        if own[key].is_null() {
            &pod["securityContext"][key]
        } else {
            &own[key]
        }
    };
    let mut faults = Vec::new();
    if own["allowPrivilegeEscalation"] != false {
        faults.push("may escalate privileges".to_owned());
    }
    if *either("runAsNonRoot") != true {
        faults.push("may run as root".to_owned());
    }
    if !matches!(
        either("seccompProfile")["type"].as_str(),
        Some("RuntimeDefault" | "Localhost")
    ) {
        faults.push("has no seccomp profile".to_owned());
    }
    let dropped = own["capabilities"]["drop"].as_array();
    if !dropped.is_some_and(|all| all.iter().any(|name| name == "ALL")) {
        faults.push("keeps capabilities".to_owned());
    }
    faults
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::faults;
    use serde_json::json;

    fn good() -> serde_json::Value {
        json!({
            "nodeSelector": { "slipway.dev/pool": "general-restricted" },
            "tolerations": [{ "key": "CriticalAddonsOnly", "operator": "Exists" }],
            "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
            "containers": [{
                "name": "web",
                "resources": { "requests": { "cpu": "1", "memory": "1Gi" }, "limits": { "cpu": "1", "memory": "1Gi" } },
                "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
            }],
        })
    }

    #[test]
    fn a_good_pod_has_no_faults() {
        assert!(faults("kong", "Deployment", &good()).is_empty());
    }

    #[test]
    fn each_fault_is_found() {
        let mut pod = good();
        for (pointer, value, fault) in [
            (
                "/nodeSelector/slipway.dev~1pool",
                json!("spot"),
                "is not placed on the pool general-restricted",
            ),
            (
                "/tolerations/0/operator",
                json!("Equal"),
                "does not tolerate CriticalAddonsOnly",
            ),
            (
                "/containers/0/resources/limits/memory",
                json!(null),
                "container web has no limits.memory",
            ),
            (
                "/containers/0/securityContext/allowPrivilegeEscalation",
                json!(true),
                "container web may escalate privileges",
            ),
            (
                "/containers/0/securityContext/capabilities/drop",
                json!([]),
                "container web keeps capabilities",
            ),
            (
                "/securityContext/runAsNonRoot",
                json!(false),
                "container web may run as root",
            ),
            (
                "/securityContext/seccompProfile/type",
                json!("Unconfined"),
                "container web has no seccomp profile",
            ),
        ] {
            let before = pod.pointer(pointer).unwrap().clone();
            *pod.pointer_mut(pointer).unwrap() = value;
            assert!(
                faults("kong", "Deployment", &pod).contains(&fault.to_owned()),
                "{fault}: {:?}",
                faults("kong", "Deployment", &pod)
            );
            *pod.pointer_mut(pointer).unwrap() = before;
        }
        pod["volumes"] = json!([{ "name": "x", "hostPath": { "path": "/" } }]);
        pod["hostNetwork"] = json!(true);
        assert_eq!(
            faults("infisical", "Deployment", &pod),
            ["has hostNetwork", "has a volume of kind hostPath"]
        );
    }
}
