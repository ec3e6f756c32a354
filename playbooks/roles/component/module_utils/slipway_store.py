# SPDX-License-Identifier: Apache-2.0
"""Access to an object store: S3 for everybody, and the two ways in which stores keep their users."""

import base64
import hashlib
import json
import os
import time
import urllib.parse

from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.slipway_cluster import CONNECTION_ARGUMENTS, ApiException, client, connect, decoded, explain, or_none

try:
    import boto3
    import requests
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.config import Config
    from botocore.credentials import Credentials
    from botocore.exceptions import BotoCoreError, ClientError
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    IMPORT_ERROR = None
except ImportError as error:
    BotoCoreError = ClientError = OSError
    IMPORT_ERROR = error

STORE_ARGUMENTS = {
    **CONNECTION_ARGUMENTS,
    "endpoint": {"type": "str", "required": True},
    "region": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "secret": {"type": "str", "required": True, "no_log": False},
    "timeout": {"type": "int", "default": 300},
}
RETRY_EVERY_SECONDS = 0.5
CONNECT_SECONDS, READ_SECONDS = 3, 10
UNKNOWN_KEY = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidClientTokenId")


class StoreRefused(Exception):
    """The store's administration answered with an error."""

    def __init__(self, status, text):
        super().__init__(f"status {status}: {text}")
        self.status = status


class Store:
    """An object store with the keys of its administrator, which are read here and never become task arguments."""

    def __init__(self, module):
        if IMPORT_ERROR is not None:
            module.fail_json(msg=missing_required_lib("boto3, cryptography, requests"), exception=str(IMPORT_ERROR))
        self.module = module
        self.endpoint, self.region = module.params["endpoint"], module.params["region"]
        self.core = client.CoreV1Api(connect(module))
        self.keys = self._root_keys()

    def _root_keys(self):
        namespace, name = self.module.params["namespace"], self.module.params["secret"]
        try:
            values = decoded(or_none(self.core.read_namespaced_secret, name, namespace))
        except ApiException as error:
            self.module.fail_json(msg=f"Secret {namespace}/{name}: {explain(error)}")
        if not values.get("access_key") or not values.get("secret_key"):
            self.module.fail_json(msg=f"Secret {namespace}/{name} has no access_key and secret_key")
        return values["access_key"], values["secret_key"]

    def service(self, name, keys=None):
        """A client of one of the store's services, as the administrator or with other keys."""
        access_key, secret_key = keys or self.keys
        service = boto3.client(
            name,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
            ),
        )
        service.meta.events.register("before-sign.s3.*", name_bucket_as_folder)
        return service

    def persist(self, work):
        """The outcome of work, which is done again while the store may answer better soon."""
        deadline = time.monotonic() + self.module.params["timeout"]
        while True:
            try:
                return work()
            except (BotoCoreError, ClientError, StoreRefused, OSError) as error:
                if not temporary(error) or time.monotonic() > deadline:
                    self._give_up(error)
                time.sleep(RETRY_EVERY_SECONDS)

    def _give_up(self, error):
        namespace, secret = self.module.params["namespace"], self.module.params["secret"]
        self.module.fail_json(
            msg=f"the object store at {self.endpoint}: {error}. What to do: see that the pods of namespace {namespace} run, "
            f"that this host reaches the address, and that the keys in Secret {secret} are those of the store."
        )


def name_bucket_as_folder(request, **_):
    """Asks for C(/bucket/), as most clients do, and not for C(/bucket): SeaweedFS answers C(/status) itself."""
    address = urllib.parse.urlsplit(request.url)
    if address.path.count("/") == 1 and address.path != "/":
        request.url = urllib.parse.urlunsplit(address._replace(path=f"{address.path}/"))


def status_of(error):
    """The HTTP status of a refusal, 0 where there was no answer."""
    if isinstance(error, StoreRefused):
        return error.status
    if isinstance(error, ClientError) and hasattr(error, "response"):
        return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return 0


def temporary(error):
    """Whether the store may answer better soon: it starts, or it has not read its keys yet."""
    status = status_of(error)
    return status == 0 or status >= 500 or status in (403, 429)


def or_missing(call, *codes, **arguments):
    """The answer of a call, or None where the store says that there is no such thing."""
    try:
        return call(**arguments)
    except ClientError as error:
        if status_of(error) == 404 or error.response["Error"]["Code"] in codes:
            return None
        raise


def users(store):
    """The administration that this store has: MinIO's own, or the interface of AWS IAM that others speak."""
    health = requests.get(f"{store.endpoint}/minio/health/live", timeout=(CONNECT_SECONDS, READ_SECONDS))
    return MinioUsers(store) if health.ok else IamUsers(store)


def arn(policy):
    """How a policy is named in calls."""
    return f"arn:aws:iam:::policy/{policy}"


class IamUsers:
    """Users of a store that speaks AWS IAM; it chooses the keys.

    Their policies are managed ones, of the user's name: SeaweedFS takes no denial in the policy of a user itself.
    """

    def __init__(self, store):
        self.iam = store.service("iam")

    def policy(self, name):
        """The policy of a user, None without user or policy."""
        attached = or_missing(self.iam.list_attached_user_policies, "NoSuchEntity", UserName=name)
        if arn(name) not in [policy["PolicyArn"] for policy in (attached or {}).get("AttachedPolicies", [])]:
            return None
        return self._document(name)

    def grant(self, name, policy):
        """Bring user and policy about."""
        if or_missing(self.iam.get_user, "NoSuchEntity", UserName=name) is None:
            self.iam.create_user(UserName=name)
        if self._document(name) != policy:
            or_missing(self.iam.detach_user_policy, "NoSuchEntity", UserName=name, PolicyArn=arn(name))
            or_missing(self.iam.delete_policy, "NoSuchEntity", PolicyArn=arn(name))
            self.iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(policy))
        self.iam.attach_user_policy(UserName=name, PolicyArn=arn(name))

    def _document(self, name):
        answer = or_missing(self.iam.get_policy, "NoSuchEntity", PolicyArn=arn(name))
        if answer is None:
            return None
        version = answer["Policy"]["DefaultVersionId"]
        document = self.iam.get_policy_version(PolicyArn=arn(name), VersionId=version)["PolicyVersion"]["Document"]
        return json.loads(urllib.parse.unquote(document)) if isinstance(document, str) else document

    def new_keys(self, name):
        """Fresh keys of a user beside those that there are."""
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def other_keys(self, name, known):
        """Access keys of a user but the known one: replaced ones, and such as an interrupted run made and told nobody."""
        listed = or_missing(self.iam.list_access_keys, "NoSuchEntity", UserName=name) or {}
        found = [key["AccessKeyId"] for key in listed.get("AccessKeyMetadata", [])]
        return [key for key in found if key != known]

    def take_back(self, name, key):
        """Make an access key of a user worthless."""
        or_missing(self.iam.delete_access_key, "NoSuchEntity", UserName=name, AccessKeyId=key)


class MinioUsers:
    """Users of a MinIO: the access key is the user's name, and we choose the secret key."""

    def __init__(self, store):
        self.store = store

    def policy(self, name):
        """The policy of a user, None without user or policy."""
        user = self._ask("GET", "user-info", accessKey=name)
        if user is None or user.get("policyName") != name or user.get("status") != "enabled":
            return None
        return self._ask("GET", "info-canned-policy", name=name)

    def grant(self, name, policy):
        """Bring user and policy about; the user's keys are made with new_keys."""
        self._ask("PUT", "add-canned-policy", json.dumps(policy).encode(), name=name)
        if self._ask("GET", "user-info", accessKey=name) is None:
            self.new_keys(name)
        self._ask("PUT", "set-user-or-group-policy", policyName=name, userOrGroup=name, isGroup="false")

    def new_keys(self, name):
        """Fresh keys of a user, who has no others from then on."""
        secret_key = base64.urlsafe_b64encode(os.urandom(30)).decode()
        user = json.dumps({"secretKey": secret_key, "status": "enabled"}).encode()
        self._ask("PUT", "add-user", sealed(self.store.keys[1], user), accessKey=name)
        return name, secret_key

    @staticmethod
    def other_keys(_name, _known):
        """A user has one pair of keys."""
        return []

    def _ask(self, method, action, body=b"", **query):
        """The answer to one call of the administration; None where it says that there is no such thing."""
        url = f"{self.store.endpoint}/minio/admin/v3/{action}?{urllib.parse.urlencode(query)}"
        request = AWSRequest(method=method, url=url, data=body)
        request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
        S3SigV4Auth(Credentials(*self.store.keys), "s3", self.store.region).add_auth(request)
        answer = requests.request(
            method, url, data=body, headers=dict(request.headers), timeout=(CONNECT_SECONDS, READ_SECONDS)
        )
        if answer.status_code == 404:
            return None
        if not answer.ok:
            raise StoreRefused(answer.status_code, answer.text[:300])
        return answer.json() if answer.content else {}


def sealed(password, text):
    """Text as MinIO's administration takes secrets: salt, cipher's number, nonce, and one fragment of AES-GCM.

    The key is derived from the administrator's secret key. What is sealed here is shorter than one fragment (16 KiB), so
    there is only the last one, whose associated data begins with 0x80 and goes on with the tag of an empty first.
    """
    salt, nonce = os.urandom(32), os.urandom(8)
    cipher = AESGCM(hashlib.pbkdf2_hmac("sha256", password.encode(), salt, PBKDF2_ROUNDS, 32))
    first, last = (nonce + number.to_bytes(4, "little") for number in (0, 1))
    associated = b"\x80" + cipher.encrypt(first, b"", b"")
    return salt + PBKDF2_AES_GCM + nonce + cipher.encrypt(last, text, associated)


PBKDF2_ROUNDS = 8192
PBKDF2_AES_GCM = b"\x02"
