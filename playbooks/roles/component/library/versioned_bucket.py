#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Make a versioned bucket with keys that only a Secret holds, once the object store can really take an object."""

import time

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.slipway_cluster import CONNECTION_ARGUMENTS, ApiException, client, connect, explain

try:
    import base64

    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    IMPORT_ERROR = None
except ImportError as error:
    BotoCoreError = ClientError = Exception
    IMPORT_ERROR = error

DOCUMENTATION = r"""
module: versioned_bucket
short_description: Make a versioned bucket once the object store can really take an object
description:
  - Health addresses answer before a store can write; so a new bucket is tried with a PUT, a GET and a DELETE.
  - The keys are read from a Secret here, so that they never become task arguments.
options:
  kubeconfig: {type: path, required: true, description: File with the access to the cluster.}
  endpoint: {type: str, required: true, description: Address of the object store.}
  region: {type: str, required: true, description: Region that requests are signed for.}
  bucket: {type: str, required: true, description: Name of the bucket.}
  namespace: {type: str, required: true, description: Namespace of the Secret.}
  secret: {type: str, required: true, description: "Name of the Secret with C(access_key) and C(secret_key)."}
  timeout: {type: int, default: 300, description: Seconds to wait for the object store.}
"""
RETRY_EVERY_SECONDS = 0.5
PROBE_KEY = ".slipway-probe"


def store(module):
    """An S3 client with the keys of the Secret."""
    core = client.CoreV1Api(connect(module))
    data = core.read_namespaced_secret(module.params["secret"], module.params["namespace"]).data
    return boto3.client(
        "s3",
        endpoint_url=module.params["endpoint"],
        region_name=module.params["region"],
        aws_access_key_id=base64.b64decode(data["access_key"]).decode(),
        aws_secret_access_key=base64.b64decode(data["secret_key"]).decode(),
        config=Config(
            connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}
        ),
    )


def exists(s3, bucket):
    """Whether the store has the bucket."""
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise
    return True


def versioned(s3, bucket):
    """Whether the bucket keeps versions."""
    return s3.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled"


def try_out(s3, bucket):
    """One object there and back, while the bucket still forgets what is deleted."""
    s3.put_object(Bucket=bucket, Key=PROBE_KEY, Body=b"probe")
    s3.get_object(Bucket=bucket, Key=PROBE_KEY)["Body"].read()
    s3.delete_object(Bucket=bucket, Key=PROBE_KEY)


def ensure(s3, bucket, check_mode):
    """Bring the bucket about; answers whether anything had to be done."""
    there = exists(s3, bucket)
    if there and versioned(s3, bucket):
        return False
    if not check_mode:
        if not there:
            s3.create_bucket(Bucket=bucket)
        try_out(s3, bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return True


def temporary(error):
    """Whether the store may answer better soon: it starts, or it has not read its keys yet."""
    if not isinstance(error, ClientError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or status in (403, 429)


def main():
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **CONNECTION_ARGUMENTS,
            "endpoint": {"type": "str", "required": True},
            "region": {"type": "str", "required": True},
            "bucket": {"type": "str", "required": True},
            "namespace": {"type": "str", "required": True},
            "secret": {"type": "str", "required": True, "no_log": False},
            "timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    if IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("boto3"), exception=str(IMPORT_ERROR))
    bucket, endpoint = module.params["bucket"], module.params["endpoint"]
    deadline = time.monotonic() + module.params["timeout"]
    try:
        s3 = store(module)
    except ApiException as error:
        module.fail_json(msg=f"Secret {module.params['namespace']}/{module.params['secret']}: {explain(error)}")
    while True:
        try:
            module.exit_json(changed=ensure(s3, bucket, module.check_mode))
        except (BotoCoreError, ClientError) as error:
            if not temporary(error) or time.monotonic() > deadline:
                module.fail_json(
                    msg=f"bucket {bucket} of the object store at {endpoint}: {error}. What to do: see that the pods of "
                    f"namespace {module.params['namespace']} run, that this host reaches the address, and that the "
                    f"keys in Secret {module.params['secret']} are those of the store."
                )
            time.sleep(RETRY_EVERY_SECONDS)


if __name__ == "__main__":
    main()
