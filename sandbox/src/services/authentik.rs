//! Authentik's interface, as far as applications are set up through it. Its token is the one in the Secret that the pods
//! would start with.

use std::collections::BTreeMap;

use async_trait::async_trait;
use axum::http::Method;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::body::{fields, text};
use super::call::{Answer, Call, Service};

const NAMESPACE: &str = "authentik";
const SECRET: &str = "authentik";
const TOKEN: &str = "AUTHENTIK_BOOTSTRAP_TOKEN";

/// What a fresh Authentik has: its flows, the scopes of `OpenID` Connect, and one key pair.
const FLOWS: [&str; 2] = [
    "default-provider-authorization-implicit-consent",
    "default-provider-invalidation-flow",
];
const SCOPES: [&str; 3] = ["openid", "email", "profile"];

pub(crate) struct Authentik {
    client: kube::Client,
    /// Objects by collection, then by primary key.
    objects: BTreeMap<String, BTreeMap<String, Map<String, Value>>>,
}

impl Authentik {
    pub(crate) fn new(client: kube::Client) -> Self {
        Self {
            client,
            objects: BTreeMap::new(),
        }
    }

    async fn knows(&self, token: &str) -> bool {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), NAMESPACE);
        let secret = secrets.get_opt(SECRET).await.ok().flatten();
        secret
            .and_then(|secret| secret.data)
            .and_then(|data| data.get(TOKEN).map(|value| value.0 == token.as_bytes()))
            .unwrap_or(false)
    }
}

#[async_trait]
impl Service for Authentik {
    fn name(&self) -> &'static str {
        "authentik"
    }

    async fn answer(&mut self, call: &Call) -> Answer {
        let health = ["/-/health/ready/", "/-/health/live/"].contains(&call.path.as_str());
        if health && call.method == Method::GET {
            return Answer::Text(200, "");
        }
        let allowed = match call.bearer() {
            Some(token) => self.knows(token).await,
            None => false,
        };
        if !allowed {
            return Answer::Json(
                403,
                json!({ "detail": "Authentication credentials were not provided." }),
            );
        }
        // Django answers a path without its last slash by a redirect, which loses a body.
        if !call.path.ends_with('/') {
            return Answer::unexpected("the path must end with a slash");
        }
        self.route(call).unwrap_or_else(|answer| answer)
    }
}

fn page(results: &[Value]) -> Answer {
    let count = results.len();
    Answer::Json(
        200,
        json!({ "pagination": { "next": 0, "previous": 0, "count": count, "current": 1, "total_pages": 1 }, "results": results }),
    )
}

/// A key that is the same in every sandbox, for what every installation has.
fn fixed(name: &str) -> String {
    Uuid::from_bytes(core::array::from_fn(|index| {
        name.as_bytes().get(index).copied().unwrap_or(0)
    }))
    .to_string()
}

impl Authentik {
    fn route(&mut self, call: &Call) -> Result<Answer, Answer> {
        let segments = call.segments();
        let Some(["api", "v3", rest @ ..]) = segments.get(..) else {
            return Err(Answer::no_route(call));
        };
        match (&call.method, rest) {
            (&Method::GET, ["flows", "instances"]) => Ok(filtered(
                call,
                "slug",
                &FLOWS,
                |slug| json!({ "pk": fixed(&slug[16..]), "slug": slug }),
            )),
            (&Method::GET, ["propertymappings", "provider", "scope"]) => {
                let managed =
                    SCOPES.map(|scope| format!("goauthentik.io/providers/oauth2/scope-{scope}"));
                let managed: Vec<&str> = managed.iter().map(String::as_str).collect();
                Ok(filtered(
                    call,
                    "managed",
                    &managed,
                    |name| json!({ "pk": fixed(&name[32..]), "managed": name }),
                ))
            }
            (&Method::GET, ["crypto", "certificatekeypairs"]) => Ok(page(&[
                json!({ "pk": fixed("key pair"), "name": "authentik Self-signed Certificate", "private_key_available": true }),
            ])),
            (&Method::POST, ["managed", "blueprints", key, "apply"]) => {
                Ok(self.object("managed/blueprints", key))
            }
            (method, [group, kind]) => {
                self.collection(call, method, &format!("{group}/{kind}"), None)
            }
            (method, [group, kind, key]) => {
                self.collection(call, method, &format!("{group}/{kind}"), Some(key))
            }
            _ => Err(Answer::no_route(call)),
        }
    }

    fn object(&self, collection: &str, key: &str) -> Answer {
        match self.objects.get(collection).and_then(|all| all.get(key)) {
            Some(found) => Answer::Json(200, Value::Object(found.clone())),
            None => Answer::Json(
                404,
                json!({ "detail": "No object matches the given query." }),
            ),
        }
    }

    fn collection(
        &mut self,
        call: &Call,
        method: &Method,
        collection: &str,
        key: Option<&str>,
    ) -> Result<Answer, Answer> {
        let Some(rules) = RULES.iter().find(|rules| rules.collection == collection) else {
            return Err(Answer::no_route(call));
        };
        let all = self.objects.entry(collection.to_owned()).or_default();
        match (method, key) {
            (&Method::GET, None) => {
                let matches = |object: &&Map<String, Value>| {
                    call.query.iter().all(|(name, wanted)| {
                        object
                            .get(name)
                            .is_some_and(|value| value.as_str() == Some(wanted))
                    })
                };
                let found: Vec<Value> = all
                    .values()
                    .filter(matches)
                    .cloned()
                    .map(Value::Object)
                    .collect();
                Ok(page(&found))
            }
            (&Method::POST, None) => {
                let mut body = rules.check(call)?;
                let unique = rules
                    .unique
                    .and_then(|name| body.get(name).cloned().map(|value| (name, value)));
                if let Some((name, value)) = unique
                    && all.values().any(|object| object.get(name) == Some(&value))
                {
                    return Ok(Answer::Json(
                        400,
                        json!({ name: [format!("{collection} with this {name} already exists.")] }),
                    ));
                }
                let key = match rules.key {
                    "pk" => (all.len() + 1).to_string(),
                    name => text(&body, name)?,
                };
                body.insert(
                    "pk".to_owned(),
                    key.parse::<u64>()
                        .map_or_else(|_| Value::from(key.clone()), Value::from),
                );
                all.insert(key, body.clone());
                Ok(Answer::Json(201, Value::Object(body)))
            }
            (&Method::GET, Some(key)) => Ok(self.object(collection, key)),
            (&Method::PATCH, Some(key)) => {
                let change = fields(call, &[], &[rules.required, rules.optional].concat())?;
                let Some(object) = all.get_mut(key) else {
                    return Ok(Answer::Json(
                        404,
                        json!({ "detail": "No object matches the given query." }),
                    ));
                };
                object.extend(change);
                Ok(Answer::Json(200, Value::Object(object.clone())))
            }
            _ => Err(Answer::no_route(call)),
        }
    }
}

/// What is known of the objects of a collection.
struct Rules {
    collection: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    /// A field that no two objects share.
    unique: Option<&'static str>,
    /// The field that names an object in a path; `pk` is a number.
    key: &'static str,
}

const RULES: [Rules; 5] = [
    Rules {
        collection: "managed/blueprints",
        required: &["name"],
        optional: &["path", "content", "enabled", "context"],
        unique: Some("name"),
        key: "pk",
    },
    Rules {
        collection: "providers/oauth2",
        required: &[
            "name",
            "authorization_flow",
            "invalidation_flow",
            "redirect_uris",
            // Without it no login succeeds, so it is due here.
            "grant_types",
        ],
        optional: &[
            "client_type",
            "client_id",
            "client_secret",
            "property_mappings",
            "signing_key",
            "sub_mode",
            "issuer_mode",
        ],
        unique: Some("name"),
        key: "pk",
    },
    Rules {
        collection: "core/applications",
        required: &["name", "slug"],
        optional: &["provider", "meta_launch_url", "policy_engine_mode"],
        unique: Some("slug"),
        key: "slug",
    },
    Rules {
        collection: "core/groups",
        required: &["name"],
        optional: &["is_superuser", "parent", "attributes"],
        unique: Some("name"),
        key: "pk",
    },
    Rules {
        collection: "policies/bindings",
        required: &["target", "order"],
        optional: &["group", "user", "policy", "enabled"],
        unique: None,
        key: "pk",
    },
];

impl Rules {
    fn check(&self, call: &Call) -> Result<Map<String, Value>, Answer> {
        let body = fields(call, self.required, self.optional)?;
        let odd_redirect = body.get("redirect_uris").is_some_and(|uris| {
            !uris.as_array().is_some_and(|all| {
                !all.is_empty()
                    && all
                        .iter()
                        .all(|one| one["matching_mode"].is_string() && one["url"].is_string())
            })
        });
        if odd_redirect {
            return Err(Answer::unexpected(
                "redirect_uris must be objects with matching_mode and url",
            ));
        }
        if body
            .get("grant_types")
            .is_some_and(|grants| grants.as_array().is_none_or(Vec::is_empty))
        {
            return Err(Answer::unexpected(
                "grant_types is empty: every login would fail",
            ));
        }
        Ok(body)
    }
}

/// What there is of `names`, all of it or the one that the query names.
fn filtered(call: &Call, field: &str, names: &[&str], show: impl Fn(&str) -> Value) -> Answer {
    let wanted = call.query.get(field);
    let found: Vec<Value> = names
        .iter()
        .filter(|name| wanted.is_none_or(|wanted| wanted == **name))
        .map(|name| show(name))
        .collect();
    page(&found)
}
