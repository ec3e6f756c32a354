//! Elasticsearch, as far as it is set up: retention, templates, and who somebody is. Its administrator is the one in the
//! operator's Secret; the others are those that the cluster's object names.

use std::collections::BTreeMap;

use async_trait::async_trait;
use axum::http::Method;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Map, Value, json};

use super::body::fields;
use super::call::{Answer, Call, Service};

const NAMESPACE: &str = "elasticsearch";
const CLUSTER: &str = "elasticsearch";
const ADMINISTRATOR: &str = "elastic";
const PHASES: [&str; 5] = ["hot", "warm", "cold", "frozen", "delete"];
/// Types of fields that mappings of ours may have.
const TYPES: [&str; 9] = [
    "text",
    "keyword",
    "date",
    "flattened",
    "nested",
    "boolean",
    "integer",
    "long",
    "object",
];

pub(crate) struct Elasticsearch {
    client: kube::Client,
    policies: BTreeMap<String, Value>,
    templates: BTreeMap<String, Value>,
}

/// Somebody who is known.
struct User {
    name: String,
    roles: Vec<String>,
}

impl Elasticsearch {
    pub(crate) fn new(client: kube::Client) -> Self {
        Self {
            client,
            policies: BTreeMap::new(),
            templates: BTreeMap::new(),
        }
    }

    /// Who calls, if the password is right.
    async fn user(&self, call: &Call) -> Option<User> {
        let (name, password) = call.basic()?;
        if name == ADMINISTRATOR {
            let secret = self.secret(&format!("{CLUSTER}-es-elastic-user")).await?;
            let roles = vec!["superuser".to_owned()];
            return (secret.get(ADMINISTRATOR)? == &password).then_some(User { name, roles });
        }
        for realm in self.realms().await {
            let Some(secret) = self.secret(&realm).await else {
                continue;
            };
            if secret.get("username") == Some(&name) && secret.get("password") == Some(&password) {
                let roles = secret.get("roles").map_or("", String::as_str);
                let roles = roles.split(',').map(str::to_owned).collect();
                return Some(User { name, roles });
            }
        }
        None
    }

    /// The Secrets of users that the cluster's object names.
    async fn realms(&self) -> Vec<String> {
        let kind = GroupVersionKind::gvk("elasticsearch.k8s.elastic.co", "v1", "Elasticsearch");
        let kind = ApiResource::from_gvk_with_plural(&kind, "elasticsearches");
        let clusters: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), NAMESPACE, &kind);
        let cluster = clusters.get_opt(CLUSTER).await.ok().flatten();
        cluster
            .iter()
            .filter_map(|cluster| cluster.data["spec"]["auth"]["fileRealm"].as_array())
            .flatten()
            .filter_map(|realm| realm["secretName"].as_str().map(str::to_owned))
            .collect()
    }

    async fn secret(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), NAMESPACE);
        let data = secrets.get_opt(name).await.ok().flatten()?.data?;
        let text = |(key, value): (String, k8s_openapi::ByteString)| {
            Some((key, String::from_utf8(value.0).ok()?))
        };
        Some(data.into_iter().filter_map(text).collect())
    }
}

#[async_trait]
impl Service for Elasticsearch {
    fn name(&self) -> &'static str {
        "elasticsearch"
    }

    async fn answer(&mut self, call: &Call) -> Answer {
        let Some(user) = self.user(call).await else {
            return refusal(401, "security_exception", "unable to authenticate user");
        };
        if (&call.method, call.path.as_str()) == (&Method::GET, "/_security/_authenticate") {
            return Answer::Json(
                200,
                json!({ "username": user.name, "roles": user.roles, "enabled": true }),
            );
        }
        if user.name != ADMINISTRATOR {
            return refusal(403, "security_exception", "action is unauthorized for user");
        }
        self.route(call).unwrap_or_else(|answer| answer)
    }
}

fn refusal(status: u16, kind: &str, reason: &str) -> Answer {
    let cause = json!({ "type": kind, "reason": reason });
    Answer::Json(
        status,
        json!({ "error": { "root_cause": [cause], "type": kind, "reason": reason }, "status": status }),
    )
}

fn missing(name: &str) -> Answer {
    refusal(
        404,
        "resource_not_found_exception",
        &format!("[{name}] not found"),
    )
}

impl Elasticsearch {
    fn route(&mut self, call: &Call) -> Result<Answer, Answer> {
        let segments = call.segments();
        match (&call.method, segments.as_slice()) {
            (&Method::GET, ["_cluster", "health"]) => Ok(Answer::Json(
                200,
                json!({ "cluster_name": CLUSTER, "status": "green", "timed_out": false }),
            )),
            (&Method::GET, ["_ilm", "policy", name]) => Ok(match self.policies.get(*name) {
                Some(policy) => {
                    Answer::Json(200, json!({ *name: { "version": 1, "policy": policy } }))
                }
                None => missing(name),
            }),
            (&Method::PUT, ["_ilm", "policy", name]) => {
                let policy = policy(call)?;
                self.policies.insert((*name).to_owned(), policy);
                Ok(Answer::Json(200, json!({ "acknowledged": true })))
            }
            (&Method::GET, ["_index_template", name]) => Ok(match self.templates.get(*name) {
                Some(template) => {
                    let found = json!({ "name": name, "index_template": template });
                    Answer::Json(200, json!({ "index_templates": [found] }))
                }
                None => missing(name),
            }),
            (&Method::PUT, ["_index_template", name]) => {
                let template = self.template(call)?;
                self.templates.insert((*name).to_owned(), template);
                Ok(Answer::Json(200, json!({ "acknowledged": true })))
            }
            _ => Err(Answer::no_route(call)),
        }
    }

    /// A template, as it is told afterwards: the settings as texts, each in the object of its name.
    fn template(&self, call: &Call) -> Result<Value, Answer> {
        let mut template = fields(
            call,
            &["index_patterns", "template"],
            &["priority", "data_stream", "_meta"],
        )?;
        let unexpected = |why: &str| Err(Answer::unexpected(why));
        if template["index_patterns"]
            .as_array()
            .is_none_or(Vec::is_empty)
        {
            return unexpected("index_patterns is no list of patterns");
        }
        if template
            .get("data_stream")
            .is_some_and(|stream| !stream.is_object())
        {
            return unexpected("data_stream is no object");
        }
        let settings = &template["template"]["settings"];
        if let Some(policy) = settings["index.lifecycle.name"].as_str()
            && !self.policies.contains_key(policy)
        {
            return Err(Answer::unexpected(format!(
                "there is no policy {policy} yet"
            )));
        }
        let mut told = json!({});
        for (name, value) in settings.as_object().into_iter().flatten() {
            let name = name.strip_prefix("index.").unwrap_or(name);
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let path = name
                .split('.')
                .fold(&mut told["index"], |place, part| &mut place[part]);
            *path = text.into();
        }
        check_mapping("mappings", &template["template"]["mappings"])?;
        template["template"]["settings"] = told;
        Ok(Value::Object(template))
    }
}

/// A policy of phases.
fn policy(call: &Call) -> Result<Value, Answer> {
    let policy = fields(call, &["policy"], &[])?
        .remove("policy")
        .unwrap_or_default();
    only(&policy, "policy", &["phases", "_meta"])?;
    let phases = only(&policy["phases"], "phases", &PHASES)?;
    if phases.is_empty() {
        return Err(Answer::unexpected("a policy without phases"));
    }
    for (name, phase) in phases {
        only(phase, name, &["min_age", "actions"])?;
        if !phase["actions"].is_object() {
            return Err(Answer::unexpected(format!("phase {name} has no actions")));
        }
    }
    Ok(policy)
}

fn only<'a>(
    value: &'a Value,
    what: &str,
    known: &[&str],
) -> Result<&'a Map<String, Value>, Answer> {
    let Some(fields) = value.as_object() else {
        return Err(Answer::unexpected(format!("{what} is no object")));
    };
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(Answer::unexpected(format!(
            "{what} has {unknown}, which is not known"
        ))),
        None => Ok(fields),
    }
}

/// Every field has a type that is known, or fields of its own.
fn check_mapping(what: &str, mapping: &Value) -> Result<(), Answer> {
    let Some(properties) = mapping["properties"].as_object() else {
        return Err(Answer::unexpected(format!("{what} has no properties")));
    };
    for (name, field) in properties {
        let kind = field["type"].as_str();
        if kind.is_some_and(|kind| !TYPES.contains(&kind)) {
            return Err(Answer::unexpected(format!(
                "field {name} has type {}",
                field["type"]
            )));
        }
        if kind.is_none() || !field["properties"].is_null() {
            check_mapping(name, field)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::{Answer, Call, Elasticsearch, Method, Value, json};

    fn elasticsearch() -> Elasticsearch {
        // Nobody is asked: what is tested comes after the password.
        let nowhere = kube::Config::new("http://127.0.0.1:9".parse().unwrap());
        Elasticsearch::new(kube::Client::try_from(nowhere).unwrap())
    }

    fn call(method: Method, path: &str, body: &Value) -> Call {
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        Call {
            method,
            path: path.to_owned(),
            query: std::collections::BTreeMap::new(),
            headers,
            body: body.to_string(),
        }
    }

    fn said(
        service: &mut Elasticsearch,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, String> {
        match service.route(&call(method, path, body)) {
            Ok(Answer::Json(200, told)) => Ok(told),
            Err(Answer::Unexpected(why)) => Err(why),
            Ok(other) | Err(other) => Err(format!("{other:?}")),
        }
    }

    fn policy() -> Value {
        json!({ "policy": { "_meta": { "slipway": "1" }, "phases": { "delete": { "min_age": "3d", "actions": { "delete": {} } } } } })
    }

    fn template() -> Value {
        json!({
            "index_patterns": ["logs"], "data_stream": {}, "_meta": { "slipway": "2" },
            "template": {
                "settings": { "index.lifecycle.name": "logs", "number_of_replicas": 1 },
                "mappings": { "properties": { "log": { "type": "text" }, "pod": { "properties": { "name": { "type": "keyword" } } } } },
            },
        })
    }

    #[tokio::test]
    async fn what_was_written_comes_back_with_its_mark_and_with_settings_as_texts() {
        let mut service = elasticsearch();
        assert!(said(&mut service, Method::GET, "/_ilm/policy/logs", &json!({})).is_err());
        said(&mut service, Method::PUT, "/_ilm/policy/logs", &policy()).unwrap();
        said(
            &mut service,
            Method::PUT,
            "/_index_template/logs",
            &template(),
        )
        .unwrap();
        let told = said(&mut service, Method::GET, "/_ilm/policy/logs", &json!({})).unwrap();
        assert_eq!(told["logs"]["policy"]["_meta"]["slipway"], "1");
        let told = said(
            &mut service,
            Method::GET,
            "/_index_template/logs",
            &json!({}),
        )
        .unwrap();
        let told = &told["index_templates"][0]["index_template"];
        assert_eq!(told["_meta"]["slipway"], "2");
        assert_eq!(
            told["template"]["settings"]["index"],
            json!({ "lifecycle": { "name": "logs" }, "number_of_replicas": "1" })
        );
    }

    #[tokio::test]
    async fn what_elasticsearch_would_not_take_is_not_taken() {
        let mut service = elasticsearch();
        let put = |service: &mut Elasticsearch, path: &str, body: &Value| {
            said(service, Method::PUT, path, body).unwrap_err()
        };
        let why = put(&mut service, "/_index_template/logs", &template());
        assert!(why.contains("no policy logs yet"), "{why}");
        said(&mut service, Method::PUT, "/_ilm/policy/logs", &policy()).unwrap();
        for (pointer, value, expected) in [
            ("/index_patterns", json!([]), "no list of patterns"),
            ("/data_stream", json!(true), "data_stream is no object"),
            (
                "/template/mappings/properties/log/type",
                json!("string"),
                "has type \"string\"",
            ),
            (
                "/template/mappings/properties/pod",
                json!({}),
                "pod has no properties",
            ),
        ] {
            let mut body = template();
            *body.pointer_mut(pointer).unwrap() = value;
            let why = put(&mut service, "/_index_template/logs", &body);
            assert!(why.contains(expected), "{pointer}: {why}");
        }
        let mut body = policy();
        body["policy"]["phases"]["old"] = json!({ "actions": {} });
        let why = put(&mut service, "/_ilm/policy/logs", &body);
        assert!(why.contains("phases has old"), "{why}");
    }
}
