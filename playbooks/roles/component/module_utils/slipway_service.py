# SPDX-License-Identifier: Apache-2.0
"""HTTP to a service inside the cluster, through the API server to one of its pods.

It needs no public address, no DNS and no gateway, and what it carries is encrypted up to the node of the pod.
"""

import http.client
import json

from ansible.module_utils.slipway_cluster import ApiException, explain, items, or_none

try:
    from kubernetes.stream import portforward
except ImportError:  # connect() says what is missing
    portforward = None

ANSWER_SECONDS = 30
# What an error message quotes of an answer.
QUOTED = 500


class Unreachable(Exception):
    """No pod of the service took the request."""


class Refused(Exception):
    """The service answered with an error."""

    def __init__(self, method, path, status, text):
        super().__init__(f"{method} {path} answered {status}: {text[:QUOTED]}")
        self.status = status


class ForwardedConnection(http.client.HTTPConnection):
    """An HTTP connection over a socket that leads to a pod already."""

    def __init__(self, forwarded, host):
        super().__init__(host)
        self.forwarded = forwarded

    def connect(self):
        self.sock = self.forwarded


def is_ready(pod):
    """Whether a pod takes requests."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def pod_port(service, wanted, pod):
    """The number of the port of C(pod) that a port of the service leads to."""
    for port in service["spec"].get("ports") or []:
        if str(wanted) in (port.get("name"), str(port["port"])):
            target_port = port.get("targetPort", port["port"])
            break
    else:
        raise Unreachable(f"the service has no port {wanted}")
    if not isinstance(target_port, str):
        return target_port
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or []:
            if port.get("name") == target_port:
                return port["containerPort"]
    raise Unreachable(f"pod {pod['metadata']['name']} has no port named {target_port}")


def target(core, namespace, name, port):
    """A ready pod behind the service, and its port."""
    service = or_none(core.read_namespaced_service, name, namespace)
    if service is None:
        raise Unreachable("there is no such service")
    selector = service["spec"].get("selector")
    if not selector:
        raise Unreachable("the service selects no pods")
    labels = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    pods = items(core.list_namespaced_pod(namespace, label_selector=labels, _preload_content=False))
    ready = sorted((pod for pod in pods if is_ready(pod)), key=lambda pod: pod["metadata"]["name"])
    if not ready:
        raise Unreachable(f"none of its {len(pods)} pods is ready")
    return ready[0]["metadata"]["name"], pod_port(service, port, ready[0])


def exchange(core, place, request, timeout=ANSWER_SECONDS, encrypt=None):
    """Status and text of the answer to C(request), a tuple of method, path, body and headers.

    C(place) is namespace, service and port; C(encrypt) wraps the socket.
    """
    namespace, name, port = place
    method, path, body, headers = request
    pod, port = target(core, namespace, name, port)
    try:
        forward = portforward(core.connect_get_namespaced_pod_portforward, pod, namespace, ports=str(port))
    except ApiException as error:
        raise Unreachable(f"pod {pod} cannot be reached on port {port}: {explain(error)[:QUOTED]}") from error
    try:
        forwarded = forward.socket(port)
        forwarded.settimeout(timeout)
        connection = ForwardedConnection(encrypt(forwarded) if encrypt else forwarded, f"{name}.{namespace}")
        connection.request(method, path, body=body, headers={"Connection": "close", "Accept": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        said = forward.error(port) or str(error) or type(error).__name__
        raise Unreachable(f"pod {pod} did not answer on port {port}: {said.strip()}") from error
    finally:
        forward.close()


class ServiceSession:
    """JSON calls to one service with one token."""

    def __init__(self, core, namespace, service, port):
        self.core, self.place, self.bearer = core, (namespace, service, port), None
        self.address = f"http://{service}.{namespace}.svc:{port}"

    def call(self, method, path, body=None):
        """The answer; raises Refused for any status but success."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self.bearer:
            headers["Authorization"] = f"Bearer {self.bearer}"
        content = None if body is None else json.dumps(body).encode()
        status, text = exchange(self.core, self.place, (method, path, content, headers))
        if not 200 <= status < 300:
            raise Refused(method, path, status, text)
        return json.loads(text) if text else {}

    def find(self, path):
        """The answer to a GET, or None where there is no such thing."""
        try:
            return self.call("GET", path)
        except Refused as error:
            if error.status in (400, 404):
                return None
            raise
