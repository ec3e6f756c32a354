//! Write-only attributes: in the configuration only, null everywhere else.

use super::Fields;
use super::pairs::for_each_object;
use crate::path::AttributePath;
use crate::schema::{Body, Nesting};
use crate::value::Value;

/// Sets every write-only attribute to null.
pub(crate) fn strip_write_only(body: &Body, fields: &mut Fields) {
    for (name, attribute) in &body.attributes {
        if attribute.write_only {
            fields.insert(name.clone(), Value::Null);
        }
    }
    for (name, nesting, body) in body.nests() {
        if let Some(value) = fields.get_mut(name) {
            for_each_object(nesting, value, [], &mut |fields, []| {
                strip_write_only(body, fields);
            });
        }
    }
}

/// The write-only attributes that are set.
pub(crate) fn set_write_only(
    body: &Body,
    fields: &Fields,
    path: &AttributePath,
) -> Vec<AttributePath> {
    let set = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
    let own = body
        .attributes
        .iter()
        .filter(|(name, attribute)| attribute.write_only && set(name));
    let mut found: Vec<AttributePath> = own.map(|(name, _)| path.attribute(name)).collect();
    for (name, nesting, body) in body.nests() {
        let path = path.attribute(name);
        let mut inner = |value: &Value, path: &AttributePath| {
            if let Value::Object(fields) = value {
                found.extend(set_write_only(body, fields, path));
            }
        };
        match (nesting, fields.get(name)) {
            (Nesting::Single, Some(value)) => inner(value, &path),
            (Nesting::List, Some(Value::List(items))) => {
                let each = items.iter().enumerate();
                each.for_each(|(index, item)| inner(item, &path.index(index)));
            }
            (Nesting::Map, Some(Value::Map(items))) => {
                for (key, item) in items {
                    inner(item, &path.key(key));
                }
            }
            // A set holds no write-only attributes.
            _ => {}
        }
    }
    found
}
