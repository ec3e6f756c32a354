# SPDX-License-Identifier: Apache-2.0
"""Why a namespace is not ready: pure functions from what the cluster says to sentences."""

# The first text found in a cause decides what to advise.
ADVICE = (
    ("immutable after creation", "delete the volume claim if it is Pending, when it holds nothing, and apply again"),
    ("violates PodSecurity", "change the values so that the pod keeps to the namespace's Pod Security level"),
    ("Insufficient", "raise max_nodes or the plan of the pool, or lower the resources in the values"),
    ("unbound immediate PersistentVolumeClaims", "see why the volume is not bound; check the storage class and its size"),
    ("node affinity/selector", "check nodeSelector in the values against the labels of the node pools"),
    ("untolerated taint", "check tolerations in the values against the taints of the node pools"),
    ("ImagePull", "check image name, tag and pull secret in the values, and that the nodes reach the registry"),
    ("InvalidImageName", "mend the image name in the values"),
    ("CreateContainerConfigError", "create the Secret or ConfigMap that the pod names"),
    ("OOMKilled", "raise the memory limit in the values"),
    ("CrashLoopBackOff", "read the log of the container: kubectl logs --previous"),
    ("failed calling webhook", "see why the webhook's own pods do not answer, or remove its configuration"),
    ("exceeded quota", "raise the ResourceQuota of the namespace or lower the resources in the values"),
    ("storageclass", "name a storage class that the cluster has"),
    ("StorageClass", "name a storage class that the cluster has"),
    ("not found in http", "name a chart version that the repository has"),
    (" is invalid: ", "mend the values: the API server refuses the object that they make"),
    ("values don't meet the specifications", "mend the values: the chart's schema refuses them"),
    ("failed pre-install", "see why the job that checks the cluster did not end"),
    ("load balancer", "check the account's load balancer limit and the events of the Service"),
)
DEFAULT_ADVICE = "look at the events of the namespace: kubectl events"


def unready_workloads(workloads):
    """One sentence for each workload that has not rolled out."""
    return [sentence for sentence in map(_rollout, workloads) if sentence]


def _rollout(workload):
    name = f"{workload['kind']} {workload['metadata']['name']}"
    status = workload.get("status") or {}
    if (status.get("observedGeneration") or 0) < workload["metadata"].get("generation", 0):
        return f"{name} has not been looked at by its controller"
    wanted, updated, ready = _pods(workload, status)
    if updated < wanted or ready < wanted:
        return f"{name} has {min(updated, ready)} of {wanted} new pods Ready"
    # A pod of the old kind stays until a new one is Ready, and must not be taken for it.
    old = status.get("replicas", 0) - updated
    if workload["kind"] == "Deployment" and old > 0:
        return f"{name} still runs {old} pod(s) of the old kind, since the new ones are not Ready"
    return None


def _pods(workload, status):
    if workload["kind"] == "DaemonSet":
        return status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0), status.get("numberReady", 0)
    wanted, updated = workload["spec"].get("replicas", 1), status.get("updatedReplicas", 0)
    if workload["kind"] == "StatefulSet" and status.get("currentRevision") == status.get("updateRevision"):
        updated = wanted
    return wanted, updated, status.get("readyReplicas", 0)


def unbound_claims(claims, events):
    """One sentence for each volume claim that has no volume."""
    return [
        f"PersistentVolumeClaim {name} (class {claim['spec'].get('storageClassName')}) is {phase}"
        + _because(events, "PersistentVolumeClaim", name)
        for claim in claims
        for name, phase in [(claim["metadata"]["name"], (claim.get("status") or {}).get("phase"))]
        if phase != "Bound"
    ]


def unaddressed_services(services, events):
    """One sentence for each load balancer without an address."""
    return [
        f"Service {name} has no load balancer address" + _because(events, "Service", name)
        for service in services
        for name in [service["metadata"]["name"]]
        if service["spec"].get("type") == "LoadBalancer"
        and not ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    ]


def stuck_pods(pods, events):
    """One sentence for each pod that is neither Ready nor done, with the cluster's reason."""
    return [sentence for sentence in (_pod(pod, events) for pod in pods) if sentence]


def _pod(pod, events):
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    if status.get("phase") == "Succeeded" or (conditions.get("Ready") or {}).get("status") == "True":
        return None
    scheduled = conditions.get("PodScheduled") or {}
    if scheduled.get("status") == "False":
        return f"Pod {name} is {scheduled.get('reason', 'Unschedulable')}: {scheduled.get('message', '')}"
    for container in (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or []):
        cause = _container(container)
        if cause:
            return f"Pod {name}, container {container['name']}: {cause}" + _because(events, "Pod", name)
    return f"Pod {name} is {status.get('phase', 'Unknown')} but not Ready" + _because(events, "Pod", name)


def _container(container):
    waiting = (container.get("state") or {}).get("waiting")
    ended = (container.get("state") or {}).get("terminated") or (container.get("lastState") or {}).get("terminated")
    parts = []
    if waiting and waiting.get("reason") != "PodInitializing":
        parts.append(f"{waiting.get('reason')} {waiting.get('message', '')}".strip())
    if ended and ended.get("exitCode"):
        parts.append(f"ended with exit code {ended['exitCode']} ({ended.get('reason')})")
    return "; ".join(parts)


def refused_pods(events, owners):
    """One sentence for each workload whose pods the API server refuses to make."""
    return [
        f"{kind} {name}: {event['message']}"
        for (kind, name), event in _newest(events).items()
        if event.get("reason") in ("FailedCreate", "ReplicaSetCreateError")
        and any(name == owner or name.startswith(f"{owner}-") for owner in owners)
    ]


def unsigned_webhooks(configurations, namespace):
    """One sentence for each admission webhook of the namespace that nobody can trust yet."""
    return [
        f"webhook {webhook['name']} of {configuration['metadata']['name']} has no caBundle"
        for configuration in configurations
        for webhook in configuration.get("webhooks") or []
        if ((webhook["clientConfig"].get("service") or {}).get("namespace")) == namespace
        and not webhook["clientConfig"].get("caBundle")
    ]


def _because(events, kind, name):
    event = _newest(events).get((kind, name))
    return f": {event['message'].strip()}" if event else ""


def _newest(events):
    newest = {}
    for event in sorted(events, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or ""):
        about = event["involvedObject"]
        newest[about.get("kind"), about.get("name")] = event
    return newest


def advice(causes):
    """What to do, by the first cause that is known."""
    for cause in causes:
        for text, what in ADVICE:
            if text in cause:
                return what
    return DEFAULT_ADVICE
