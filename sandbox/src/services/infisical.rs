//! Infisical, as far as its set-up goes: one bootstrap, then projects, environments, identities, their secrets and rights.

use std::collections::BTreeMap;

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::{fields, text};
use super::call::{Answer, Call, Service};

#[derive(Default)]
pub(crate) struct Infisical {
    organization: Option<String>,
    /// Tokens that open the interface: that of the bootstrap, and those of logins.
    tokens: Vec<String>,
    projects: BTreeMap<String, Project>,
    identities: BTreeMap<String, Identity>,
}

struct Project {
    name: String,
    slug: String,
    environments: BTreeMap<String, Value>,
    /// Roles by identity.
    members: BTreeMap<String, Value>,
}

#[derive(Default)]
struct Identity {
    name: String,
    client_id: Option<String>,
    /// Secrets by their id.
    client_secrets: BTreeMap<String, String>,
}

#[async_trait]
impl Service for Infisical {
    fn name(&self) -> &'static str {
        "infisical"
    }

    async fn answer(&mut self, call: &Call) -> Answer {
        self.route(call).unwrap_or_else(|answer| answer)
    }
}

fn id() -> String {
    Uuid::new_v4().to_string()
}

fn missing(what: &str) -> Answer {
    Answer::Json(
        404,
        json!({ "statusCode": 404, "message": format!("{what} not found"), "error": "NotFound" }),
    )
}

impl Infisical {
    fn route(&mut self, call: &Call) -> Result<Answer, Answer> {
        let segments = call.segments();
        match (&call.method, segments.as_slice()) {
            (&Method::GET, ["api", "status"]) => Ok(Answer::Json(200, json!({ "message": "Ok" }))),
            (&Method::POST, ["api", "v1", "admin", "bootstrap"]) => self.bootstrap(call),
            (&Method::POST, ["api", "v1", "auth", "universal-auth", "login"]) => self.login(call),
            (&Method::POST, ["api", "v1", "auth", "token", "revoke"]) => self.revoke(call),
            _ if !call
                .bearer()
                .is_some_and(|token| self.tokens.iter().any(|known| known == token)) =>
            {
                Ok(Answer::Json(
                    401,
                    json!({ "statusCode": 401, "message": "Token missing" }),
                ))
            }
            (method, ["api", "v1", "projects", rest @ ..]) => self.projects(call, method, rest),
            (&Method::POST, ["api", "v1", "identities"]) => self.add_identity(call),
            (
                method,
                [
                    "api",
                    "v1",
                    "auth",
                    "universal-auth",
                    "identities",
                    identity,
                    rest @ ..,
                ],
            ) => self.universal_auth(call, method, identity, rest),
            _ => Err(Answer::no_route(call)),
        }
    }

    fn bootstrap(&mut self, call: &Call) -> Result<Answer, Answer> {
        let body = fields(call, &["email", "password", "organization"], &[])?;
        if !text(&body, "email")?.contains('@') {
            return Err(Answer::unexpected("email is no address"));
        }
        text(&body, "password")?;
        let organization = text(&body, "organization")?;
        if self.organization.is_some() {
            return Ok(Answer::Json(
                400,
                json!({ "statusCode": 400, "message": "Instance has already been set up" }),
            ));
        }
        let (organization_id, token) = (id(), id());
        self.organization = Some(organization_id.clone());
        self.tokens.push(token.clone());
        Ok(Answer::Json(
            200,
            json!({
                "message": "Successfully bootstrapped instance",
                "identity": { "id": id(), "name": "Instance Admin Identity", "credentials": { "token": token } },
                "organization": { "id": organization_id, "name": organization },
            }),
        ))
    }

    fn login(&mut self, call: &Call) -> Result<Answer, Answer> {
        let body = fields(call, &["clientId", "clientSecret"], &[])?;
        let (client, secret) = (text(&body, "clientId")?, text(&body, "clientSecret")?);
        let known = self.identities.values().any(|identity| {
            identity.client_id.as_ref() == Some(&client)
                && identity.client_secrets.values().any(|one| *one == secret)
        });
        if !known {
            return Ok(Answer::Json(
                401,
                json!({ "statusCode": 401, "message": "Invalid credentials" }),
            ));
        }
        let token = id();
        self.tokens.push(token.clone());
        Ok(Answer::Json(
            200,
            json!({ "accessToken": token, "expiresIn": 7200, "accessTokenMaxTTL": 7200, "tokenType": "Bearer" }),
        ))
    }

    /// Whoever holds a token may end it.
    fn revoke(&mut self, call: &Call) -> Result<Answer, Answer> {
        let token = text(&fields(call, &["accessToken"], &[])?, "accessToken")?;
        let before = self.tokens.len();
        self.tokens.retain(|known| *known != token);
        Ok(if self.tokens.len() < before {
            Answer::Json(
                200,
                json!({ "message": "Successfully revoked access token" }),
            )
        } else {
            Answer::Json(
                401,
                json!({ "statusCode": 401, "message": "Token missing" }),
            )
        })
    }

    fn projects(&mut self, call: &Call, method: &Method, rest: &[&str]) -> Result<Answer, Answer> {
        match (method, rest) {
            (&Method::POST, []) => self.add_project(call),
            (&Method::GET, []) => {
                let all: Vec<Value> = self
                    .projects
                    .iter()
                    .map(|(id, project)| project.shown(id))
                    .collect();
                Ok(Answer::Json(200, json!({ "projects": all })))
            }
            (method, [project, rest @ ..]) => {
                let Some(found) = self.projects.get_mut(*project) else {
                    return Ok(missing("Project"));
                };
                match (method, rest) {
                    (&Method::GET, []) => Ok(Answer::Json(
                        200,
                        json!({ "project": found.shown(project) }),
                    )),
                    (&Method::POST, ["environments"]) => found.add_environment(call),
                    (&Method::GET, ["environments", "slug", slug]) => {
                        Ok(found.environments.get(*slug).map_or_else(
                            || missing("Environment"),
                            |one| Answer::Json(200, json!({ "environment": one })),
                        ))
                    }
                    (method, ["memberships", "identities", identity]) => {
                        if !self.identities.contains_key(*identity) {
                            return Ok(missing("Identity"));
                        }
                        found.membership(call, method, identity)
                    }
                    _ => Err(Answer::no_route(call)),
                }
            }
            _ => Err(Answer::no_route(call)),
        }
    }

    fn add_project(&mut self, call: &Call) -> Result<Answer, Answer> {
        let optional = [
            "slug",
            "type",
            "shouldCreateDefaultEnvs",
            "hasDeleteProtection",
            "projectDescription",
        ];
        let body = fields(call, &["projectName"], &optional)?;
        let name = text(&body, "projectName")?;
        let slug = text(&body, "slug")?;
        if !(5..=36).contains(&slug.len()) {
            return Err(Answer::unexpected("slug must have 5 to 36 characters"));
        }
        if self.projects.values().any(|project| project.slug == slug) {
            return Ok(Answer::Json(
                400,
                json!({ "statusCode": 400, "message": "Project slug already in use" }),
            ));
        }
        let project = Project {
            name,
            slug,
            environments: BTreeMap::new(),
            members: BTreeMap::new(),
        };
        let id = id();
        let answer = json!({ "project": project.shown(&id) });
        self.projects.insert(id, project);
        Ok(Answer::Json(200, answer))
    }

    fn add_identity(&mut self, call: &Call) -> Result<Answer, Answer> {
        let body = fields(
            call,
            &["name", "organizationId", "role"],
            &["hasDeleteProtection"],
        )?;
        let name = text(&body, "name")?;
        if self.organization != Some(text(&body, "organizationId")?) {
            return Ok(missing("Organization"));
        }
        let (id, role) = (id(), text(&body, "role")?);
        let answer = json!({ "identity": { "id": id, "name": name, "role": role } });
        self.identities.insert(
            id,
            Identity {
                name,
                ..Identity::default()
            },
        );
        Ok(Answer::Json(200, answer))
    }

    fn universal_auth(
        &mut self,
        call: &Call,
        method: &Method,
        identity: &str,
        rest: &[&str],
    ) -> Result<Answer, Answer> {
        let Some(found) = self.identities.get_mut(identity) else {
            return Ok(missing("Identity"));
        };
        match (method, rest) {
            (&Method::POST, []) => {
                let optional = [
                    "accessTokenTTL",
                    "accessTokenMaxTTL",
                    "accessTokenNumUsesLimit",
                    "clientSecretTrustedIps",
                    "accessTokenTrustedIps",
                ];
                fields(call, &[], &optional)?;
                if found.client_id.is_some() {
                    return Ok(Answer::Json(
                        400,
                        json!({ "statusCode": 400, "message": "Failed to add universal auth to already configured identity" }),
                    ));
                }
                let client = id();
                found.client_id = Some(client.clone());
                Ok(Answer::Json(
                    200,
                    json!({ "identityUniversalAuth": { "identityId": identity, "clientId": client, "name": found.name } }),
                ))
            }
            _ if found.client_id.is_none() => Ok(Answer::Json(
                400,
                json!({ "statusCode": 400, "message": "The identity does not have universal auth" }),
            )),
            (&Method::GET, []) => Ok(Answer::Json(
                200,
                json!({ "identityUniversalAuth": { "identityId": identity, "clientId": found.client_id } }),
            )),
            (&Method::POST, ["client-secrets"]) => {
                fields(call, &[], &["description", "ttl", "numUsesLimit"])?;
                let (secret_id, secret) = (id(), id());
                found
                    .client_secrets
                    .insert(secret_id.clone(), secret.clone());
                Ok(Answer::Json(
                    200,
                    json!({ "clientSecret": secret, "clientSecretData": { "id": secret_id } }),
                ))
            }
            (&Method::GET, ["client-secrets"]) => {
                let all: Vec<Value> = found
                    .client_secrets
                    .keys()
                    .map(|id| json!({ "id": id }))
                    .collect();
                Ok(Answer::Json(200, json!({ "clientSecretData": all })))
            }
            (&Method::POST, ["client-secrets", secret, "revoke"]) => {
                Ok(match found.client_secrets.remove(*secret) {
                    Some(_) => Answer::Json(200, json!({ "clientSecretData": { "id": secret } })),
                    None => missing("Client secret"),
                })
            }
            _ => Err(Answer::no_route(call)),
        }
    }
}

impl Project {
    fn shown(&self, id: &str) -> Value {
        let environments: Vec<&Value> = self.environments.values().collect();
        json!({ "id": id, "name": self.name, "slug": self.slug, "type": "secret-manager", "environments": environments })
    }

    fn add_environment(&mut self, call: &Call) -> Result<Answer, Answer> {
        let body = fields(call, &["name", "slug"], &["position"])?;
        let slug = text(&body, "slug")?;
        if self.environments.contains_key(&slug) {
            return Ok(Answer::Json(
                400,
                json!({ "statusCode": 400, "message": "Environment already exists" }),
            ));
        }
        let environment = json!({ "id": id(), "name": text(&body, "name")?, "slug": slug });
        self.environments.insert(slug, environment.clone());
        Ok(Answer::Json(200, json!({ "environment": environment })))
    }

    fn membership(
        &mut self,
        call: &Call,
        method: &Method,
        identity: &str,
    ) -> Result<Answer, Answer> {
        let there = self.members.contains_key(identity);
        match *method {
            Method::GET => Ok(self.members.get(identity).map_or_else(
                || missing("Membership"),
                |roles| Answer::Json(200, json!({ "identityMembership": { "roles": roles } })),
            )),
            Method::POST if there => Ok(Answer::Json(
                400,
                json!({ "statusCode": 400, "message": "Identity is already a member" }),
            )),
            Method::POST | Method::PATCH => {
                let body = fields(call, &["roles"], &[])?;
                let known = |role: &Value| {
                    matches!(role["role"].as_str(), Some("viewer" | "member" | "admin"))
                };
                let roles = body["roles"]
                    .as_array()
                    .filter(|roles| !roles.is_empty() && roles.iter().all(known));
                let Some(roles) = roles else {
                    return Err(Answer::unexpected(
                        "roles must be viewer, member or admin: others need a licence",
                    ));
                };
                self.members
                    .insert(identity.to_owned(), roles.clone().into());
                Ok(Answer::Json(
                    200,
                    json!({ "identityMembership": { "roles": roles } }),
                ))
            }
            _ => Err(Answer::no_route(call)),
        }
    }
}
