//! Values: between the wire, JSON and the places inside them.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use tfplugin::value::{Set, decode_json, decode_msgpack, encode_json, encode_msgpack};
use tfplugin::{AttributePath, Type, Value, ValueError};

use crate::schema::{Body, Nesting};
use crate::wire::tfplugin6 as pb;

const NULL: &Value = &Value::Null;

/// A value on its way to a provider.
pub(crate) fn send(ty: &Type, value: &Value) -> Result<Option<pb::DynamicValue>, ValueError> {
    Ok(Some(pb::DynamicValue {
        msgpack: encode_msgpack(ty, value)?,
        json: Vec::new(),
    }))
}

/// A value that a provider sent; an absent one is null.
pub(crate) fn receive(ty: &Type, sent: Option<&pb::DynamicValue>) -> Result<Value, ValueError> {
    match sent {
        Some(sent) if !sent.msgpack.is_empty() => decode_msgpack(ty, &sent.msgpack),
        Some(sent) if !sent.json.is_empty() => {
            let json = serde_json::from_slice(&sent.json)
                .map_err(|error| ValueError::other(AttributePath::root(), error.to_string()))?;
            decode_json(ty, &json, &AttributePath::root())
        }
        _ => Ok(Value::Null),
    }
}

/// A value as JSON. Unknown ones have none.
pub(crate) fn json(value: &Value) -> Result<Json, ValueError> {
    encode_json(value, &AttributePath::root())
}

/// An attribute of an object; null if there is none.
pub(crate) fn child<'a>(value: &'a Value, name: &str) -> &'a Value {
    match value {
        Value::Object(fields) => fields.get(name).unwrap_or(NULL),
        _ => NULL,
    }
}

/// An element of a list; null if there is none.
pub(crate) fn at(value: &Value, index: usize) -> &Value {
    match value {
        Value::List(items) => items.get(index).unwrap_or(NULL),
        _ => NULL,
    }
}

/// An element of a map; null if there is none.
pub(crate) fn of<'a>(value: &'a Value, key: &str) -> &'a Value {
    match value {
        Value::Map(items) => items.get(key).unwrap_or(NULL),
        _ => NULL,
    }
}

/// The objects that a nested value holds.
pub(crate) fn objects(nesting: Nesting, value: &Value) -> Vec<&Value> {
    match (nesting, value) {
        (Nesting::Single | Nesting::Group, value @ Value::Object(_)) => vec![value],
        (Nesting::List, Value::List(items)) => items.iter().collect(),
        (Nesting::Set, Value::Set(items)) => items.iter().collect(),
        (Nesting::Map, Value::Map(items)) => items.values().collect(),
        _ => Vec::new(),
    }
}

/// A configuration as core evaluates it: blocks that are not there are empty, never null.
pub(crate) fn with_empty_blocks(body: &Body, value: Value) -> Value {
    let Value::Object(mut fields) = value else {
        return value;
    };
    for (name, block) in &body.blocks {
        let held = fields.remove(name).unwrap_or(Value::Null);
        let inner = |value| with_empty_blocks(&block.body, value);
        let held = match (block.nesting, held) {
            (Nesting::List, Value::Null) => Value::List(Vec::new()),
            (Nesting::Set, Value::Null) => Value::Set(Set::default()),
            (Nesting::Map, Value::Null) => Value::Map(BTreeMap::new()),
            (Nesting::List, Value::List(items)) => {
                Value::List(items.into_iter().map(inner).collect())
            }
            (Nesting::Set, Value::Set(items)) => Value::Set(items.into_iter().map(inner).collect()),
            (Nesting::Map, Value::Map(items)) => {
                Value::Map(items.into_iter().map(|(k, v)| (k, inner(v))).collect())
            }
            (Nesting::Single, value) => inner(value),
            (_, value) => value,
        };
        fields.insert(name.clone(), held);
    }
    Value::Object(fields)
}

/// The paths of write-only attributes that hold something.
pub(crate) fn write_only_kept(body: &Body, value: &Value, path: &str, found: &mut Vec<String>) {
    for (name, attribute) in &body.attributes {
        let (held, path) = (child(value, name), joined(path, name));
        if attribute.write_only && !held.is_null() {
            found.push(path.clone());
        }
        if let Some((nesting, body)) = &attribute.nested {
            for object in objects(*nesting, held) {
                write_only_kept(body, object, &path, found);
            }
        }
    }
    for (name, block) in &body.blocks {
        for object in objects(block.nesting, child(value, name)) {
            write_only_kept(&block.body, object, &joined(path, name), found);
        }
    }
}

/// A path with one more name.
pub(crate) fn joined(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
