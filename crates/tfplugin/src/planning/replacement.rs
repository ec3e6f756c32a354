//! Which changes need a new object.

use super::Fields;
use crate::path::AttributePath;
use crate::schema::{Body, Nesting};
use crate::value::Value;

/// The deepest changed attributes whose change needs a new object. An element that comes or goes in a collection is no
/// change of the attributes inside it.
pub(crate) fn replacements(
    body: &Body,
    prior: &Fields,
    planned: &Fields,
    path: &AttributePath,
) -> Vec<AttributePath> {
    let value = |fields: &Fields, name: &str| fields.get(name).cloned().unwrap_or(Value::Null);
    let mut found = Vec::new();
    for (name, attribute) in &body.attributes {
        let (before, after) = (value(prior, name), value(planned, name));
        if before != after && attribute.replacement.needed(&before, &after) {
            found.push(path.attribute(name));
        }
    }
    for (name, nesting, body) in body.nests() {
        let path = path.attribute(name);
        let mut both = |before: &Value, after: &Value, path: &AttributePath| {
            if let (Some(before), Some(after)) = (fields_of(before), fields_of(after)) {
                found.extend(replacements(body, before, after, path));
            }
        };
        match (nesting, value(prior, name), value(planned, name)) {
            (Nesting::Single, Value::Null, after @ Value::Object(_)) => {
                both(&Value::Object(Fields::new()), &after, &path);
            }
            (Nesting::Single, before @ Value::Object(_), Value::Null) => {
                both(&before, &Value::Object(Fields::new()), &path);
            }
            (Nesting::Single, before, after) => both(&before, &after, &path),
            (Nesting::List, Value::List(before), Value::List(after)) => {
                for (index, (before, after)) in before.iter().zip(&after).enumerate() {
                    both(before, after, &path.index(index));
                }
            }
            (Nesting::Map, Value::Map(before), Value::Map(after)) => {
                for (key, after) in &after {
                    if let Some(before) = before.get(key) {
                        both(before, after, &path.key(key));
                    }
                }
            }
            // The elements of a set have no addresses; a rule for them belongs on the set itself.
            _ => {}
        }
    }
    found
}

fn fields_of(value: &Value) -> Option<&Fields> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}
