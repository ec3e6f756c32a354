#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Make Secrets whose values are made here once and are never shown."""

import base64
import secrets
import string

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.slipway_cluster import (
    CONNECTION_ARGUMENTS,
    SECRETS_VERSION,
    ApiException,
    client,
    connect,
    decoded,
    explain,
    noted_version,
    or_none,
    write_secret,
)

DOCUMENTATION = r"""
module: generated_secret
short_description: Make Secrets whose values are made here once and are never shown
description:
  - A generated value is made when its key is missing. Only those under C(rotate) are ever made anew, once for each higher C(version).
  - No value is returned, so none reaches Ansible's variables, output or events.
options:
  kubeconfig: {type: path, required: true, description: File with the access to the cluster.}
  namespace: {type: str, required: true, description: Namespace of the Secrets.}
  labels: {type: dict, default: {}, description: Labels that the Secrets get when they are made.}
  version:
    type: int
    default: 1
    description: A Secret that notes a lower one gets new values under C(rotate), and notes this one in the same write.
  secrets:
    type: list
    elements: dict
    required: true
    description: The Secrets, in order; a later one may be made from an earlier one.
    suboptions:
      name: {type: str, required: true, description: Name of the Secret.}
      labels: {type: dict, default: {}, description: Labels of this Secret beside those of all.}
      generate:
        type: dict
        default: {}
        description: Key to C(alphabet:length); the alphabet is hex, alphanumeric, upper or base64 (length counts bytes).
      rotate:
        type: list
        elements: str
        default: []
        description: The keys whose values may be replaced, because everybody who reads them reads them anew. Generated ones are made anew here.
      initial: {type: dict, default: {}, description: Key to the value that is taken instead of making one.}
      values: {type: dict, default: {}, description: Key to a value that is kept as given.}
      sources:
        type: dict
        default: {}
        description: Name to C({namespace, name, key}) of a value in another Secret, for templates.
      templates:
        type: dict
        default: {}
        description: Key to a text in which ${name} stands for a source or for a key of this Secret.
"""
RETURN = r"""
written: {type: list, returned: success, description: "The keys that were written, as Secret/key."}
versions: {type: dict, returned: success, description: Resource version of each Secret; it moves when a value does.}
labels: {type: dict, returned: success, description: Labels of each Secret.}
"""

ALPHABETS = {
    "hex": "0123456789abcdef",
    "alphanumeric": string.ascii_letters + string.digits,
    "upper": string.ascii_uppercase + string.digits,
}
SECRET_OPTIONS = {
    "name": {"type": "str", "required": True},
    "labels": {"type": "dict", "default": {}},
    "generate": {"type": "dict", "default": {}, "no_log": False},
    "rotate": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "initial": {"type": "dict", "default": {}, "no_log": True},
    "values": {"type": "dict", "default": {}, "no_log": True},
    "sources": {"type": "dict", "default": {}, "no_log": False},
    "templates": {"type": "dict", "default": {}, "no_log": False},
}


class MissingSource(Exception):
    """A value that a Secret is made from is not there."""


def generated(specification):
    """A fresh value for C(alphabet:length)."""
    alphabet, _, length = specification.partition(":")
    if alphabet == "base64":
        return base64.b64encode(secrets.token_bytes(int(length))).decode()
    return "".join(secrets.choice(ALPHABETS[alphabet]) for _ in range(int(length)))


def target(wanted, present, sources, rotated):
    """Every value that the Secret shall hold; those in rotated are made anew."""
    made = {
        key: (None if key in rotated else present.get(key)) or wanted["initial"].get(key) or generated(specification)
        for key, specification in wanted["generate"].items()
    }
    known = {**sources, **present, **made, **wanted["values"]}
    filled = {key: string.Template(text).substitute(known) for key, text in wanted["templates"].items()}
    return {**made, **wanted["values"], **filled}


class Secrets:
    """The Secrets of one namespace."""

    def __init__(self, api, namespace, labels, version, check_mode):
        self.core = client.CoreV1Api(api)
        self.namespace = namespace
        self.labels = labels
        self.version = version
        self.check_mode = check_mode

    def ensure(self, wanted):
        """Bring one Secret about; answers the keys written and its metadata."""
        name = wanted["name"]
        secret = or_none(self.core.read_namespaced_secret, name, self.namespace)
        present = decoded(secret)
        rotated = wanted["rotate"] if secret and noted_version(secret) < self.version else []
        values = target(wanted, present, self._sources(wanted), rotated)
        changes = {key: value for key, value in values.items() if present.get(key) != value}
        labels = {**self.labels, **wanted["labels"]}
        if secret and not changes:
            return [], secret["metadata"]
        if self.check_mode:
            # Nobody can tell the resource version that the write would bring: what is marked with it would change.
            return sorted(changes), {"labels": secret["metadata"].get("labels") if secret else labels}
        # Values and version in one write: killed at any point, a version is rotated to once.
        notes = {SECRETS_VERSION: str(self.version)} if wanted["rotate"] and (rotated or not secret) else {}
        return sorted(changes), write_secret(self.core, self.namespace, name, labels, changes, secret is not None, notes)

    def _sources(self, wanted):
        values = {}
        for alias, source in wanted["sources"].items():
            namespace = source.get("namespace", self.namespace)
            found = decoded(or_none(self.core.read_namespaced_secret, source["name"], namespace))
            if source["key"] not in found and not self.check_mode:
                raise MissingSource(f"Secret {namespace}/{source['name']} has no key {source['key']}")
            values[alias] = found.get(source["key"], "")
        return values


def main():
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **CONNECTION_ARGUMENTS,
            "namespace": {"type": "str", "required": True},
            "labels": {"type": "dict", "default": {}},
            "version": {"type": "int", "default": 1},
            "secrets": {"type": "list", "elements": "dict", "required": True, "options": SECRET_OPTIONS, "no_log": False},
        },
        supports_check_mode=True,
    )
    params = module.params
    cluster = Secrets(connect(module), params["namespace"], params["labels"], params["version"], module.check_mode)
    written, metadata, name = [], {}, ""
    try:
        for wanted in params["secrets"]:
            name = wanted["name"]
            keys, metadata[name] = cluster.ensure(wanted)
            written += [f"{name}/{key}" for key in keys]
    except ApiException as error:
        module.fail_json(msg=f"Secret {cluster.namespace}/{name}: {explain(error)}")
    except MissingSource as error:
        module.fail_json(msg=f"Secret {cluster.namespace}/{name} cannot be made: {error}")
    module.exit_json(
        changed=bool(written),
        written=written,
        versions={name: data.get("resourceVersion", "") for name, data in metadata.items()},
        labels={name: data.get("labels") or {} for name, data in metadata.items()},
    )


if __name__ == "__main__":
    main()
