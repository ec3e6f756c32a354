# SPDX-License-Identifier: Apache-2.0
"""What the wait says when a namespace is not ready, from what a cluster answers in each case."""

import pathlib
import sys
import unittest

ROLE = pathlib.Path(__file__).resolve().parents[2] / "playbooks/roles/component"
sys.path.insert(0, str(ROLE / "module_utils"))

import slipway_diagnosis as diagnosis  # noqa: E402


def workload(kind="Deployment", wanted=1, generation=2, **status):
    return {
        "kind": kind,
        "metadata": {"name": "web", "generation": generation},
        "spec": {"replicas": wanted},
        "status": {"observedGeneration": 2, **status},
    }


def event(kind, name, reason, message, at="2026-01-01T00:00:00Z"):
    about = {"kind": kind, "name": name}
    return {"involvedObject": about, "reason": reason, "message": message, "lastTimestamp": at}


def pod(conditions=(), **status):
    return {"metadata": {"name": "web-0"}, "status": {"phase": "Pending", "conditions": list(conditions), **status}}


class Rollouts(unittest.TestCase):
    def test_a_finished_rollout_is_ready(self):
        done = workload(readyReplicas=1, updatedReplicas=1, replicas=1)
        self.assertEqual(diagnosis.unready_workloads([done]), [])

    def test_an_old_pod_is_not_taken_for_a_new_one(self):
        rolling = workload(readyReplicas=1, updatedReplicas=1, replicas=2)
        self.assertIn("1 pod(s) of the old kind", diagnosis.unready_workloads([rolling])[0])

    def test_a_change_that_no_controller_has_seen_is_not_ready(self):
        unseen = workload(generation=3, readyReplicas=1, updatedReplicas=1, replicas=1)
        self.assertIn("not been looked at", diagnosis.unready_workloads([unseen])[0])

    def test_a_stateful_set_without_a_new_revision_needs_no_updated_pods(self):
        status = {"readyReplicas": 3, "currentRevision": "a", "updateRevision": "a"}
        self.assertEqual(diagnosis.unready_workloads([workload("StatefulSet", 3, **status)]), [])

    def test_nothing_wanted_is_ready(self):
        self.assertEqual(diagnosis.unready_workloads([workload(wanted=0)]), [])

    def test_a_daemon_set_counts_nodes(self):
        status = {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberReady": 2}
        self.assertEqual(diagnosis.unready_workloads([workload("DaemonSet", **status)]), ["DaemonSet web has 2 of 3 new pods Ready"])


class Causes(unittest.TestCase):
    def test_a_ready_and_a_finished_pod_are_not_stuck(self):
        ready = pod([{"type": "Ready", "status": "True"}])
        self.assertEqual(diagnosis.stuck_pods([ready, pod(phase="Succeeded")], []), [])

    def test_an_unschedulable_pod_says_what_the_scheduler_says(self):
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes: Insufficient cpu"}
        causes = diagnosis.stuck_pods([pod([condition])], [])
        self.assertEqual(causes, ["Pod web-0 is Unschedulable: 0/3 nodes: Insufficient cpu"])
        self.assertIn("max_nodes", diagnosis.known_as(causes)[1])

    def test_an_image_that_cannot_be_pulled(self):
        waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
        stuck = pod(containerStatuses=[{"name": "web", "state": {"waiting": waiting}}])
        causes = diagnosis.stuck_pods([stuck], [])
        self.assertIn("container web: ImagePullBackOff Back-off pulling image", causes[0])
        self.assertIn("registry", diagnosis.known_as(causes)[1])

    def test_a_container_that_ended_says_how(self):
        ended = {"exitCode": 137, "reason": "OOMKilled"}
        status = {"name": "web", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": ended}}
        causes = diagnosis.stuck_pods([pod(containerStatuses=[status])], [])
        self.assertIn("CrashLoopBackOff; ended with exit code 137 (OOMKilled)", causes[0])
        self.assertIn("memory limit", diagnosis.known_as(causes)[1])

    def test_a_container_that_crashes_shows_its_last_lines(self):
        ended = {"exitCode": 1, "reason": "Error"}
        status = {"name": "web", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": ended}}
        crashed = pod(containerStatuses=[status])
        causes = diagnosis.stuck_pods([crashed], [], lambda name, container: f"{name}/{container}: no such table\n")
        self.assertIn('it said last: "web-0/web: no such table"', causes[0])
        ended["message"] = "from the kubelet"
        self.assertIn('it said last: "from the kubelet"', diagnosis.stuck_pods([crashed], [], lambda *_: "log")[0])
        self.assertEqual(diagnosis.known_as(causes)[0], "SLW-373")

    def test_a_certificate_that_its_issuer_refuses(self):
        waiting = {"type": "Ready", "status": "False", "message": "issuer letsencrypt: rate limited"}
        certificates = [
            {"metadata": {"name": "api"}, "status": {"conditions": [waiting]}},
            {"metadata": {"name": "done"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}},
        ]
        causes = diagnosis.unissued_certificates(certificates)
        self.assertEqual(causes, ["Certificate api is not issued: issuer letsencrypt: rate limited"])
        self.assertEqual(diagnosis.known_as(causes)[0], "SLW-377")

    def test_a_probe_that_fails_is_told_by_its_event(self):
        running = pod(phase="Running", containerStatuses=[{"name": "web", "state": {"running": {}}}])
        events = [event("Pod", "web-0", "Unhealthy", "Readiness probe failed: 503")]
        self.assertIn("not Ready: Readiness probe failed: 503", diagnosis.stuck_pods([running], events)[0])

    def test_an_unbound_claim_names_class_and_event(self):
        claim = {"metadata": {"name": "data"}, "spec": {"storageClassName": "nvme"}, "status": {"phase": "Pending"}}
        events = [event("PersistentVolumeClaim", "data", "ProvisioningFailed", 'storageclass "nvme" not found')]
        causes = diagnosis.unbound_claims([claim], events)
        self.assertEqual(causes, ['PersistentVolumeClaim data (class nvme) is Pending: storageclass "nvme" not found'])
        self.assertIn("storage class", diagnosis.known_as(causes)[1])

    def test_a_claim_that_cannot_be_changed(self):
        said = 'PersistentVolumeClaim "data" is invalid: spec: Forbidden: spec is immutable after creation except resources.requests'
        self.assertIn("delete the volume claim if it is Pending", diagnosis.known_as([said])[1])

    def test_pods_that_the_api_server_refuses(self):
        refused = event("ReplicaSet", "web-7d", "FailedCreate", 'pods are forbidden: violates PodSecurity "restricted"')
        foreign = event("ReplicaSet", "other-1", "FailedCreate", "quota")
        causes = diagnosis.refused_pods([refused, foreign], ["web"])
        self.assertEqual(len(causes), 1)
        self.assertIn("Pod Security level", diagnosis.known_as(causes)[1])

    def test_a_load_balancer_without_an_address(self):
        service = {"metadata": {"name": "proxy"}, "spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {}}}
        self.assertEqual(diagnosis.unaddressed_services([service], []), ["Service proxy has no load balancer address"])

    def test_a_webhook_without_a_certificate(self):
        webhook = {"name": "check", "clientConfig": {"service": {"namespace": "here"}}}
        configuration = {"metadata": {"name": "checks"}, "webhooks": [webhook]}
        self.assertEqual(len(diagnosis.unsigned_webhooks([configuration], "here")), 1)
        self.assertEqual(diagnosis.unsigned_webhooks([configuration], "elsewhere"), [])

    def test_the_newest_event_counts(self):
        events = [event("Service", "proxy", "x", "new", "2026-01-02T00:00:00Z"), event("Service", "proxy", "x", "old")]
        service = {"metadata": {"name": "proxy"}, "spec": {"type": "LoadBalancer"}}
        self.assertIn("new", diagnosis.unaddressed_services([service], events)[0])

    def test_each_cause_is_one_error(self):
        for said, code in [
            ('no matches for kind "Cluster" in version "postgresql.cnpg.io/v1"', "SLW-375"),
            ('pods "web-1" is forbidden: exceeded quota: small', "SLW-376"),
            ('failed calling webhook "check.kyverno.svc": connection refused', "SLW-374"),
            ('failed calling webhook "check": tls: x509: certificate signed by unknown authority', "SLW-377"),
            ("admission webhook \"validate.kyverno.svc\" denied the request: resource Pod/web was blocked", "SLW-378"),
            ("Pod web-0, container web: CreateContainerConfigError secret \"db\" not found", "SLW-381"),
            ("chart kong version 9.9.9 not found in https://charts.example repository", "SLW-382"),
            ("Service proxy has no load balancer address", "SLW-380"),
            ("nothing that is known", "SLW-379"),
        ]:
            self.assertEqual(diagnosis.known_as([said])[0], code, said)

    def test_every_error_has_its_page(self):
        pages = (ROLE.parents[2] / "docs/errors.md").read_text(encoding="utf-8")
        for code in {code for _, code, _ in diagnosis.KNOWN} | {diagnosis.UNKNOWN[0]}:
            self.assertIn(f"### {code}: ", pages)

    def test_the_message_says_all_in_order(self):
        said = diagnosis.message("kong", None, ["Deployment kong has 0 of 1 new pods Ready"], ["Pod web-0 is Unschedulable: Insufficient cpu"])
        self.assertRegex(said, r"^SLW-370: namespace kong is not ready: Deployment kong .*\. Why: Pod web-0 .*\. What to do: raise max_nodes")


if __name__ == "__main__":
    unittest.main()
