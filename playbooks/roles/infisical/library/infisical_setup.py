#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Set up an Infisical: its first administrator, organisation, projects and machine identities."""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.slipway_cluster import (
    CONNECTION_ARGUMENTS,
    ApiException,
    client,
    connect,
    decoded,
    explain,
    or_none,
    write_secret,
)
from ansible.module_utils.slipway_service import Refused, ServiceSession, Unreachable

DOCUMENTATION = r"""
module: infisical_setup
short_description: Set up an Infisical
description:
  - Makes the first administrator and the organisation once, then projects, environments and machine identities as wanted.
  - What is secret goes into Secrets of the namespace as soon as it exists, and nowhere else. The token of the first call, which may do
    everything, is revoked once an identity of our own can take over.
  - An interrupted run is continued. What was made in the moment of the interruption, before its id could be written down, stays without rights.
options:
  kubeconfig: {type: path, required: true, description: File with the access to the cluster.}
  namespace: {type: str, required: true, description: Namespace of Infisical and of the Secrets.}
  service: {type: str, default: infisical, description: Its Service.}
  port: {type: int, default: 8080, description: Port of the Service.}
  labels: {type: dict, default: {}, description: Labels that the Secrets get when they are made.}
  organization: {type: str, required: true, description: Name of the organisation.}
  project:
    type: dict
    required: true
    description: "The platform's own project: name, slug, and environments from slug to name."
    suboptions:
      name: {type: str, required: true, description: Name.}
      slug: {type: str, required: true, description: Slug of 5 to 36 characters.}
      environments: {type: dict, required: true, description: Slug of each environment to its name.}
  identities:
    type: list
    elements: dict
    required: true
    description: The machine identities; the first one administers the organisation and is the one that this module works as.
    suboptions:
      name: {type: str, required: true, description: Name; its Secret is C(identity-NAME).}
      organization_role: {type: str, default: no-access, description: Role in the organisation.}
      project_role: {type: str, description: Role in the platform's project; none without it.}
  version: {type: int, default: 1, description: Raise it to replace the client secrets of all identities.}
  timeout: {type: int, default: 300, description: Seconds to wait until Infisical answers.}
"""
RETURN = r"""
changes: {type: list, returned: success, description: What was done.}
"""

ADMINISTRATOR = "administrator"
ORGANISATION = "organization"
RETRY_EVERY_SECONDS = 1
# A token serves one run of this module.
TOKEN_SECONDS = 7200
OPTIONS = {
    **CONNECTION_ARGUMENTS,
    "namespace": {"type": "str", "required": True},
    "service": {"type": "str", "default": "infisical"},
    "port": {"type": "int", "default": 8080},
    "labels": {"type": "dict", "default": {}},
    "organization": {"type": "str", "required": True},
    "project": {
        "type": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "slug": {"type": "str", "required": True},
            "environments": {"type": "dict", "required": True},
        },
    },
    "identities": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "organization_role": {"type": "str", "default": "no-access"},
            "project_role": {"type": "str"},
        },
    },
    "version": {"type": "int", "default": 1},
    "timeout": {"type": "int", "default": 300},
}


def noted(identity):
    """The version of an identity's client secret, which is written down once the old one is revoked."""
    return int(identity.get("secrets_version", "0"))


class NotOurs(Exception):
    """The Infisical was set up by somebody whose access we do not have."""


class Memory:
    """The Secrets of the namespace, in which every step is written down before the next."""

    def __init__(self, core, namespace, labels):
        self.core, self.namespace, self.labels = core, namespace, labels

    def read(self, name):
        """The values of a Secret; none if it does not exist."""
        return decoded(or_none(self.core.read_namespaced_secret, name, self.namespace))

    def write(self, name, **values):
        """Write these values, and leave the others of the Secret as they are."""
        exists = or_none(self.core.read_namespaced_secret, name, self.namespace) is not None
        write_secret(self.core, self.namespace, name, self.labels, values, exists)


class Setup:
    """One run."""

    def __init__(self, options, memory, session):
        self.options, self.memory, self.session = options, memory, session
        self.changes = []

    def run(self):
        """Bring everything about."""
        self._await_service()
        token = self._token()
        try:
            organization = self.memory.read(ORGANISATION)["organization_id"]
            project = self._project()
            for identity in self.options["identities"]:
                self._identity(identity, organization, project)
        finally:
            self._end(token)
        if self.memory.read(ORGANISATION).get("bootstrap_token"):
            self._end(self._login(self.options["identities"][0]["name"]))
            self._retire_bootstrap_token()

    def _await_service(self):
        deadline = time.monotonic() + self.options["timeout"]
        while True:
            try:
                return self.session.call("GET", "/api/status")
            except (Unreachable, Refused):
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_EVERY_SECONDS)

    def _token(self):
        """A token that may do everything: of our own identity, or that of the first call while there is none."""
        name = self.options["identities"][0]["name"]
        organization = self.memory.read(ORGANISATION)
        if not organization.get("bootstrap_token") and self.memory.read(f"identity-{name}").get("client_secret"):
            token = self._login(name)
        else:
            token = organization.get("bootstrap_token") or self._bootstrap()
        self.session.bearer = token
        return token

    def _bootstrap(self):
        administrator = self.memory.read(ADMINISTRATOR)
        body = {key: administrator[key] for key in ("email", "password")}
        try:
            made = self.session.call("POST", "/api/v1/admin/bootstrap", {**body, "organization": self.options["organization"]})
        except Refused as error:
            raise NotOurs(f"the first call was refused ({error}), and Secret {ORGANISATION} has no token of an earlier one") from error
        token = made["identity"]["credentials"]["token"]
        self.memory.write(ORGANISATION, organization_id=made["organization"]["id"], bootstrap_token=token)
        self.changes.append(f"make organisation {self.options['organization']}")
        return token

    def _retire_bootstrap_token(self):
        token = self.memory.read(ORGANISATION)["bootstrap_token"]
        self.session.call("POST", "/api/v1/auth/token/revoke", {"accessToken": token})
        self.memory.write(ORGANISATION, bootstrap_token="")
        self.changes.append("revoke the token of the first call")

    def _login(self, name):
        known = self.memory.read(f"identity-{name}")
        body = {"clientId": known["client_id"], "clientSecret": known["client_secret"]}
        return self.session.call("POST", "/api/v1/auth/universal-auth/login", body)["accessToken"]

    def _end(self, token):
        """Revoke a token of ours; that of the first call is needed until an identity has logged in."""
        if token != self.memory.read(ORGANISATION).get("bootstrap_token"):
            self.session.call("POST", "/api/v1/auth/token/revoke", {"accessToken": token})

    def _project(self):
        wanted = self.options["project"]
        known = self.memory.read(ORGANISATION).get("project_id")
        if known is None:
            body = {"projectName": wanted["name"], "slug": wanted["slug"], "type": "secret-manager"}
            body.update(shouldCreateDefaultEnvs=False, hasDeleteProtection=True)
            known = self.session.call("POST", "/api/v1/projects", body)["project"]["id"]
            self.memory.write(ORGANISATION, project_id=known)
            self.changes.append(f"make project {wanted['slug']}")
        for position, (slug, name) in enumerate(sorted(wanted["environments"].items()), start=1):
            if self.session.find(f"/api/v1/projects/{known}/environments/slug/{slug}") is None:
                body = {"name": name, "slug": slug, "position": position}
                self.session.call("POST", f"/api/v1/projects/{known}/environments", body)
                self.changes.append(f"make environment {slug} of project {wanted['slug']}")
        return known

    def _identity(self, wanted, organization, project):
        name, secret = wanted["name"], f"identity-{wanted['name']}"
        known = self.memory.read(secret)
        if not known.get("identity_id"):
            body = {"name": name, "organizationId": organization, "role": wanted["organization_role"], "hasDeleteProtection": False}
            identity = self.session.call("POST", "/api/v1/identities", body)["identity"]["id"]
            self.memory.write(secret, identity_id=identity, project_id=project, host=self.session.address)
            self.changes.append(f"make identity {name}")
        identity = self.memory.read(secret)["identity_id"]
        self._credentials(name, identity)
        if wanted["project_role"]:
            self._membership(name, identity, project, wanted["project_role"])

    def _credentials(self, name, identity):
        """A client id and a client secret; a raised version brings a new secret, which is tried before the old one goes."""
        secret, path = f"identity-{name}", f"/api/v1/auth/universal-auth/identities/{identity}"
        known = self.memory.read(secret)
        if not known.get("client_id"):
            body = {"accessTokenTTL": TOKEN_SECONDS, "accessTokenMaxTTL": TOKEN_SECONDS, "accessTokenNumUsesLimit": 0}
            attached = self.session.find(path) or self.session.call("POST", path, body)
            self.memory.write(secret, client_id=attached["identityUniversalAuth"]["clientId"])
        version = self.options["version"]
        if known.get("client_secret") and noted(known) >= version:
            return
        made = self.session.call("POST", f"{path}/client-secrets", {"description": f"version {version}", "ttl": 0, "numUsesLimit": 0})
        kept = made["clientSecretData"]["id"]
        self.memory.write(secret, client_secret=made["clientSecret"])
        self._end(self._login(name))
        for old in self.session.call("GET", f"{path}/client-secrets")["clientSecretData"]:
            if old["id"] != kept and not old.get("isClientSecretRevoked"):
                self.session.call("POST", f"{path}/client-secrets/{old['id']}/revoke", {})
        self.memory.write(secret, secrets_version=str(version))
        self.changes.append(f"make a client secret for {name}")

    def _membership(self, name, identity, project, role):
        path, body = f"/api/v1/projects/{project}/memberships/identities/{identity}", {"roles": [{"role": role}]}
        found = self.session.find(path)
        if found is None:
            self.session.call("POST", path, body)
        elif [one["role"] for one in found["identityMembership"]["roles"]] != [role]:
            self.session.call("PATCH", path, body)
        else:
            return
        self.changes.append(f"make {name} {role} of the platform's project")


def main():
    """Run the module."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    options = module.params
    core = client.CoreV1Api(connect(module))
    memory = Memory(core, options["namespace"], options["labels"])
    try:
        if module.check_mode:
            module.exit_json(**foreseen(options, memory))
        session = ServiceSession(core, options["namespace"], options["service"], options["port"])
        setup = Setup(options, memory, session)
        setup.run()
    except ApiException as error:
        module.fail_json(msg=f"namespace {options['namespace']}: {explain(error)}")
    except (NotOurs, Refused, Unreachable) as error:
        module.fail_json(
            msg=f"Infisical could not be set up: {error}. What to do: see that its pods answer, and apply again, which goes on from here; if it was "
            f"set up by hand, put organization_id and bootstrap_token of an administrator's identity into Secret {options['namespace']}/{ORGANISATION}."
        )
    module.exit_json(changed=bool(setup.changes), changes=setup.changes)


def foreseen(options, memory):
    """What a run would do, as far as the Secrets tell; check mode sends nothing."""
    organization = memory.read(ORGANISATION)
    changes = [] if organization.get("project_id") else ["make organisation and project"]
    if organization.get("bootstrap_token"):
        changes.append("revoke the token of the first call")
    for identity in options["identities"]:
        if noted(memory.read(f"identity-{identity['name']}")) < options["version"]:
            changes.append(f"make identity {identity['name']} or its client secret")
    return {"changed": bool(changes), "changes": changes}


if __name__ == "__main__":
    main()
