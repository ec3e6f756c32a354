# SPDX-License-Identifier: Apache-2.0
"""When a generated value and an identity's keys are made, kept and replaced, against Secrets and a store in memory."""

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
    """The role's own code; of Ansible and of the store's clients it needs a few names only, which nothing here calls."""
    before = dict(sys.modules)
    basic = types.ModuleType("ansible.module_utils.basic")
    basic.AnsibleModule = basic.missing_required_lib = None
    sys.modules.update({"ansible": types.ModuleType("ansible"), "ansible.module_utils": types.ModuleType("ansible.module_utils"), basic.__name__: basic})
    try:
        cluster = loaded("ansible.module_utils.slipway_cluster", ROLE / "module_utils/slipway_cluster.py")
        secrets = loaded("generated_secret", ROLE / "library/generated_secret.py")
        for name in ("slipway_policies", "slipway_store"):
            loaded(f"ansible.module_utils.{name}", ROLE / f"module_utils/{name}.py")
        identities = loaded("store_identities", ROLE / "library/store_identities.py")
    finally:
        for name in set(sys.modules) - set(before):
            del sys.modules[name]
        sys.modules.update(before)
    cluster.ApiException = Missing
    return secrets, identities


SECRETS, IDENTITIES = modules()


class Store:
    """Secrets as the API server keeps them; counts the writes."""

    def __init__(self):
        self.secrets = {}
        self.writes = 0
        self.refuses = False

    def read_namespaced_secret(self, name, _namespace, **_how):
        if name not in self.secrets:
            raise Missing
        return types.SimpleNamespace(data=json.dumps(self.secrets[name]))

    def create_namespaced_secret(self, body, **_how):
        return self._write(body["metadata"]["name"], body)

    def patch_namespaced_secret(self, name, body, **_how):
        return self._write(name, body)

    def _write(self, name, body):
        if self.refuses:
            raise ConnectionError
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
            "labels": {},
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

    def test_a_value_from_elsewhere_notes_the_version_with_the_new_value(self):
        cluster = object.__new__(SECRETS.Secrets)
        cluster.core, cluster.namespace, cluster.labels, cluster.check_mode = self.store, "gitlab-runner", {"a": "b"}, False
        kept = {"generate": {}, "initial": {}, "sources": {}, "templates": {}, "labels": {"c": "d"}, "rotate": ["token"]}

        def ensure(version, token):
            cluster.version = version
            return cluster.ensure({"name": "runner", "values": {"token": token}, **kept})[0]

        self.assertEqual(ensure(1, "one"), ["token"])
        self.assertEqual(self.store.secrets["runner"]["metadata"]["labels"], {"a": "b", "c": "d"})
        self.assertEqual(ensure(1, "one"), [])
        self.assertEqual(ensure(2, "two"), ["token"])
        self.assertEqual(SECRETS.noted_version(self.store.secrets["runner"]), 2)


class Users:
    """A store's administration, where a user may have several keys; it can be cut off after any of its calls."""

    def __init__(self):
        self.policies, self.keys, self.made, self.calls_left = {}, {}, 0, None

    def _call(self):
        if self.calls_left == 0:
            raise ConnectionError
        if self.calls_left is not None:
            self.calls_left -= 1

    def policy(self, name):
        return self.policies.get(name)

    def grant(self, name, policy):
        self._call()
        self.policies[name] = policy

    def new_keys(self, name):
        self._call()
        self.made += 1
        self.keys.setdefault(name, {})[f"key-{self.made}"] = f"secret-{self.made}"
        return f"key-{self.made}", f"secret-{self.made}"

    def other_keys(self, name, known):
        return [key for key in self.keys.get(name, {}) if key != known]

    def take_back(self, name, key):
        self._call()
        del self.keys[name][key]


class StoreIdentities(unittest.TestCase):
    POLICY = {"Statement": [{"Action": "s3:GetObject"}]}

    def setUp(self):
        self.store, self.users = Store(), Users()

    def ensure(self, version=1, check_mode=False):
        identities = object.__new__(IDENTITIES.Identities)
        identities.store = types.SimpleNamespace(core=self.store, endpoint="http://store", region="here")
        identities.users, identities.namespace, identities.labels, identities.version = self.users, "minio", {}, version
        identities._accepted = lambda known: self.users.keys.get("flux", {}).get(known.get("access_key")) == known.get("secret_key", "none")
        return identities.ensure("flux", self.POLICY, check_mode)

    def kept(self):
        return SECRETS.decoded(self.store.secrets["identity-flux"])["access_key"]

    def test_keys_are_made_once_and_replaced_once(self):
        self.assertEqual(self.ensure(), ["grant flux its policy", "make keys for flux"])
        self.assertEqual((self.ensure(), self.kept()), ([], "key-1"))
        self.assertEqual(self.ensure(version=2), ["make keys for flux", "take back an old key of flux"])
        self.assertEqual((self.kept(), list(self.users.keys["flux"])), ("key-2", ["key-2"]))
        self.assertEqual((self.ensure(version=2), self.ensure(version=1), self.kept()), ([], [], "key-2"))

    def test_a_dry_run_changes_neither_store_nor_secret(self):
        self.ensure()
        self.assertEqual(self.ensure(version=2, check_mode=True), ["make keys for flux"])
        self.assertEqual((self.kept(), list(self.users.keys["flux"])), ("key-1", ["key-1"]))

    def test_wherever_it_is_cut_off_the_secret_has_keys_that_work_and_the_next_run_ends_it(self):
        for calls, refuses in [(0, False), (1, False), (None, True)]:
            with self.subTest(calls=calls, refuses=refuses):
                self.setUp()
                self.ensure()
                self.users.calls_left, self.store.refuses = calls, refuses
                with self.assertRaises(ConnectionError):
                    self.ensure(version=2)
                self.assertIn(self.kept(), self.users.keys["flux"])
                self.users.calls_left, self.store.refuses = None, False
                self.ensure(version=2)
                self.assertEqual((list(self.users.keys["flux"]), self.ensure(version=2)), ([self.kept()], []))
                self.assertNotEqual(self.kept(), "key-1")


if __name__ == "__main__":
    unittest.main()
