//! Cloudflare's interface for one account: zones that exist beforehand, records, the rules of their firewalls, settings.

use std::collections::BTreeMap;

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::body::{fields, text};
use super::call::{Answer, Call, Service};

/// Rule sets that Cloudflare manages, as a zone that may use them lists them.
const MANAGED: [(&str, &str); 2] = [
    (
        "efb7b8c949ac4650a09736fc376e9aee",
        "Cloudflare Managed Ruleset",
    ),
    (
        "4814384a9e5d4991b9815dcfc25d2f1f",
        "Cloudflare OWASP Core Ruleset",
    ),
];
const SETTINGS: [&str; 3] = ["ssl", "min_tls_version", "always_use_https"];
const PHASES: [&str; 3] = [
    "http_request_firewall_managed",
    "http_request_firewall_custom",
    "http_ratelimit",
];

pub(crate) struct Cloudflare {
    token: String,
    /// Zones by id. A name that is asked for is a zone of the account: whoever runs a rehearsal owns its domain.
    zones: BTreeMap<String, Zone>,
}

#[derive(Default)]
struct Zone {
    name: String,
    records: BTreeMap<String, Map<String, Value>>,
    rules: BTreeMap<String, Value>,
    settings: BTreeMap<String, Value>,
}

impl Cloudflare {
    pub(crate) fn new(token: &str) -> Self {
        Self {
            token: token.to_owned(),
            zones: BTreeMap::new(),
        }
    }
}

#[async_trait]
impl Service for Cloudflare {
    fn name(&self) -> &'static str {
        "cloudflare"
    }

    async fn answer(&mut self, call: &Call) -> Answer {
        if call.bearer() != Some(&self.token) {
            return refuse(403, 9109, "Invalid access token");
        }
        self.route(call).unwrap_or_else(|answer| answer)
    }
}

fn id() -> String {
    Uuid::new_v4().simple().to_string()
}

fn result(value: &Value) -> Answer {
    Answer::Json(
        200,
        json!({ "success": true, "errors": [], "messages": [], "result": value }),
    )
}

fn results(values: &[Value]) -> Answer {
    let count = values.len();
    let info = json!({ "page": 1, "per_page": 100, "count": count, "total_count": count, "total_pages": 1 });
    Answer::Json(
        200,
        json!({ "success": true, "errors": [], "messages": [], "result": values, "result_info": info }),
    )
}

fn refuse(status: u16, code: u32, message: &str) -> Answer {
    let errors = [json!({ "code": code, "message": message })];
    Answer::Json(
        status,
        json!({ "success": false, "errors": errors, "messages": [], "result": null }),
    )
}

impl Cloudflare {
    fn route(&mut self, call: &Call) -> Result<Answer, Answer> {
        let segments = call.segments();
        let Some(["client", "v4", rest @ ..]) = segments.get(..) else {
            return Err(Answer::no_route(call));
        };
        match (&call.method, rest) {
            (&Method::GET, ["user", "tokens", "verify"]) => {
                Ok(result(&json!({ "id": "token", "status": "active" })))
            }
            (&Method::GET, ["zones"]) => Ok(self.zone_named(call.query.get("name"))),
            (method, ["zones", zone, rest @ ..]) => match self.zones.get_mut(*zone) {
                Some(found) => found.route(call, method, rest),
                None => Ok(refuse(404, 1001, "Invalid zone identifier")),
            },
            _ => Err(Answer::no_route(call)),
        }
    }

    fn zone_named(&mut self, name: Option<&String>) -> Answer {
        let Some(name) = name else {
            return Answer::unexpected("zones are asked for by name");
        };
        let known = self
            .zones
            .iter()
            .find(|(_, zone)| zone.name == *name)
            .map(|(id, _)| id.clone());
        let id = known.unwrap_or_else(|| {
            let id = id();
            let zone = Zone {
                name: name.clone(),
                ..Zone::default()
            };
            self.zones.insert(id.clone(), zone);
            id
        });
        results(&[
            json!({ "id": id, "name": name, "status": "active", "plan": { "legacy_id": "pro" } }),
        ])
    }
}

impl Zone {
    fn route(&mut self, call: &Call, method: &Method, rest: &[&str]) -> Result<Answer, Answer> {
        match (method, rest) {
            (&Method::GET, ["dns_records"]) => Ok(self.listed(call)),
            (&Method::POST, ["dns_records"]) => self.add(call),
            (&Method::PATCH | &Method::PUT, ["dns_records", record]) => {
                let change = fields(call, &[], &RECORD_FIELDS)?;
                let Some(found) = self.records.get_mut(*record) else {
                    return Ok(refuse(404, 81044, "Record does not exist."));
                };
                found.extend(change);
                Ok(result(&Value::Object(found.clone())))
            }
            (&Method::DELETE, ["dns_records", record]) => Ok(match self.records.remove(*record) {
                Some(_) => result(&json!({ "id": record })),
                None => refuse(404, 81044, "Record does not exist."),
            }),
            (&Method::GET, ["rulesets"]) => {
                let all = MANAGED.map(|(id, name)| json!({ "id": id, "name": name, "kind": "managed", "phase": PHASES[0] }));
                Ok(results(&all))
            }
            (method, ["rulesets", "phases", phase, "entrypoint"]) => {
                self.entry_point(call, method, phase)
            }
            (&Method::GET, ["settings", name]) if SETTINGS.contains(name) => {
                let value = self
                    .settings
                    .get(*name)
                    .cloned()
                    .unwrap_or_else(|| "off".into());
                Ok(result(&json!({ "id": name, "value": value })))
            }
            (&Method::PATCH, ["settings", name]) if SETTINGS.contains(name) => {
                let body = fields(call, &["value"], &[])?;
                self.settings
                    .insert((*name).to_owned(), body["value"].clone());
                Ok(result(&json!({ "id": name, "value": body["value"] })))
            }
            _ => Err(Answer::no_route(call)),
        }
    }

    fn listed(&self, call: &Call) -> Answer {
        let filters = ["type", "name", "content"];
        let matches = |record: &&Map<String, Value>| {
            filters.iter().all(|field| {
                call.query
                    .get(*field)
                    .is_none_or(|wanted| record.get(*field).and_then(Value::as_str) == Some(wanted))
            })
        };
        let found: Vec<Value> = self
            .records
            .values()
            .filter(matches)
            .cloned()
            .map(Value::Object)
            .collect();
        results(&found)
    }

    fn add(&mut self, call: &Call) -> Result<Answer, Answer> {
        let mut record = fields(call, &["type", "name", "content"], &RECORD_FIELDS)?;
        let name = text(&record, "name")?;
        if name != self.name && !name.ends_with(&format!(".{}", self.name)) {
            return Err(Answer::unexpected(format!(
                "{name} does not lie in zone {}",
                self.name
            )));
        }
        if record
            .get("comment")
            .and_then(Value::as_str)
            .is_some_and(|comment| comment.len() > 100)
        {
            return Ok(refuse(400, 9313, "comment is too long"));
        }
        let same = |known: &Map<String, Value>| {
            ["type", "name", "content"]
                .iter()
                .all(|field| known.get(*field) == record.get(*field))
        };
        if self.records.values().any(same) {
            return Ok(refuse(400, 81058, "An identical record already exists."));
        }
        let id = id();
        record.insert("id".to_owned(), id.clone().into());
        self.records.insert(id, record.clone());
        Ok(result(&Value::Object(record)))
    }

    fn entry_point(&mut self, call: &Call, method: &Method, phase: &str) -> Result<Answer, Answer> {
        if !PHASES.contains(&phase) {
            return Err(Answer::no_route(call));
        }
        match *method {
            Method::GET => Ok(self.rules.get(phase).map_or_else(
                || {
                    refuse(
                        404,
                        10_003,
                        "could not find entrypoint ruleset in the phase",
                    )
                },
                result,
            )),
            Method::PUT => {
                let body = fields(call, &["rules"], &["description", "name"])?;
                let whole =
                    |rule: &Value| rule["action"].is_string() && rule["expression"].is_string();
                let Some(rules) = body["rules"]
                    .as_array()
                    .filter(|rules| rules.iter().all(whole))
                else {
                    return Err(Answer::unexpected(
                        "each rule needs an action and an expression",
                    ));
                };
                let known = |rule: &Value| {
                    rule["action"] != "execute"
                        || MANAGED
                            .iter()
                            .any(|(id, _)| rule["action_parameters"]["id"] == *id)
                };
                if !rules.iter().all(known) {
                    return Ok(refuse(400, 20_080, "unknown managed ruleset"));
                }
                let kept = json!({ "id": id(), "kind": "zone", "phase": phase, "rules": rules });
                self.rules.insert(phase.to_owned(), kept.clone());
                Ok(result(&kept))
            }
            _ => Err(Answer::no_route(call)),
        }
    }
}

const RECORD_FIELDS: [&str; 7] = [
    "type", "name", "content", "ttl", "proxied", "comment", "tags",
];
