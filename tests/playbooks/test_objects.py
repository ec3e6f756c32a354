# SPDX-License-Identifier: Apache-2.0
"""What the waits for custom resources say, and when a store's policy counts as the wanted one."""

import pathlib
import sys
import unittest

ROLE = pathlib.Path(__file__).resolve().parents[2] / "playbooks/roles/component"
sys.path.insert(0, str(ROLE / "module_utils"))

from slipway_conditions import lacking  # noqa: E402
from slipway_policies import normal, same  # noqa: E402


def wanted(**more):
    defaults = {"kind": "Cluster", "namespace": "infisical", "name": "postgres", "condition": None, "fields": {}, "optional": False}
    return {**defaults, **more}


def found(generation=2, **status):
    return {"metadata": {"generation": generation}, "status": status}


class CustomResources(unittest.TestCase):
    def test_what_does_not_exist_is_waited_for_unless_it_is_optional(self):
        self.assertEqual(lacking(wanted(), None), "Cluster infisical/postgres does not exist")
        self.assertIsNone(lacking(wanted(optional=True), None))

    def test_a_condition_must_be_true_and_of_this_generation(self):
        def says(*conditions):
            return lacking(wanted(condition="Ready"), found(conditions=list(conditions)))

        self.assertIn("nobody has looked at it", says())
        self.assertIsNone(says({"type": "Ready", "status": "True"}))
        self.assertIsNone(says({"type": "Ready", "status": "True", "observedGeneration": 2}))
        self.assertIn("has changed since", says({"type": "Ready", "status": "True", "observedGeneration": 1}))
        refused = {"type": "Ready", "status": "False", "reason": "NoSpace", "message": "disk is full"}
        self.assertEqual(says(refused), "Cluster infisical/postgres is not Ready (NoSpace: disk is full)")

    def test_fields_are_compared_below_the_status(self):
        fields = {"conditionStatus.ready": True}
        self.assertIsNone(lacking(wanted(fields=fields), found(conditionStatus={"ready": True})))
        sentence = lacking(wanted(fields=fields), found(message="cannot compile"))
        self.assertEqual(
            sentence, "Cluster infisical/postgres has status.conditionStatus.ready None instead of True (cannot compile)"
        )


class Policies(unittest.TestCase):
    def test_order_and_lists_of_one_do_not_matter(self):
        one = {"Statement": [{"Action": ["s3:PutObject", "s3:GetObject"], "Resource": ["arn:aws:s3:::a"]}]}
        other = {"Statement": [{"Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::a", "Sid": ""}]}
        self.assertTrue(same(one, other))
        other["Statement"][0]["Effect"] = "Deny"
        self.assertFalse(same(one, other))
        self.assertFalse(same(one, None))

    def test_rules_are_compared_without_what_stores_add(self):
        rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 7}}
        self.assertEqual(normal([{**rule, "Prefix": "", "Added": 1}]), normal([rule]))
        self.assertNotEqual(normal([{**rule, "Status": "Disabled"}]), normal([rule]))


if __name__ == "__main__":
    unittest.main()
