//! Between the wire's messages and our types.

use serde_json::Value as Json;

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::path::{AttributePath, Step};
use crate::planning::Fields;
use crate::proto::tfplugin6 as pb;
use crate::schema::IdentitySchema;
use crate::value::{Object, Type, Value, decode_json, decode_msgpack, encode_msgpack, shape};

/// Reads a value; an absent one is null.
pub(super) fn decode(ty: &Type, value: Option<&pb::DynamicValue>) -> Result<Value, Diagnostics> {
    match value {
        Some(value) if !value.msgpack.is_empty() => Ok(decode_msgpack(ty, &value.msgpack)?),
        Some(value) if !value.json.is_empty() => Ok(decode_json(
            ty,
            &parse(&value.json)?,
            &AttributePath::root(),
        )?),
        _ => Ok(Value::Null),
    }
}

/// Reads an object that may be null.
pub(super) fn decode_object(
    ty: &Type,
    value: Option<&pb::DynamicValue>,
) -> Result<Option<Object>, Diagnostics> {
    match decode(ty, value)? {
        Value::Object(fields) => Ok(Some(fields.into_iter().collect())),
        _ => Ok(None),
    }
}

/// Reads a configuration. One that is null as a whole has every attribute null.
pub(super) fn decode_config(
    ty: &Type,
    value: Option<&pb::DynamicValue>,
) -> Result<Object, Diagnostics> {
    Ok(decode_object(ty, value)?.unwrap_or_else(|| match ty {
        Type::Object(types) => types
            .keys()
            .map(|name| (name.clone(), Value::Null))
            .collect(),
        _ => Object::new(),
    }))
}

/// Writes a value that has the form of the type.
pub(super) fn encode(ty: &Type, value: &Value) -> Result<pb::DynamicValue, Diagnostics> {
    Ok(pb::DynamicValue {
        msgpack: encode_msgpack(ty, value)?.into(),
        ..pb::DynamicValue::default()
    })
}

/// Writes a state, or that there is none.
pub(super) fn encode_state(
    ty: &Type,
    fields: Option<Fields>,
) -> Result<pb::DynamicValue, Diagnostics> {
    encode(ty, &fields.map_or(Value::Null, Value::Object))
}

/// Writes an identity.
pub(super) fn encode_identity(
    schema: &IdentitySchema,
    identity: Object,
) -> Result<pb::ResourceIdentityData, Diagnostics> {
    let ty = schema.implied_type();
    let identity = Value::Object(identity.into_fields());
    let identity = shape(identity, &ty, &AttributePath::root())?;
    Ok(pb::ResourceIdentityData {
        identity_data: Some(encode(&ty, &identity)?),
    })
}

/// Reads JSON without losing a digit of its numbers.
pub(super) fn parse(json: &[u8]) -> Result<Json, Diagnostics> {
    serde_json::from_slice(json).map_err(|error| {
        let detail = format!("What core handed over is not JSON: {error}.");
        Diagnostic::error("Unreadable state", detail).into()
    })
}

/// Diagnostics as they travel.
pub(super) fn diagnostics(diagnostics: Diagnostics) -> Vec<pb::Diagnostic> {
    diagnostics.into_iter().map(diagnostic).collect()
}

fn diagnostic(diagnostic: Diagnostic) -> pb::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => pb::diagnostic::Severity::Error,
        Severity::Warning => pb::diagnostic::Severity::Warning,
    };
    let mut detail = diagnostic.detail;
    let attribute = diagnostic.path.filter(|path| !path.is_root()).map(|path| {
        let shown = shown_part(&path);
        let text = path.to_string();
        if shown.steps().len() < path.steps().len() && !detail.contains(&text) {
            detail = format!("{detail}\n\nAttribute: {text}");
        }
        attribute_path(&shown)
    });
    pb::Diagnostic {
        severity: severity.into(),
        summary: diagnostic.summary,
        detail,
        attribute,
    }
}

/// The part of a path that core can map to a line: a top-level attribute, and one element of it. A longer path into a
/// nested attribute makes it fall back to the header of the whole resource.
fn shown_part(path: &AttributePath) -> AttributePath {
    let steps = path.steps();
    let count = match steps.get(1) {
        Some(Step::Key(_) | Step::Index(_)) => 2,
        _ => 1,
    };
    steps.iter().take(count).cloned().collect()
}

/// A path as it travels. It ends before a set's element, which has no address.
pub(super) fn attribute_path(path: &AttributePath) -> pb::AttributePath {
    use pb::attribute_path::step::Selector;
    let selectors = path.steps().iter().map_while(|step| match step {
        Step::Attribute(name) => Some(Selector::AttributeName(name.clone())),
        Step::Key(key) => Some(Selector::ElementKeyString(key.clone())),
        Step::Index(index) => Some(Selector::ElementKeyInt(*index)),
        Step::SetElement => None,
    });
    let step = |selector| pb::attribute_path::Step {
        selector: Some(selector),
    };
    pb::AttributePath {
        steps: selectors.map(step).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g02_paths_into_nested_attributes_point_at_what_core_can_show() {
        let path = AttributePath::from("pools").key("a").attribute("plan");
        let sent = diagnostic(Diagnostic::error("Invalid value", "No such plan.").at(path));
        assert_eq!(sent.attribute.unwrap().steps.len(), 2);
        assert_eq!(sent.detail, "No such plan.\n\nAttribute: pools[\"a\"].plan");
        let whole = diagnostic(Diagnostic::error("a", "b").at(AttributePath::root()));
        assert_eq!(whole.attribute, None);
    }

    #[test]
    fn w18_values_have_no_debug_text() {
        let value = encode(&Type::String, &Value::String("secret".into())).unwrap();
        assert_eq!(format!("{value:?}"), "DynamicValue(7 bytes)");
    }

    #[test]
    fn c42_absent_is_null_and_json_is_read_too() {
        assert_eq!(decode(&Type::String, None).unwrap(), Value::Null);
        let json = pb::DynamicValue {
            json: br#""a""#.to_vec().into(),
            ..Default::default()
        };
        assert_eq!(
            decode(&Type::String, Some(&json)).unwrap(),
            Value::String("a".into())
        );
    }
}
