# SPDX-License-Identifier: Apache-2.0
"""Why a namespace is not ready: pure functions from what the cluster says to sentences."""

# The first text found in a cause decides which error it is (docs/errors.md) and what to advise.
KNOWN = (
    ("immutable after creation", "SLW-371", "delete the volume claim if it is Pending, when it holds nothing, and apply again"),
    ("violates PodSecurity", "SLW-378", "change the values so that the pod keeps to the namespace's Pod Security level"),
    ("denied the request", "SLW-378", "change the values so that the object keeps to the policy that the cause names"),
    ("exceeded quota", "SLW-376", "raise the ResourceQuota of the namespace or lower the resources in the values"),
    ("failed quota", "SLW-376", "set the requests and limits that the ResourceQuota of the namespace asks for"),
    ("x509: ", "SLW-377", "see whether the certificate was issued, and apply again once it is"),
    ("has no caBundle", "SLW-374", "see why the certificate of the webhook was not made; its component may still be starting"),
    ("failed calling webhook", "SLW-374", "see why the webhook's own pods do not answer, or remove its configuration"),
    ("no matches for kind", "SLW-375", "enable the component that brings the kind, or choose a version that does without it"),
    ("ensure CRDs are installed first", "SLW-375", "enable the component that brings the kind, or choose a version that does without it"),
    ("Insufficient", "SLW-370", "raise max_nodes or the plan of the pool, or lower the resources in the values"),
    ("unbound immediate PersistentVolumeClaims", "SLW-371", "see why the volume is not bound; check the storage class and its size"),
    ("node affinity/selector", "SLW-370", "check nodeSelector in the values against the labels of the node pools"),
    ("untolerated taint", "SLW-370", "check tolerations in the values against the taints of the node pools"),
    ("is Unschedulable", "SLW-370", "check the requests and the placement rules in the values against the node pools"),
    ("ImagePull", "SLW-372", "check image name, tag and pull secret in the values, and that the nodes reach the registry"),
    ("InvalidImageName", "SLW-372", "mend the image name in the values"),
    ("CreateContainerConfigError", "SLW-381", "create the Secret or ConfigMap that the pod names"),
    ("OOMKilled", "SLW-373", "raise the memory limit in the values"),
    ("CrashLoopBackOff", "SLW-373", "mend what the container's last lines name; all of them: kubectl logs --previous"),
    ("ended with exit code", "SLW-373", "mend what the container's last lines name; all of them: kubectl logs --previous"),
    ("storageclass", "SLW-371", "name a storage class that the cluster has"),
    ("StorageClass", "SLW-371", "name a storage class that the cluster has"),
    ("PersistentVolumeClaim ", "SLW-371", "see why the volume is not bound; check the storage class and its size"),
    ("Certificate ", "SLW-377", "check the issuer, and the DNS records of the names in the certificate"),
    ("not found in http", "SLW-382", "name a chart version that the repository has"),
    (" is invalid: ", "SLW-382", "mend the values: the API server refuses the object that they make"),
    ("values don't meet the specifications", "SLW-382", "mend the values: the chart's schema refuses them"),
    ("failed pre-install", "SLW-379", "see why the job that checks the cluster did not end"),
    ("load balancer", "SLW-380", "check the account's load balancer limit and the events of the Service"),
)
UNKNOWN = ("SLW-379", "look at the events of the namespace (kubectl events), or give it more time with slipway.wait_seconds")


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


def stuck_pods(pods, events, last_lines=lambda pod, container: ""):
    """One sentence for each pod that is neither Ready nor done, with the cluster's reason; a container that ended is
    asked for its last lines."""
    return [sentence for sentence in (_pod(pod, events, last_lines) for pod in pods) if sentence]


def _pod(pod, events, last_lines):
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    if status.get("phase") == "Succeeded" or (conditions.get("Ready") or {}).get("status") == "True":
        return None
    scheduled = conditions.get("PodScheduled") or {}
    if scheduled.get("status") == "False":
        return f"Pod {name} is {scheduled.get('reason', 'Unschedulable')}: {scheduled.get('message', '')}"
    for container in (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or []):
        cause = _container(container)
        if not cause:
            continue
        ended = _ended(container)
        said = ended and ((ended.get("message") or "").strip() or last_lines(name, container["name"]).strip())
        said = f'; it said last: "{said}"' if said else ""
        return f"Pod {name}, container {container['name']}: {cause}{said}" + _because(events, "Pod", name)
    return f"Pod {name} is {status.get('phase', 'Unknown')} but not Ready" + _because(events, "Pod", name)


def _container(container):
    waiting = (container.get("state") or {}).get("waiting")
    ended = _ended(container)
    parts = []
    if waiting and waiting.get("reason") != "PodInitializing":
        parts.append(f"{waiting.get('reason')} {waiting.get('message', '')}".strip())
    if ended:
        parts.append(f"ended with exit code {ended['exitCode']} ({ended.get('reason')})")
    return "; ".join(parts)


def _ended(container):
    """How the container ended last, unless that was as it should."""
    states = [(container.get(state) or {}).get("terminated") for state in ("state", "lastState")]
    return next((ended for ended in states if ended and ended.get("exitCode")), None)


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


def unissued_certificates(certificates):
    """One sentence for each certificate that its issuer has not made."""
    return [
        f"Certificate {certificate['metadata']['name']} is not issued: {condition.get('message', condition.get('reason', ''))}"
        for certificate in certificates
        for condition in (certificate.get("status") or {}).get("conditions") or []
        if condition.get("type") == "Ready" and condition.get("status") != "True"
    ]


def message(namespace, because, waiting, causes):
    """Which error it is, what happened, to which object, why, and what to do."""
    sentences = [because] if because else []
    if waiting:
        sentences.append(f"namespace {namespace} is not ready: " + "; ".join(waiting))
    if causes:
        sentences.append("Why: " + "; ".join(causes))
    code, what = known_as([because or ""] + causes + waiting)
    sentences.append(f"What to do: {what}")
    return f"{code}: " + ". ".join(sentence.rstrip(". ") for sentence in sentences) + "."


def _because(events, kind, name):
    event = _newest(events).get((kind, name))
    return f": {event['message'].strip()}" if event else ""


def _newest(events):
    newest = {}
    for event in sorted(events, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or ""):
        about = event["involvedObject"]
        newest[about.get("kind"), about.get("name")] = event
    return newest


def known_as(causes):
    """The code of the error and what to do, by the first cause that is known."""
    for cause in causes:
        for text, code, what in KNOWN:
            if text in cause:
                return code, what
    return UNKNOWN
