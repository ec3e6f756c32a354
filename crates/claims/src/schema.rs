//! The published JSON Schema of a claim, for editors, forms and pipelines.
//!
//! It is made from the same words, rules and fields as the reader, and refuses nothing that the reader takes. Some
//! rules a schema cannot say (an end after its beginning, a real calendar day, a field that stands twice): what passes
//! it may still be refused by [`Draft::read`](crate::Draft::read).

use crate::environment_type::EnvironmentType;
use crate::name::{ENVIRONMENT_NAME, POOL_NAME, Rule, SERVICE_NAME};
use serde_json::{Value, json};

/// Says that the fields are optional in a draft; in a bucket they must be there.
const FILLED_IN: &str = "Filled in when the claim is accepted by the API or by Terraform; a file in the bucket must have it.";

/// A line that is not blank in between: what users, addresses and branches look like.
///
/// The control characters are spelled out because not every dialect of patterns knows their class.
const ONE_WORD: &str = r"^[^\s\x00-\x1f\x7f-\x9f]+$";
const NUMBERS: &str = r"v?[0-9]+(\.[0-9]+){0,3}(-[0-9A-Za-z.-]+)?";
/// Any tag, except a mixture of numbers and wildcards that is no pattern, which nobody means as a tag.
const TAG: &str =
    r"(?!v?[0-9]+(\.([0-9]+|[xX]))*\.[xX](\.([0-9]+|[xX]))*\s*$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
/// Numbers, then wildcards; four parts at most.
const PATTERN: &str = r"v?[0-9]+((\.[xX*]){1,3}|\.[0-9]+(\.[xX*]){1,2}|\.[0-9]+\.[0-9]+\.[xX*])";
/// The last part of the path names a build, by tag or by digest.
const REFERENCE: &str = r"^([!-~]*/)?[!-.0-9;-?A-~]+[:@][!-.0-~]+$";
const DATE: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$";

/// JSON Schema (2020-12) of a claim as it stands in the bucket.
#[must_use]
pub fn claim_schema() -> Value {
    let mut schema = as_written();
    // The same text in every build, whatever order its maps keep.
    schema.sort_all_objects();
    schema
}

fn as_written() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:slipway:claim",
        "title": "Environment claim",
        "description": "What somebody asks for when they ask for an environment. `null` means the same as leaving an optional field out.",
        "type": "object",
        "additionalProperties": false,
        "required": ["user", "environment_pool", "creation_date", "environment_name", "environment_type", "services"],
        "properties": {
            "user": {
                "description": format!("Who asks, as an e-mail address or the name of a service account. {FILLED_IN}"),
                "type": "string", "minLength": 1, "maxLength": 254, "pattern": ONE_WORD,
                "examples": ["john.doe@company.com"],
            },
            "environment_pool": named(POOL_NAME, "Whose budget and rights the environment lives in.", "team1"),
            "creation_date": date(&format!("When it was asked for. {FILLED_IN}"), false),
            "environment_name": named(ENVIRONMENT_NAME, "Name and identity of the environment.", "dev-team1-feature-x"),
            "environment_type": environment_type(),
            "expiration_date": date("When the environment ends: `sue` alone may name it, and gets 24 hours without.", true),
            "services": {
                "description": "The services that run in the environment, by name.",
                "type": "object",
                "propertyNames": name(SERVICE_NAME),
                "additionalProperties": { "anyOf": [constraint(), artifacts()] },
            },
            "deployment_method": {
                "description": "`git` for a static environment, which is changed by merge requests only.",
                "enum": ["git", null],
            },
            "git_repository": git("Repository that a static environment is managed in."),
            "branch": git("Branch that a static environment is managed on."),
        },
        "allOf": [ends_only_if_temporary(), git_is_whole()],
    })
}

fn name(rule: Rule) -> Value {
    json!({
        "type": "string",
        "minLength": rule.shortest,
        "maxLength": rule.longest,
        "pattern": "^[a-z]([a-z0-9-]*[a-z0-9])?$",
    })
}

fn named(rule: Rule, description: &str, example: &str) -> Value {
    let mut schema = name(rule);
    schema["description"] = description.into();
    schema["examples"] = json!([example]);
    schema
}

fn date(description: &str, optional: bool) -> Value {
    let kind = if optional {
        json!(["string", "null"])
    } else {
        json!("string")
    };
    json!({ "description": description, "type": kind, "format": "date-time", "pattern": DATE })
}

fn environment_type() -> Value {
    let mut words: Vec<&str> = EnvironmentType::ALL.map(EnvironmentType::as_str).to_vec();
    words.push("stage");
    json!({ "description": "What the environment is for; `stage` is read as `staging`.", "enum": words })
}

fn constraint() -> Value {
    let bound = format!(r"(>=|<=|!=|>|<|=)\s*{NUMBERS}");
    let forms = [
        r"\*".to_owned(),
        format!(r"\^{NUMBERS}"),
        PATTERN.to_owned(),
        format!(r"{bound}(\s*,\s*{bound})*"),
        TAG.to_owned(),
    ];
    json!({
        "description": "A tag (`v1.2.3`), that or newer (`^1.2.0`), a pattern (`1.x.x.x`), a range (`>=1.2.0, <2.0.0`), `latest` or `*`.",
        "type": "string",
        "pattern": format!(r"^\s*({})\s*$", forms.join("|")),
        "examples": ["v1.2.3", "^1.0.0.0", "1.x.x.x", ">=1.2.0, <2.0.0", "latest"],
    })
}

fn artifacts() -> Value {
    let reference = |description: &str| json!({ "description": description, "type": "string", "pattern": REFERENCE });
    json!({
        "description": "One exact version with its two artifacts named.",
        "type": "object",
        "additionalProperties": false,
        "required": ["version", "docker_image", "ansible_artifact"],
        "properties": {
            "version": { "description": "The exact version that both artifacts have.", "type": "string", "pattern": format!(r"^\s*(?!latest\s*$){TAG}\s*$") },
            "docker_image": reference("Reference of the container image, with tag or digest."),
            "ansible_artifact": reference("Reference of the OCI artifact with the Ansible playbooks, with tag or digest."),
        },
    })
}

fn git(description: &str) -> Value {
    json!({ "description": description, "type": ["string", "null"], "pattern": ONE_WORD })
}

fn ends_only_if_temporary() -> Value {
    let lasting: Vec<&str> = EnvironmentType::ALL
        .into_iter()
        .filter(|kind| kind.profile().lifetime.is_none())
        .map(EnvironmentType::as_str)
        .chain(["stage"])
        .collect();
    json!({
        "if": { "properties": { "environment_type": { "enum": lasting } }, "required": ["environment_type"] },
        "then": { "properties": { "expiration_date": { "type": "null" } } },
    })
}

fn git_is_whole() -> Value {
    let text = json!({ "type": "string" });
    let nothing = json!({ "type": "null" });
    json!({
        "if": { "properties": { "deployment_method": { "const": "git" } }, "required": ["deployment_method"] },
        "then": { "properties": { "git_repository": text, "branch": text }, "required": ["git_repository", "branch"] },
        "else": { "properties": { "git_repository": nothing, "branch": nothing } },
    })
}
