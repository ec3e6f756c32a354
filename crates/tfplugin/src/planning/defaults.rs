//! Defaults for what the user left unset.

use super::Fields;
use super::pairs::for_each_object;
use crate::path::AttributePath;
use crate::schema::Body;
use crate::value::{Value, shape};

/// Gives every attribute that has a default and is null in the configuration this default. Without a configuration to
/// compare with, the attribute itself must be null.
pub(crate) fn fill_defaults(body: &Body, planned: &mut Fields, config: Option<&Fields>) {
    for (name, attribute) in &body.attributes {
        let Some(default) = &attribute.default else {
            continue;
        };
        let unset = match config {
            Some(config) => config.get(name).is_none_or(Value::is_null),
            None => planned.get(name).is_none_or(Value::is_null),
        };
        if unset {
            // The schema's check has shown that the default fits its type.
            let default = shape(
                default.clone(),
                &attribute.implied_type(),
                &AttributePath::root(),
            );
            planned.insert(name.clone(), default.unwrap_or(Value::Null));
        }
    }
    for (name, nesting, body) in body.nests() {
        let Some(value) = planned.get_mut(name) else {
            continue;
        };
        let peer = config.and_then(|config| config.get(name));
        for_each_object(nesting, value, [peer], &mut |fields, [config]| {
            fill_defaults(body, fields, config);
        });
    }
}
