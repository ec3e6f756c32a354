//! Artifactory in its free editions: repositories by a change of the configuration, tokens, search and deletion. Its
//! administrator is the one in the Secret that the pods would start with.

use std::collections::BTreeMap;

use async_trait::async_trait;
use axum::http::Method;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::fields;
use super::call::{Answer, Call, Service};

const NAMESPACE: &str = "artifactory";
const SECRET: &str = "artifactory-admin";
/// `admin@127.0.0.1=password`.
const ADMINISTRATOR: &str = "bootstrap.creds";

pub(crate) struct Artifactory {
    client: kube::Client,
    repositories: BTreeMap<String, Value>,
    tokens: Vec<String>,
}

impl Artifactory {
    pub(crate) fn new(client: kube::Client) -> Self {
        Self {
            client,
            repositories: BTreeMap::new(),
            tokens: Vec::new(),
        }
    }

    async fn is_administrator(&self, call: &Call) -> bool {
        let Some((name, password)) = call.basic() else {
            return false;
        };
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), NAMESPACE);
        let secret = secrets.get_opt(SECRET).await.ok().flatten();
        let line = secret
            .and_then(|secret| secret.data)
            .and_then(|mut data| data.remove(ADMINISTRATOR))
            .and_then(|value| String::from_utf8(value.0).ok())
            .unwrap_or_default();
        let (user, known) = line.trim().split_once('=').unwrap_or_default();
        user.split('@').next() == Some(name.as_str()) && known == password
    }
}

#[async_trait]
impl Service for Artifactory {
    fn name(&self) -> &'static str {
        "artifactory"
    }

    async fn answer(&mut self, call: &Call) -> Answer {
        match (&call.method, call.path.as_str()) {
            (&Method::GET, "/artifactory/api/system/ping") => return Answer::Text(200, "OK"),
            (&Method::GET, "/router/api/v1/system/health") => {
                return Answer::Json(200, json!({ "router": { "state": "HEALTHY" } }));
            }
            _ => {}
        }
        if !self.is_administrator(call).await {
            return Answer::Json(
                401,
                json!({ "errors": [{ "status": 401, "message": "Bad credentials" }] }),
            );
        }
        self.route(call).unwrap_or_else(|answer| answer)
    }
}

impl Artifactory {
    fn route(&mut self, call: &Call) -> Result<Answer, Answer> {
        let segments = call.segments();
        match (&call.method, segments.as_slice()) {
            (&Method::PATCH, ["artifactory", "api", "system", "configuration"]) => {
                self.configure(call)
            }
            (&Method::PUT, ["artifactory", "api", "repositories", _]) => Ok(Answer::Json(
                400,
                json!({ "errors": [{ "status": 400, "message": "This REST API is available only in Artifactory Pro" }] }),
            )),
            (&Method::POST, ["artifactory", "ui", "jcr", "eula", "accept"]) => {
                Ok(Answer::Json(200, json!({})))
            }
            (&Method::POST, ["access", "api", "v1", "tokens"]) => {
                fields(
                    call,
                    &["scope"],
                    &["expires_in", "description", "username", "refreshable"],
                )?;
                let token = Uuid::new_v4().to_string();
                self.tokens.push(token.clone());
                Ok(Answer::Json(
                    200,
                    json!({ "token_id": token, "access_token": Uuid::new_v4(), "token_type": "Bearer" }),
                ))
            }
            (&Method::DELETE, ["access", "api", "v1", "tokens", id]) => {
                let known = self.tokens.iter().any(|token| token == id);
                self.tokens.retain(|token| token != id);
                Ok(Answer::Json(if known { 200 } else { 404 }, json!({})))
            }
            (&Method::POST, ["artifactory", "api", "search", "aql"]) => {
                if !call.body.starts_with("items.find(")
                    || !call
                        .header("content-type")
                        .is_some_and(|kind| kind.starts_with("text/plain"))
                {
                    return Err(Answer::unexpected(
                        "a search is a text that starts with items.find(",
                    ));
                }
                Ok(Answer::Json(
                    200,
                    json!({ "results": [], "range": { "start_pos": 0, "end_pos": 0, "total": 0 } }),
                ))
            }
            (&Method::POST, ["artifactory", "api", "system", "storage", "gc"]) => {
                Ok(Answer::Text(200, ""))
            }
            _ => Err(Answer::no_route(call)),
        }
    }

    fn configure(&mut self, call: &Call) -> Result<Answer, Answer> {
        if call.header("content-type") != Some("application/yaml") {
            return Err(Answer::unexpected(
                "a change of the configuration is sent as application/yaml",
            ));
        }
        let Ok(change) = serde_saphyr::from_str::<Value>(&call.body) else {
            return Err(Answer::unexpected(
                "the change of the configuration is no YAML",
            ));
        };
        let sections = change
            .as_object()
            .map(|sections| sections.keys().map(String::as_str).collect::<Vec<_>>());
        if sections.as_deref() != Some(&["localRepositories"]) {
            return Err(Answer::unexpected("only localRepositories are set up"));
        }
        let Some(wanted) = change["localRepositories"].as_object() else {
            return Err(Answer::unexpected("localRepositories is no object"));
        };
        if let Some((name, _)) = wanted.iter().find(|(_, one)| !one["type"].is_string()) {
            return Err(Answer::unexpected(format!("repository {name} has no type")));
        }
        let changes = wanted
            .iter()
            .filter(|(name, one)| self.repositories.get(*name) != Some(one))
            .count();
        self.repositories.extend(wanted.clone());
        Ok(match changes {
            0 => Answer::Text(200, "No changes to config merged"),
            _ => Answer::Text(200, "Changes to config merged successfully"),
        })
    }
}
