//! Configurations: what core leaves to the provider to refuse.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::AttributePath;
use crate::planning::{Fields, set_write_only};
use crate::schema::{Attribute, Body, Nesting};
use crate::value::Value;

/// Everything that is wrong with a configuration by its schema: required attributes that are null, values for attributes
/// that only the provider sets, null elements, and what the validators say.
pub(crate) fn check_config(body: &Body, config: &Fields) -> Diagnostics {
    let mut problems = Diagnostics::new();
    check_body(body, config, &AttributePath::root(), &mut problems);
    problems
}

/// Refuses write-only values if core would store them in the state.
pub(crate) fn check_write_only_allowed(body: &Body, config: &Fields) -> Diagnostics {
    let set = set_write_only(body, config, &AttributePath::root());
    let refuse = |path: AttributePath| {
        let detail = format!(
            "{path} is write-only, which needs Terraform 1.11 or OpenTofu 1.11 or newer. Leave it unset or upgrade."
        );
        Diagnostic::error("Write-only attribute is not supported here", detail).at(path)
    };
    set.into_iter().map(refuse).collect()
}

fn check_body(body: &Body, config: &Fields, path: &AttributePath, problems: &mut Diagnostics) {
    for (name, attribute) in &body.attributes {
        let value = config.get(name).unwrap_or(&Value::Null);
        check_attribute(attribute, value, &path.attribute(name), problems);
    }
    for (name, nesting, inner) in body.nests() {
        let value = config.get(name).unwrap_or(&Value::Null);
        let provider_only = body
            .attributes
            .get(name)
            .is_some_and(|a| !a.required && !a.optional);
        if !provider_only {
            check_objects(nesting, inner, value, &path.attribute(name), problems);
        }
    }
}

fn check_attribute(
    attribute: &Attribute,
    value: &Value,
    path: &AttributePath,
    problems: &mut Diagnostics,
) {
    if attribute.required && value.is_null() {
        let detail = format!("{path} is required and must not be null.");
        problems.error_at(path, "Missing required argument", detail);
    }
    if !attribute.required && !attribute.optional && !value.is_null() {
        let detail = format!("{path} is decided by the provider and cannot be set.");
        problems.error_at(path, "Value for a read-only attribute", detail);
    }
    if !value.is_null() && value.is_wholly_known() {
        let mut found = Diagnostics::new();
        for validator in &attribute.validators {
            validator.check(value, path, &mut found);
        }
        let secret = attribute.sensitive || attribute.write_only;
        problems.append(if secret {
            without_value(found, value)
        } else {
            found
        });
    }
}

/// A validator may quote the value it refuses; that of a secret must not be shown.
fn without_value(problems: Diagnostics, value: &Value) -> Diagnostics {
    let mut secrets = Vec::new();
    collect_text(value, &mut secrets);
    let hidden = |mut problem: Diagnostic| {
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            let quoted = secret.escape_debug().to_string();
            problem.detail = problem
                .detail
                .replace(&quoted, HIDDEN)
                .replace(secret.as_str(), HIDDEN);
        }
        problem
    };
    problems.into_iter().map(hidden).collect()
}

const HIDDEN: &str = "(sensitive value)";

fn collect_text(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::List(items) | Value::Tuple(items) => {
            for item in items {
                collect_text(item, found);
            }
        }
        Value::Set(items) => {
            for item in items {
                collect_text(item, found);
            }
        }
        Value::Map(items) | Value::Object(items) => items.iter().for_each(|(key, item)| {
            found.push(key.clone());
            collect_text(item, found);
        }),
        Value::Dynamic(_, inner) => collect_text(inner, found),
        Value::Null | Value::Unknown(_) | Value::Bool(_) => {}
    }
}

fn check_objects(
    nesting: Nesting,
    body: &Body,
    value: &Value,
    path: &AttributePath,
    problems: &mut Diagnostics,
) {
    let mut inner = |value: &Value, path: AttributePath| match value {
        Value::Object(fields) => check_body(body, fields, &path, problems),
        Value::Null => {
            problems.error_at(&path, "Null element", format!("{path} must not be null."));
        }
        _ => {}
    };
    match (nesting, value) {
        (Nesting::Single, value @ Value::Object(_)) => inner(value, path.clone()),
        (Nesting::List, Value::List(items)) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| inner(item, path.index(index)));
        }
        (Nesting::Map, Value::Map(items)) => {
            for (key, item) in items {
                inner(item, path.key(key));
            }
        }
        (Nesting::Set, Value::Set(items)) => items
            .iter()
            .for_each(|item| inner(item, path.set_element())),
        _ => {}
    }
}
