#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Send one HTTP request to a service inside the cluster."""

import base64
import json
import ssl

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.slipway_cluster import CONNECTION_ARGUMENTS, ApiException, client, connect, explain
from ansible.module_utils.slipway_service import QUOTED, Unreachable, exchange

DOCUMENTATION = r"""
module: service_request
short_description: Send one HTTP request to a service inside the cluster
description:
  - Goes through the API server to one of the service's ready pods, as C(kubectl port-forward) does. It needs no public address, no DNS and no
    gateway, and what it carries is encrypted up to the node of the pod.
  - Tasks that carry secrets set C(no_log); the module itself hides the options that are meant for them.
options:
  kubeconfig: {type: path, required: true, description: File with the access to the cluster.}
  namespace: {type: str, required: true, description: Namespace of the service.}
  service: {type: str, required: true, description: Name of the service; it must select pods.}
  port: {type: raw, required: true, description: Name or number of the service's port.}
  method: {type: str, default: GET, description: HTTP method.}
  path: {type: str, required: true, description: "Path and query, starting with C(/)."}
  headers: {type: dict, default: {}, description: Headers to send.}
  body: {type: raw, description: "Body: an object or a list is sent as JSON, a text as it is."}
  bearer: {type: str, description: Token to send as C(Authorization).}
  user: {type: str, description: Name for basic authentication.}
  password: {type: str, description: Password for basic authentication.}
  authority: {type: str, description: Certificate authority of the service, PEM; with it the request goes over TLS.}
  server_name: {type: str, description: Name that the service's certificate is issued to.}
  statuses: {type: list, elements: int, default: [200], description: HTTP statuses that are as expected.}
  changing:
    type: list
    elements: int
    description: Which of the statuses mean that something changed. Without it every method but GET and HEAD changes.
  timeout: {type: int, default: 30, description: Seconds that the answer may take.}
"""
RETURN = r"""
status: {type: int, returned: always, description: HTTP status; 0 in check mode for a request that would change something.}
json: {type: raw, returned: when the answer is JSON, description: The answer.}
text: {type: str, returned: when the answer is not JSON, description: The answer.}
"""

READING = ("GET", "HEAD")
OPTIONS = {
    **CONNECTION_ARGUMENTS,
    "namespace": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "port": {"type": "raw", "required": True},
    "method": {"type": "str", "default": "GET"},
    "path": {"type": "str", "required": True},
    "headers": {"type": "dict", "default": {}},
    "body": {"type": "raw"},
    "bearer": {"type": "str", "no_log": True},
    "user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "authority": {"type": "str"},
    "server_name": {"type": "str"},
    "statuses": {"type": "list", "elements": "int", "default": [200]},
    "changing": {"type": "list", "elements": "int"},
    "timeout": {"type": "int", "default": 30},
}


def headers(options):
    """The headers of the request."""
    sent = dict(options["headers"])
    if isinstance(options["body"], (dict, list)):
        sent.setdefault("Content-Type", "application/json")
    if options["bearer"]:
        sent["Authorization"] = f"Bearer {options['bearer']}"
    elif options["user"]:
        pair = f"{options['user']}:{options['password'] or ''}"
        sent["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return sent


def body(options):
    """The bytes of the request."""
    content = options["body"]
    if content is None:
        return None
    return (content if isinstance(content, str) else json.dumps(content)).encode()


def encrypted(forwarded, options):
    """The socket under TLS, when the service has an authority."""
    if not options["authority"]:
        return forwarded
    context = ssl.create_default_context(cadata=options["authority"])
    # The library hides the socket, which TLS needs itself, behind an object of its own.
    return context.wrap_socket(forwarded._socket, server_hostname=options["server_name"] or options["service"])


def send(core, options):
    """The status and the text of the answer."""
    place = options["namespace"], options["service"], options["port"]
    request = options["method"], options["path"], body(options), headers(options)
    return exchange(core, place, request, options["timeout"], lambda forwarded: encrypted(forwarded, options))


def read(text):
    """The answer as Ansible gets it."""
    try:
        return {"json": json.loads(text)}
    except ValueError:
        return {"text": text}


def main():
    """Run the module."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    options = module.params
    changes = options["method"] not in READING
    if module.check_mode and changes:
        module.exit_json(changed=True, status=0)
    place = f"{options['method']} {options['path']} of service {options['namespace']}/{options['service']}"
    try:
        status, text = send(client.CoreV1Api(connect(module)), options)
    except Unreachable as error:
        module.fail_json(
            msg=f"{place}: {error}. What to do: see why the pods of namespace {options['namespace']} do not answer; the run goes on "
            "from here when it is started again.",
            status=0,
        )
    except ApiException as error:
        module.fail_json(msg=f"{place}: {explain(error)}", status=0)
    if status not in options["statuses"]:
        module.fail_json(
            msg=f"{place} answered {status}: {text[:QUOTED]}. What to do: correct what the answer names, or report it as a fault of the role.",
            status=status,
            **read(text),
        )
    if options["changing"] is not None:
        changes = status in options["changing"]
    module.exit_json(changed=changes, status=status, **read(text))


if __name__ == "__main__":
    main()
