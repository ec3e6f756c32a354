//! Back from a state to the configuration that would make it.

use super::Fields;
use super::pairs::for_each_object;
use crate::schema::{Attribute, Body};
use crate::value::Value;

/// Sets to null what cannot be configured, and what equals its default and so need not be.
pub(crate) fn keep_arguments(body: &Body, fields: &mut Fields) {
    for (name, attribute) in &body.attributes {
        if let Some(value) = fields.get_mut(name)
            && (read_only(attribute) || attribute.default.as_ref() == Some(value))
        {
            *value = Value::Null;
        }
    }
    for (name, nesting, body) in body.nests() {
        if let Some(value) = fields.get_mut(name) {
            for_each_object(nesting, value, [], &mut |fields, []| {
                keep_arguments(body, fields);
            });
        }
    }
}

fn read_only(attribute: &Attribute) -> bool {
    !attribute.required && !attribute.optional
}
