#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Make versioned buckets and set them up, once the object store can really take an object."""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.slipway_policies import normal
from ansible.module_utils.slipway_store import STORE_ARGUMENTS, Store, or_missing

DOCUMENTATION = r"""
module: buckets
short_description: Make versioned buckets once the object store can really take an object
description:
  - Health addresses answer before a store can write; so a new bucket is tried with a PUT, a GET and a DELETE.
  - The keys are read from a Secret here, so that they never become task arguments.
options:
  kubeconfig: {type: path, required: true, description: File with the access to the cluster.}
  endpoint: {type: str, required: true, description: Address of the object store.}
  region: {type: str, required: true, description: Region that requests are signed for.}
  namespace: {type: str, required: true, description: Namespace of the Secret.}
  secret: {type: str, required: true, description: "Name of the Secret with C(access_key) and C(secret_key)."}
  timeout: {type: int, default: 300, description: Seconds to wait for the object store.}
  buckets:
    type: list
    elements: dict
    required: true
    description: The buckets.
    suboptions:
      name: {type: str, required: true, description: Name.}
      locked_days:
        type: int
        default: 0
        description: Days for which no version can be removed, by nobody; 0 is no lock. A lock is chosen when the bucket is made.
      rules: {type: list, elements: dict, default: [], description: Rules of the bucket's life cycle.}
      objects: {type: dict, default: {}, description: "Key to text of objects that the bucket must hold."}
"""
RETURN = r"""
changes: {type: list, returned: success, description: What was done, or would be.}
"""

PROBE_KEY = ".slipway-probe"
BUCKET_OPTIONS = {
    "name": {"type": "str", "required": True},
    "locked_days": {"type": "int", "default": 0},
    "rules": {"type": "list", "elements": "dict", "default": []},
    "objects": {"type": "dict", "default": {}},
}


class Bucket:
    """One bucket: what it shall be, and the difference."""

    def __init__(self, s3, wanted):
        self.s3, self.wanted, self.name = s3, wanted, wanted["name"]

    def differences(self):
        """Sentences about what is not as wanted, each with the work that mends it; the works are done in order."""
        there = or_missing(self.s3.head_bucket, Bucket=self.name) is not None
        if not there:
            yield f"make bucket {self.name}", self._make
        if not there or self.s3.get_bucket_versioning(Bucket=self.name).get("Status") != "Enabled":
            yield f"keep versions in {self.name}", self._keep_versions
        if self.wanted["locked_days"] and not (there and self._lock() == self._wanted_lock()):
            yield f"lock the versions in {self.name}", self._set_lock
        if self.wanted["rules"] and not (there and self._rules() == normal(self.wanted["rules"])):
            yield f"set the life cycle of {self.name}", self._set_rules
        for key, text in self.wanted["objects"].items():
            if not there or self._text(key) != text:
                yield f"write {key} in {self.name}", lambda key=key, text=text: self._put(key, text)

    def _make(self):
        self.s3.create_bucket(Bucket=self.name, **({"ObjectLockEnabledForBucket": True} if self.wanted["locked_days"] else {}))

    def _keep_versions(self):
        """A bucket without lock is tried out while it still forgets what is deleted."""
        if self.s3.get_bucket_versioning(Bucket=self.name).get("Status") == "Enabled":
            return
        self.s3.put_object(Bucket=self.name, Key=PROBE_KEY, Body=b"probe")
        self.s3.get_object(Bucket=self.name, Key=PROBE_KEY)["Body"].read()
        self.s3.delete_object(Bucket=self.name, Key=PROBE_KEY)
        self.s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})

    def _wanted_lock(self):
        retention = {"Mode": "COMPLIANCE", "Days": self.wanted["locked_days"]}
        return {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}

    def _lock(self):
        answer = or_missing(self.s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError", Bucket=self.name)
        return answer and answer.get("ObjectLockConfiguration")

    def _set_lock(self):
        self.s3.put_object_lock_configuration(Bucket=self.name, ObjectLockConfiguration=self._wanted_lock())

    def _rules(self):
        answer = or_missing(self.s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration", Bucket=self.name)
        return normal(answer.get("Rules") or []) if answer else None

    def _set_rules(self):
        self.s3.put_bucket_lifecycle_configuration(
            Bucket=self.name, LifecycleConfiguration={"Rules": self.wanted["rules"]}
        )

    def _text(self, key):
        answer = or_missing(self.s3.get_object, "NoSuchKey", Bucket=self.name, Key=key)
        return answer and answer["Body"].read().decode()

    def _put(self, key, text):
        self.s3.put_object(Bucket=self.name, Key=key, Body=text.encode())


def main():
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **STORE_ARGUMENTS,
            "buckets": {"type": "list", "elements": "dict", "required": True, "options": BUCKET_OPTIONS},
        },
        supports_check_mode=True,
    )
    store = Store(module)
    s3, changes = store.service("s3"), []

    def ensure(wanted):
        for sentence, work in Bucket(s3, wanted).differences():
            if not module.check_mode:
                work()
            if sentence not in changes:
                changes.append(sentence)

    for wanted in module.params["buckets"]:
        store.persist(lambda wanted=wanted: ensure(wanted))
    module.exit_json(changed=bool(changes), changes=changes)


if __name__ == "__main__":
    main()
