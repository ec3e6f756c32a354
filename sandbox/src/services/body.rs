//! Bodies that are checked field by field.

use serde_json::{Map, Value};

use super::call::{Answer, Call};

/// The fields of a JSON object that has all of `required` and none but these and `optional`.
pub(crate) fn fields(
    call: &Call,
    required: &[&str],
    optional: &[&str],
) -> Result<Map<String, Value>, Answer> {
    let json = call
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/json"));
    if !json {
        return Err(Answer::unexpected(
            "the body is not sent as application/json",
        ));
    }
    let Ok(Value::Object(fields)) = serde_json::from_str(&call.body) else {
        return Err(Answer::unexpected("the body is no JSON object"));
    };
    if let Some(missing) = required.iter().find(|name| !fields.contains_key(**name)) {
        return Err(Answer::unexpected(format!("the body has no {missing}")));
    }
    let known = |name: &str| required.contains(&name) || optional.contains(&name);
    match fields.keys().find(|name| !known(name)) {
        Some(unknown) => Err(Answer::unexpected(format!(
            "the body has {unknown}, which is not known"
        ))),
        None => Ok(fields),
    }
}

/// The text of a field that must be one and not empty.
pub(crate) fn text(fields: &Map<String, Value>, name: &str) -> Result<String, Answer> {
    match fields.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        _ => Err(Answer::unexpected(format!("{name} is no text"))),
    }
}
