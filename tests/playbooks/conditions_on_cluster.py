# SPDX-License-Identifier: Apache-2.0
"""What the wait finds out in a real cluster whose nodes are KWOK's: each condition is made, and must be told by its code.

    KUBECONFIG=FILE python conditions_on_cluster.py

The API server, the scheduler and the controllers say what they say; only what a kubelet would say is written by hand.
"""

import os
import pathlib
import sys
import time
import unittest

from ansible.module_utils import basic  # noqa: F401  the package that the modules' own imports hang below
from kubernetes import client, config, utils

ROLE = pathlib.Path(__file__).resolve().parents[2] / "playbooks/roles/component"
sys.path[:0] = [str(ROLE / "module_utils"), str(ROLE / "library")]

import slipway_cluster  # noqa: E402
import slipway_diagnosis  # noqa: E402

sys.modules["ansible.module_utils.slipway_cluster"] = slipway_cluster
sys.modules["ansible.module_utils.slipway_diagnosis"] = slipway_diagnosis

import workloads  # noqa: E402

PATIENCE_S = 90
CONTAINER = {"name": "web", "image": "registry.example/web:1"}
# The system pool's nodes have a taint.
ANY_TAINT = {"operator": "Exists"}
# Not scheduled by anybody, so that KWOK leaves the pod alone and its status stays as written.
BY_NOBODY = {"schedulerName": "nobody"}


def deployment(containers=None, **pod):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers or [CONTAINER], **pod}},
        },
    }


def claim(storage_class):
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {
            "storageClassName": storage_class,
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


class Conditions(unittest.TestCase):
    def setUp(self):
        self.api = config.new_client_from_config(os.environ["KUBECONFIG"])
        self.core = client.CoreV1Api(self.api)
        self.namespace = "diagnosis-" + self.id().rsplit("_", 1)[1]

    def make(self, *objects, labels=None):
        metadata = {"name": self.namespace, "labels": labels or {}}
        self.core.create_namespace({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        for one in objects:
            utils.create_from_dict(self.api, one, namespace=self.namespace)

    def told(self, code, *words):
        """Waits until the cluster has said enough for this error; its message must have the words."""
        namespace = workloads.Namespace(self.api, self.namespace)
        end, said = time.monotonic() + PATIENCE_S, ""
        while time.monotonic() < end:
            waiting = namespace.waiting_for()
            said = slipway_diagnosis.message(self.namespace, None, waiting, namespace.causes())
            if said.startswith(code + ": ") and all(word in said for word in words):
                self.assertTrue(waiting)
                return
            time.sleep(0.2)
        self.fail(f"expected {code} with {words}, the last word was: {said}")

    def pod_status(self, state, **more):
        """What a kubelet would report of the container."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            pods = self.core.list_namespaced_pod(self.namespace).items
            if pods:
                status = {"name": "web", "image": "i", "imageID": "", "ready": False, "restartCount": 3, "state": state, **more}
                body = {"status": {"phase": "Pending", "containerStatuses": [status]}}
                self.core.patch_namespaced_pod_status(pods[0].metadata.name, self.namespace, body)
                return
            time.sleep(0.2)
        self.fail("the deployment made no pod")

    def test_cpu(self):
        self.make(deployment([{**CONTAINER, "resources": {"requests": {"cpu": "4000"}}}], tolerations=[ANY_TAINT]))
        self.told("SLW-370", "Insufficient cpu", "max_nodes")

    def test_selector(self):
        self.make(deployment(nodeSelector={"no-node": "has-this"}, tolerations=[ANY_TAINT]))
        self.told("SLW-370", "node affinity/selector", "labels of the node pools")

    def test_taint(self):
        self.make(deployment())
        self.told("SLW-370", "untolerated taint", "taints of the node pools")

    def test_volume(self):
        volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
        self.make(claim("no-such-class"), deployment(volumes=[volume]))
        self.told("SLW-371", "PersistentVolumeClaim data (class no-such-class) is Pending", "no-such-class")

    def test_image(self):
        self.make(deployment(**BY_NOBODY))
        self.pod_status({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image registry.example/web:1"}})
        self.told("SLW-372", "registry.example/web:1")

    def test_crash(self):
        self.make(deployment(**BY_NOBODY))
        ended = {"exitCode": 1, "reason": "Error", "message": "FATAL: password authentication failed"}
        self.pod_status({"waiting": {"reason": "CrashLoopBackOff"}}, lastState={"terminated": ended})
        self.told("SLW-373", "exit code 1", "password authentication failed")

    def test_webhook(self):
        service = {"name": "gone", "namespace": self.namespace, "path": "/"}
        webhook = {
            "name": "check.slipway.dev",
            "clientConfig": {"service": service, "caBundle": ""},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}},
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 2,
        }
        admission = client.AdmissionregistrationV1Api(self.api)
        body = {"metadata": {"name": "diagnosis-check"}, "webhooks": [webhook]}
        admission.create_validating_webhook_configuration(body)
        self.addCleanup(admission.delete_validating_webhook_configuration, "diagnosis-check")
        self.make(deployment())
        self.told("SLW-374", "failed calling webhook", "check.slipway.dev")

    def test_quota(self):
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": {"pods": "0"}}}
        self.make(quota, deployment())
        self.told("SLW-376", "exceeded quota: small")

    def test_certificate(self):
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        names = {"kind": "Certificate", "plural": "certificates", "singular": "certificate"}
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        spec = {"group": "cert-manager.io", "scope": "Namespaced", "names": names, "versions": [version]}
        definitions = client.ApiextensionsV1Api(self.api)
        definitions.create_custom_resource_definition({"metadata": {"name": "certificates.cert-manager.io"}, "spec": spec})
        self.addCleanup(definitions.delete_custom_resource_definition, "certificates.cert-manager.io")
        self.make(deployment(**BY_NOBODY))
        waiting = {"type": "Ready", "status": "False", "message": "the order is in state invalid"}
        body = {
            "apiVersion": "cert-manager.io/v1",
            "kind": "Certificate",
            "metadata": {"name": "api"},
            "status": {"conditions": [waiting]},
        }
        certificates = client.CustomObjectsApi(self.api)
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                certificates.create_namespaced_custom_object("cert-manager.io", "v1", self.namespace, "certificates", body)
                break
            except client.ApiException:
                # The API server serves a new kind a moment after it has taken it.
                self.assertLess(time.monotonic(), end)
                time.sleep(0.2)
        self.told("SLW-377", "Certificate api is not issued: the order is in state invalid")

    def test_policy(self):
        privileged = {**CONTAINER, "securityContext": {"privileged": True}}
        self.make(deployment([privileged]), labels={"pod-security.kubernetes.io/enforce": "restricted"})
        self.told("SLW-378", "violates PodSecurity", "privileged")

    def test_secret(self):
        self.make(deployment(**BY_NOBODY))
        self.pod_status({"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "database" not found'}})
        self.told("SLW-381", 'secret "database" not found')


if __name__ == "__main__":
    unittest.main()
