#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Wait until everything in a namespace is ready, and say why it is not."""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.slipway_cluster import CONNECTION_ARGUMENTS, ApiException, client, connect, explain, items, or_none
from ansible.module_utils.slipway_diagnosis import (
    message,
    refused_pods,
    stuck_pods,
    unaddressed_services,
    unbound_claims,
    unissued_certificates,
    unready_workloads,
    unsigned_webhooks,
)

DOCUMENTATION = r"""
module: workloads
short_description: Wait until everything in a namespace is ready, and say why it is not
description:
  - Looks at Deployments, StatefulSets, DaemonSets, volume claims and load balancers.
  - Does not fail by itself when they are not ready, so that a task can repeat it with C(until) and show each step.
options:
  kubeconfig: {type: path, required: true, description: File with the access to the cluster.}
  namespace: {type: str, required: true, description: Namespace to look at.}
  timeout: {type: int, default: 15, description: Seconds to wait at most.}
  because: {type: str, description: What went wrong before; opens the message.}
"""
RETURN = r"""
ready: {type: bool, returned: always, description: Whether nothing is left to wait for.}
msg: {type: str, returned: always, description: "Which error it is, what is not ready, why, and what to do."}
addresses: {type: dict, returned: always, description: Address of each Service that has a load balancer.}
unbound: {type: list, returned: always, description: Names of the volume claims that have no volume.}
causes: {type: list, returned: always, description: "One sentence a cause, the deepest first."}
"""

LOOK_EVERY_SECONDS = 0.5
LAST_LINES = 5


class Namespace:
    """What the cluster says about one namespace."""

    def __init__(self, api, name):
        self.name = name
        self.apps = client.AppsV1Api(api)
        self.core = client.CoreV1Api(api)
        self.admission = client.AdmissionregistrationV1Api(api)

    def _list(self, call, **kwargs):
        return items(call(self.name, _preload_content=False, **kwargs))

    def workloads(self):
        """Everything that makes pods, each with its kind."""
        kinds = {
            "Deployment": self.apps.list_namespaced_deployment,
            "StatefulSet": self.apps.list_namespaced_stateful_set,
            "DaemonSet": self.apps.list_namespaced_daemon_set,
        }
        return [{**workload, "kind": kind} for kind, call in kinds.items() for workload in self._list(call)]

    def waiting_for(self):
        """Sentences about what is not there yet; cheap enough to ask twice a second."""
        return (
            unready_workloads(self.workloads())
            + unbound_claims(self._list(self.core.list_namespaced_persistent_volume_claim), [])
            + unaddressed_services(self._list(self.core.list_namespaced_service), [])
        )

    def addresses(self):
        """The address of each Service that has a load balancer."""
        return {
            service["metadata"]["name"]: ingress[0].get("ip") or ingress[0].get("hostname")
            for service in self._list(self.core.list_namespaced_service)
            for ingress in [(service["status"].get("loadBalancer") or {}).get("ingress")]
            if ingress
        }

    def unbound(self):
        """The volume claims that have no volume."""
        claims = self._list(self.core.list_namespaced_persistent_volume_claim)
        return [claim["metadata"]["name"] for claim in claims if claim["status"].get("phase") == "Pending"]

    def certificates(self):
        """The certificates of cert-manager; none in a cluster without it."""
        call = client.CustomObjectsApi(self.core.api_client).list_namespaced_custom_object
        found = or_none(call, "cert-manager.io", "v1", self.name, "certificates")
        return (found or {}).get("items") or []

    def last_lines(self, pod, container):
        """What a container wrote before it ended; nothing when its node does not tell."""
        try:
            answer = self.core.read_namespaced_pod_log(
                pod, self.name, container=container, previous=True, tail_lines=LAST_LINES, _preload_content=False
            )
        except ApiException:
            return ""
        return answer.data.decode("utf-8", "replace")

    def causes(self):
        """Sentences about why, the deepest cause first."""
        events = self._list(self.core.list_namespaced_event, field_selector="type=Warning")
        owners = [workload["metadata"]["name"] for workload in self.workloads()]
        webhooks = [
            configuration
            for call in (
                self.admission.list_validating_webhook_configuration,
                self.admission.list_mutating_webhook_configuration,
            )
            for configuration in items(call(_preload_content=False))
        ]
        return (
            refused_pods(events, owners)
            + unbound_claims(self._list(self.core.list_namespaced_persistent_volume_claim), events)
            + stuck_pods(self._list(self.core.list_namespaced_pod), events, self.last_lines)
            + unissued_certificates(self.certificates())
            + unaddressed_services(self._list(self.core.list_namespaced_service), events)
            + unsigned_webhooks(webhooks, self.name)
        )


def main():
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **CONNECTION_ARGUMENTS,
            "namespace": {"type": "str", "required": True},
            "timeout": {"type": "int", "default": 15},
            "because": {"type": "str"},
        },
        supports_check_mode=True,
    )
    nothing = {"changed": False, "ready": True, "addresses": {}, "unbound": [], "causes": []}
    if module.check_mode:
        module.exit_json(**nothing, msg="not waited for in check mode")
    namespace = Namespace(connect(module), module.params["namespace"])
    because, started = module.params["because"], time.monotonic()
    try:
        waiting = namespace.waiting_for()
        while waiting and time.monotonic() - started < module.params["timeout"]:
            time.sleep(LOOK_EVERY_SECONDS)
            waiting = namespace.waiting_for()
        if not waiting and not because:
            module.exit_json(**{**nothing, "addresses": namespace.addresses()}, msg="ready")
        causes, unbound = namespace.causes(), namespace.unbound()
    except ApiException as error:
        module.fail_json(msg=f"cannot look at namespace {namespace.name}: {explain(error)}")
    said = message(namespace.name, because, waiting, causes)
    module.exit_json(**{**nothing, "ready": False, "unbound": unbound, "causes": causes}, msg=said)


if __name__ == "__main__":
    main()
