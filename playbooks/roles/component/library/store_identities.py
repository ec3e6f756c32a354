#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Give each writer and reader of an object store keys of its own, with a policy, in a Secret of its own."""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.slipway_cluster import (
    SECRETS_VERSION,
    ApiException,
    decoded,
    explain,
    noted_version,
    or_none,
    write_secret,
)
from ansible.module_utils.slipway_policies import same
from ansible.module_utils.slipway_store import STORE_ARGUMENTS, UNKNOWN_KEY, ClientError, Store, users

DOCUMENTATION = r"""
module: store_identities
short_description: Give each writer and reader of an object store keys of its own
description:
  - Finds out whether the store is administered as MinIO is or as AWS IAM is.
  - The keys go into Secrets and nowhere else; keys that the store does not know are replaced.
  - A store that allows it has the old keys beside the new ones until the new ones are in their Secret. Whoever reads them has them then, and what
    has copied them has to copy them again.
options:
  kubeconfig: {type: path, required: true, description: File with the access to the cluster.}
  endpoint: {type: str, required: true, description: Address of the object store.}
  region: {type: str, required: true, description: Region that requests are signed for.}
  namespace: {type: str, required: true, description: Namespace of the Secrets.}
  secret: {type: str, required: true, description: Name of the Secret with the administrator's keys.}
  timeout: {type: int, default: 300, description: Seconds to wait for the object store.}
  labels: {type: dict, default: {}, description: Labels that the Secrets get when they are made.}
  version: {type: int, default: 1, description: A Secret that notes a lower one gets new keys and notes this one.}
  identities:
    type: list
    elements: dict
    required: true
    description: The identities.
    suboptions:
      name: {type: str, required: true, description: Name of the user; its Secret is C(identity-NAME).}
      policy: {type: dict, required: true, description: What the user may do.}
"""
RETURN = r"""
changes: {type: list, returned: success, description: What was done, or would be.}
"""


class Identities:
    """The identities of one store, and the Secrets that hold their keys."""

    def __init__(self, module, store):
        self.store, self.namespace, self.labels = store, module.params["namespace"], module.params["labels"]
        self.version = module.params["version"]
        self.users = store.persist(lambda: users(store))

    def ensure(self, name, policy, check_mode):
        """Bring one identity about; answers sentences about what had to be done."""
        changes = []
        if not same(self.users.policy(name), policy):
            changes.append(f"grant {name} its policy")
            if not check_mode:
                self.users.grant(name, policy)
        secret = or_none(self.store.core.read_namespaced_secret, f"identity-{name}", self.namespace)
        known = decoded(secret)
        place, notes = {"endpoint": self.store.endpoint, "region": self.store.region}, {}
        if noted_version(secret) < self.version or not self._accepted(known):
            changes.append(f"make keys for {name}")
            if not check_mode:
                place["access_key"], place["secret_key"] = self.users.new_keys(name)
                notes[SECRETS_VERSION] = str(self.version)
        elif any(known.get(key) != value for key, value in place.items()):
            changes.append(f"tell {name} where the store is")
        if changes and not check_mode:
            write_secret(self.store.core, self.namespace, f"identity-{name}", self.labels, place, secret is not None, notes)
        # Only now: killed before this, a run has given away nothing that somebody needs, and the next one comes by here again.
        for old in self.users.other_keys(name, {**known, **place}.get("access_key")):
            changes.append(f"take back an old key of {name}")
            if not check_mode:
                self.users.take_back(name, old)
        return changes

    def _accepted(self, known):
        """Whether the store takes the keys, whatever it lets them do."""
        keys = known.get("access_key"), known.get("secret_key")
        if not all(keys):
            return False
        try:
            self.store.service("s3", keys).list_buckets()
        except ClientError as error:
            return error.response["Error"]["Code"] not in UNKNOWN_KEY
        return True


def main():
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **STORE_ARGUMENTS,
            "labels": {"type": "dict", "default": {}},
            "version": {"type": "int", "default": 1},
            "identities": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {"name": {"type": "str", "required": True}, "policy": {"type": "dict", "required": True}},
            },
        },
        supports_check_mode=True,
    )
    store, changes, name = Store(module), [], ""
    identities = Identities(module, store)
    try:
        for identity in module.params["identities"]:
            name, policy = identity["name"], identity["policy"]
            changes += store.persist(lambda name=name, policy=policy: identities.ensure(name, policy, module.check_mode))
    except ApiException as error:
        module.fail_json(msg=f"Secret {identities.namespace}/identity-{name}: {explain(error)}")
    module.exit_json(changed=bool(changes), changes=changes)


if __name__ == "__main__":
    main()
