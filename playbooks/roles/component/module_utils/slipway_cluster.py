# SPDX-License-Identifier: Apache-2.0
"""Access to the cluster for this role's modules: plain dictionaries in and out."""

import base64
import json

from ansible.module_utils.basic import missing_required_lib

try:
    from kubernetes import client, config
    from kubernetes.client.rest import ApiException

    IMPORT_ERROR = None
except ImportError as error:
    client = config = None
    ApiException = Exception
    IMPORT_ERROR = error

FIELD_MANAGER = "slipway-ansible"
# Where a Secret notes the version that its values were made with; one without the note is of version 1.
SECRETS_VERSION = "slipway.dev/secrets-version"
CONNECTION_ARGUMENTS = {"kubeconfig": {"type": "path", "required": True}}


def connect(module):
    """An API client for the module's kubeconfig; ends the module when there is none."""
    if IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=str(IMPORT_ERROR))
    try:
        return config.new_client_from_config(config_file=module.params["kubeconfig"])
    except Exception as error:  # the library raises five unrelated kinds here
        module.fail_json(msg=f"cannot read kubeconfig {module.params['kubeconfig']}: {error}")


def as_object(response):
    """The object in an answer that was asked for with _preload_content=False."""
    return json.loads(response.data)


def items(response):
    """The objects of a list answer."""
    return as_object(response).get("items") or []


def or_none(call, *args, **kwargs):
    """The object that a read answers, or None when the cluster has no such object."""
    try:
        return as_object(call(*args, _preload_content=False, **kwargs))
    except ApiException as error:
        if error.status == 404:
            return None
        raise


def explain(error):
    """What the API server said, in one line."""
    try:
        return json.loads(error.body)["message"]
    except (AttributeError, KeyError, TypeError, ValueError):
        return str(error)


def decoded(secret):
    """The values of a Secret as text."""
    data = (secret or {}).get("data") or {}
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def noted_version(secret):
    """The version that a Secret's values were made with."""
    annotations = (secret or {}).get("metadata", {}).get("annotations") or {}
    return int(annotations.get(SECRETS_VERSION, "1"))


def write_secret(core, namespace, name, labels, values, exists, annotations=None):
    """Make the Secret, or write these keys and annotations of it; answers its metadata."""
    body = {"data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}}
    if annotations:
        body["metadata"] = {"annotations": annotations}
    place = {"namespace": namespace, "field_manager": FIELD_MANAGER, "_preload_content": False}
    if exists:
        answer = core.patch_namespaced_secret(name=name, body=body, **place)
    else:
        body.update(type="Opaque", metadata={**body.get("metadata", {}), "name": name, "labels": labels})
        answer = core.create_namespaced_secret(body=body, **place)
    return as_object(answer)["metadata"]
