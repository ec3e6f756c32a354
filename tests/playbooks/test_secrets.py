# SPDX-License-Identifier: Apache-2.0
"""When a generated value is made, kept and replaced, against Secrets in memory."""

import importlib.util
import json
import pathlib
import sys
import types
import unittest

ROLE = pathlib.Path(__file__).resolve().parents[2] / "playbooks/roles/component"


class Missing(Exception):
    """What the API server says of an object that is not there."""

    status = 404


def loaded(name, path):
    """A module of the role under the name by which Ansible would find it."""
    specification = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


def modules():
    """The role's own code; of Ansible it needs two names only, which nothing here calls."""
    before = dict(sys.modules)
    basic = types.ModuleType("ansible.module_utils.basic")
    basic.AnsibleModule = basic.missing_required_lib = None
    sys.modules.update({"ansible": types.ModuleType("ansible"), "ansible.module_utils": types.ModuleType("ansible.module_utils"), basic.__name__: basic})
    try:
        cluster = loaded("ansible.module_utils.slipway_cluster", ROLE / "module_utils/slipway_cluster.py")
        secrets = loaded("generated_secret", ROLE / "library/generated_secret.py")
    finally:
        for name in set(sys.modules) - set(before):
            del sys.modules[name]
        sys.modules.update(before)
    cluster.ApiException = Missing
    return secrets


SECRETS = modules()


class Store:
    """Secrets as the API server keeps them; counts the writes."""

    def __init__(self):
        self.secrets = {}
        self.writes = 0

    def read_namespaced_secret(self, name, _namespace, **_how):
        if name not in self.secrets:
            raise Missing
        return types.SimpleNamespace(data=json.dumps(self.secrets[name]))

    def create_namespaced_secret(self, body, **_how):
        return self._write(body["metadata"]["name"], body)

    def patch_namespaced_secret(self, name, body, **_how):
        return self._write(name, body)

    def _write(self, name, body):
        self.writes += 1
        secret = self.secrets.setdefault(name, {"data": {}, "metadata": {}})
        secret["data"].update(body["data"])
        secret["metadata"].update(body.get("metadata", {}))
        secret["metadata"]["resourceVersion"] = str(self.writes)
        return types.SimpleNamespace(data=json.dumps(secret))


class GeneratedSecrets(unittest.TestCase):
    def setUp(self):
        self.store = Store()

    def ensure(self, version=1, check_mode=False, rotate=("password",)):
        cluster = object.__new__(SECRETS.Secrets)
        cluster.core, cluster.namespace, cluster.labels = self.store, "valkey", {}
        cluster.version, cluster.check_mode = version, check_mode
        wanted = {
            "name": "valkey",
            "generate": {"password": "alphanumeric:32", "root": "hex:32"},
            "rotate": list(rotate),
            "initial": {},
            "values": {"host": "valkey.example"},
            "sources": {},
            "templates": {"uri": "redis://:${password}@valkey.example"},
        }
        written, _metadata = cluster.ensure(wanted)
        return written

    def values(self):
        return SECRETS.decoded(self.store.secrets["valkey"])

    def test_a_value_is_made_once(self):
        self.assertEqual(self.ensure(), ["host", "password", "root", "uri"])
        made = self.values()
        self.assertIn(made["password"], made["uri"])
        self.assertEqual((self.ensure(), self.values(), self.store.writes), ([], made, 1))

    def test_a_higher_version_replaces_what_may_be_replaced_and_that_once(self):
        self.ensure()
        before = self.values()
        self.assertEqual(self.ensure(version=2), ["password", "uri"])
        after = self.values()
        self.assertNotEqual(before["password"], after["password"])
        self.assertIn(after["password"], after["uri"])
        self.assertEqual(before["root"], after["root"])
        self.assertEqual((self.ensure(version=2), self.values()), ([], after))
        self.assertEqual(self.ensure(version=1), [], "a lower version brings nothing back")

    def test_a_secret_of_an_earlier_release_counts_as_version_1(self):
        self.ensure()
        self.store.secrets["valkey"]["metadata"].pop("annotations")
        before = self.values()
        self.assertEqual((self.ensure(), self.values()), ([], before))
        self.assertEqual(self.ensure(version=2), ["password", "uri"])

    def test_nothing_is_replaced_that_was_not_named(self):
        self.ensure(rotate=())
        before = self.values()
        self.assertEqual((self.ensure(version=9, rotate=()), self.values()), ([], before))

    def test_a_dry_run_tells_it_and_writes_nothing(self):
        self.ensure()
        before = self.values()
        self.assertEqual(self.ensure(version=2, check_mode=True), ["password", "uri"])
        self.assertEqual((self.values(), self.store.writes), (before, 1))


if __name__ == "__main__":
    unittest.main()
