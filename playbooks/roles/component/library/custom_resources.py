#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Wait until custom resources say that they are ready, and say which are not."""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.slipway_cluster import CONNECTION_ARGUMENTS, ApiException, connect, explain

try:
    from kubernetes.dynamic import DynamicClient
    from kubernetes.dynamic.exceptions import ResourceNotFoundError
except ImportError:  # connect() tells the user
    DynamicClient = None
    ResourceNotFoundError = LookupError

DOCUMENTATION = r"""
module: custom_resources
short_description: Wait until custom resources say that they are ready
description:
  - Each object names either a condition that must be True or fields of its status and their values.
  - Does not fail by itself when they are not ready, so that a task can repeat it with C(until) and show each step.
options:
  kubeconfig: {type: path, required: true, description: File with the access to the cluster.}
  objects:
    type: list
    elements: dict
    required: true
    description: What to wait for.
    suboptions:
      api_version: {type: str, required: true, description: API group and version.}
      kind: {type: str, required: true, description: Kind.}
      name: {type: str, required: true, description: Name.}
      namespace: {type: str, description: Namespace, if the kind has any.}
      condition: {type: str, description: Condition that must be True for the object as it stands.}
      fields: {type: dict, default: {}, description: "Path below the status, as in C(phase), to the value it must have."}
      optional: {type: bool, default: false, description: Whether it counts as ready when it does not exist.}
  timeout: {type: int, default: 15, description: Seconds to wait at most.}
"""
RETURN = r"""
ready: {type: bool, returned: always, description: Whether nothing is left to wait for.}
msg: {type: str, returned: always, description: "What is not ready, and what it says about itself."}
"""

LOOK_EVERY_SECONDS = 0.5
OBJECT_OPTIONS = {
    "api_version": {"type": "str", "required": True},
    "kind": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str"},
    "condition": {"type": "str"},
    "fields": {"type": "dict", "default": {}},
    "optional": {"type": "bool", "default": False},
}


def title(wanted):
    """How messages name an object."""
    place = f"{wanted['namespace']}/" if wanted.get("namespace") else ""
    return f"{wanted['kind']} {place}{wanted['name']}"


def lacking(wanted, found):
    """What an object lacks, in one sentence; nothing when it is ready."""
    if found is None:
        return None if wanted["optional"] else f"{title(wanted)} does not exist"
    status = found.get("status") or {}
    if wanted["condition"]:
        return _condition(wanted, found, status)
    for path, value in wanted["fields"].items():
        seen = _below(status, path)
        if seen != value:
            return f"{title(wanted)} has status.{path} {seen!r} instead of {value!r}" + _words(status)
    return None


def _condition(wanted, found, status):
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    condition = conditions.get(wanted["condition"])
    if condition is None:
        return f"{title(wanted)} has no condition {wanted['condition']} yet; nobody has looked at it"
    if condition.get("observedGeneration", found["metadata"].get("generation")) != found["metadata"].get("generation"):
        return f"{title(wanted)} has changed since its condition {wanted['condition']} was set"
    if condition.get("status") == "True":
        return None
    reason = ": ".join(text for text in (condition.get("reason"), condition.get("message")) if text)
    return f"{title(wanted)} is not {wanted['condition']}" + (f" ({reason})" if reason else "")


def _below(status, path):
    for key in path.split("."):
        status = status.get(key) if isinstance(status, dict) else None
    return status


def _words(status):
    said = status.get("phaseReason") or status.get("message")
    return f" ({said})" if said else ""


class Objects:
    """The objects of the cluster that are waited for."""

    def __init__(self, api):
        self.api = api
        self.dynamic = None

    def read(self, wanted):
        """The object, or None when the cluster has it not, or not even its kind."""
        try:
            # Kinds may have come a moment ago: what was discovered before them does not know them.
            self.dynamic = self.dynamic or DynamicClient(self.api)
            resource = self.dynamic.resources.get(api_version=wanted["api_version"], kind=wanted["kind"])
            return resource.get(name=wanted["name"], namespace=wanted["namespace"]).to_dict()
        except ResourceNotFoundError:
            self.dynamic = None
            return None
        except ApiException as error:
            if error.status == 404:
                return None
            raise


def main():
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **CONNECTION_ARGUMENTS,
            "objects": {"type": "list", "elements": "dict", "required": True, "options": OBJECT_OPTIONS},
            "timeout": {"type": "int", "default": 15},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, ready=True, msg="not waited for in check mode")
    cluster, started = Objects(connect(module)), time.monotonic()
    try:
        while True:
            sentences = [lacking(wanted, cluster.read(wanted)) for wanted in module.params["objects"]]
            waiting = [sentence for sentence in sentences if sentence]
            if not waiting or time.monotonic() - started > module.params["timeout"]:
                break
            time.sleep(LOOK_EVERY_SECONDS)
    except ApiException as error:
        module.fail_json(msg=f"cannot look at {', '.join(map(title, module.params['objects']))}: {explain(error)}")
    advice = ". What to do: see the log of the program that owns the kind, and the events of the object."
    module.exit_json(changed=False, ready=not waiting, msg="; ".join(waiting) + advice if waiting else "ready")


if __name__ == "__main__":
    main()
