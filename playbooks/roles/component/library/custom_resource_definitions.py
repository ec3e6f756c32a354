#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Apply the CRD files of a folder by server-side apply and wait until they are served."""

import pathlib
import time

import yaml

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.slipway_cluster import (
    CONNECTION_ARGUMENTS,
    FIELD_MANAGER,
    ApiException,
    as_object,
    connect,
    explain,
    items,
)

DOCUMENTATION = r"""
module: custom_resource_definitions
short_description: Apply the CRD files of a folder by server-side apply and wait until they are served
description:
  - Takes them file by file, since together they are too large to travel through task arguments.
options:
  kubeconfig: {type: path, required: true, description: File with the access to the cluster.}
  path: {type: path, required: true, description: Folder with the YAML files.}
  present:
    type: str
    choices: [keep, replace]
    default: replace
    description: What to do with a definition that the cluster has; C(keep) leaves it to the program that owns it.
  timeout: {type: int, default: 60, description: Seconds to wait until they are served.}
"""
RETURN = r"""
written: {type: list, returned: success, description: Names of the definitions that were made or changed.}
"""

LOOK_EVERY_SECONDS = 0.2
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def definitions(folder):
    """The definitions of all files, by name."""
    found = {}
    for file in sorted(pathlib.Path(folder).glob("*.y*ml")):
        for definition in yaml.load_all(file.read_text(encoding="utf-8"), Loader=Loader):
            if definition:
                definition.pop("status", None)
                found[definition["metadata"]["name"]] = definition
    return found


def established(definition):
    """Whether the API server serves the kind."""
    conditions = (definition.get("status") or {}).get("conditions") or []
    return any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions)


def fingerprint(definition, dry_run):
    """What moves when a write changed something; a dry run leaves the resource version alone."""
    metadata = definition["metadata"]
    return metadata.get("generation") if dry_run else metadata.get("resourceVersion")


class Definitions:
    """The cluster's custom resource definitions. Whole ones are large, so all of them together are read without their contents."""

    PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

    def __init__(self, api):
        self.api = api

    def _ask(self, method, path, **how):
        return self.api.call_api(
            path, method, auth_settings=["BearerToken"], _preload_content=False, _return_http_data_only=True, **how
        )

    def all(self):
        """Those the cluster has, by name: their metadata alone."""
        only = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        answer = self._ask("GET", self.PATH, header_params={"Accept": only})
        return {definition["metadata"]["name"]: definition for definition in items(answer)}

    def read(self, name):
        """One, with all that it says."""
        return as_object(self._ask("GET", f"{self.PATH}/{name}", header_params={"Accept": "application/json"}))

    def apply(self, definition, dry_run):
        """The definition after server-side apply."""
        query = [("fieldManager", FIELD_MANAGER), ("force", "true")] + [("dryRun", "All")] * dry_run
        # The client's own patch method cannot send this content type.
        headers = {"Accept": "application/json", "Content-Type": "application/apply-patch+yaml"}
        place = f"{self.PATH}/{definition['metadata']['name']}"
        return as_object(self._ask("PATCH", place, query_params=query, header_params=headers, body=definition))


def main():
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **CONNECTION_ARGUMENTS,
            "path": {"type": "path", "required": True},
            "present": {"type": "str", "choices": ["keep", "replace"], "default": "replace"},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    cluster, written, name = Definitions(connect(module)), [], "(list)"
    try:
        present = cluster.all()
        wanted = definitions(module.params["path"])
        for name, definition in wanted.items():
            if name in present and module.params["present"] == "keep":
                continue
            after = cluster.apply(definition, module.check_mode)
            before = present.get(name)
            if before is None or fingerprint(before, module.check_mode) != fingerprint(after, module.check_mode):
                written.append(name)
        if not module.check_mode:
            wait_until_served(module, cluster, wanted)
    except ApiException as error:
        module.fail_json(msg=f"CustomResourceDefinition {name}: {explain(error)}")
    module.exit_json(changed=bool(written), written=written)


def wait_until_served(module, cluster, wanted):
    """End the module unless all of them are established in time."""
    deadline = time.monotonic() + module.params["timeout"]
    missing = list(wanted)
    while True:
        while missing and established(cluster.read(missing[0])):
            missing.pop(0)
        if not missing:
            return
        if time.monotonic() > deadline:
            module.fail_json(msg=f"not served after {module.params['timeout']} s: {', '.join(missing)}")
        time.sleep(LOOK_EVERY_SECONDS)


if __name__ == "__main__":
    main()
