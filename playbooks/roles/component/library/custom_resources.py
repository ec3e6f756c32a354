#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Wait until custom resources say that they are ready, and say which are not."""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.slipway_cluster import CONNECTION_ARGUMENTS, ApiException, connect, explain
from ansible.module_utils.slipway_conditions import lacking, title

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
