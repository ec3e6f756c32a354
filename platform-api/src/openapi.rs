//! The description of the interface (`OpenAPI` 3.1), made from the handlers and from the schema of claims.

use crate::routes::described;
use serde_json::{Value, json};
use utoipa::openapi::{Info, OpenApi, OpenApiBuilder};

/// What stands above all routes.
#[must_use]
pub fn head() -> OpenApi {
    let mut info = Info::new("Slipway platform API", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Environments by claims. Every refusal is a problem (RFC 9457) with a code of docs/errors.md.".to_owned(),
    );
    OpenApiBuilder::new().info(info).build()
}

/// The whole description, as it is served and published.
#[must_use]
pub fn description() -> Value {
    complete(&described())
}

/// Adds what every route has in common and the schema of a claim, which the library of claims publishes.
fn complete(api: &OpenApi) -> Value {
    let mut api = serde_json::to_value(api).unwrap_or_default();
    let mut claim = claims::claim_schema();
    if let Some(claim) = claim.as_object_mut() {
        // The dialect of the whole document; a name of its own would make it another document.
        claim.remove("$schema");
        claim.remove("$id");
    }
    let mut draft = claim.clone();
    draft["title"] = json!("Draft of a claim");
    draft["description"] = json!(
        "A claim as a person asks for it: `user` and `creation_date` are filled in when it is accepted."
    );
    draft["required"] = json!([
        "environment_pool",
        "environment_name",
        "environment_type",
        "services"
    ]);
    let schemas = &mut api["components"]["schemas"];
    schemas["Claim"] = claim;
    schemas["Draft"] = draft;
    schemas["EnvironmentAnswer"]["properties"]["claim"] = json!({
        "allOf": [{ "$ref": "#/components/schemas/Claim" }],
        "description": "The claim as it stands in the store.",
    });
    api["components"]["securitySchemes"]["oidc"] = json!({
        "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
        "description": "A token of the platform's identity provider.",
    });
    api["security"] = json!([{ "oidc": [] }]);
    for (method, operation) in operations(&mut api) {
        let more = if method == "get" {
            &[][..]
        } else {
            &OF_CHANGES[..]
        };
        for (status, description) in COMMON.iter().chain(more) {
            let answers = &mut operation["responses"];
            if answers.get(*status).is_none() {
                answers[*status] = json!({
                    "description": description,
                    "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
                });
            }
        }
    }
    api
}

/// What a request that changes something may be answered beside that.
const OF_CHANGES: [(&str, &str); 5] = [
    ("403", "A policy forbids it."),
    (
        "409",
        "It cannot be done in the present state, or the same request is still under way.",
    ),
    ("412", "Somebody was faster."),
    ("422", "What was sent cannot be met."),
    ("423", "The platform takes no claims now."),
];

/// What every route may answer.
const COMMON: [(&str, &str); 7] = [
    ("400", "The request cannot be read."),
    ("401", "The request carries no identity that is believed."),
    ("413", "The body is too large."),
    ("415", "The body is not JSON."),
    ("429", "Too many requests."),
    (
        "503",
        "The store, the policies or the audit log do not answer; nothing was decided.",
    ),
    ("504", "It took too long; a write that was begun goes on."),
];

fn operations(api: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    let paths = api["paths"].as_object_mut().into_iter();
    paths
        .flat_map(|paths| paths.values_mut())
        .filter_map(Value::as_object_mut)
        .flatten()
        .filter(|(_, operation)| operation.get("responses").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_published_description_is_this_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
        let text = serde_json::to_string_pretty(&description()).unwrap() + "\n";
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            published == text,
            "docs/openapi.json is not what the code says; write it anew with UPDATE_OPENAPI=1"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn check(value: &Value, whole: &Value) {
            if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
                let pointer = reference.trim_start_matches('#');
                assert!(whole.pointer(pointer).is_some(), "{reference}");
            }
            match value {
                Value::Object(fields) => fields.values().for_each(|value| check(value, whole)),
                Value::Array(items) => items.iter().for_each(|value| check(value, whole)),
                _ => {}
            }
        }
        let api = description();
        check(&api, &api);
    }
}
