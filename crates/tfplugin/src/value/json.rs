//! Values as JSON: raw states, and the JSON form of dynamic values.

use serde_json::Value as Json;

use super::{Number, Problem, Set, Type, Value, ValueError};
use crate::path::AttributePath;

fn malformed(path: &AttributePath, cause: impl Into<String>) -> ValueError {
    let (format, cause) = ("JSON value", cause.into());
    ValueError::new(path, Problem::Malformed { format, cause })
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a bool",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

/// Reads a value of a type. Attributes that the JSON has not are null; ones that the type has not are an error.
pub fn decode_json(ty: &Type, json: &Json, path: &AttributePath) -> Result<Value, ValueError> {
    let elements = |element: &Type, items: &[Json], list: bool| {
        let each = items.iter().enumerate().map(|(index, item)| {
            let path = if list {
                path.index(index)
            } else {
                path.set_element()
            };
            decode_json(element, item, &path)
        });
        each.collect::<Result<Vec<_>, _>>()
    };
    match (ty, json) {
        (_, Json::Null) => Ok(Value::Null),
        (Type::Bool, Json::Bool(value)) => Ok(Value::Bool(*value)),
        (Type::Number, Json::Number(number)) => decode_number(&number.to_string(), path),
        (Type::Number, Json::String(number)) => decode_number(number, path),
        (Type::String, Json::String(text)) => Ok(Value::String(text.clone())),
        (Type::List(element), Json::Array(items)) => {
            Ok(Value::List(elements(element, items, true)?))
        }
        (Type::Set(element), Json::Array(items)) => {
            let items = elements(element, items, false)?;
            Ok(Value::Set(items.into_iter().collect::<Set>()))
        }
        (Type::Tuple(types), Json::Array(items)) if items.len() == types.len() => {
            let each = types.iter().zip(items).enumerate();
            let each = each.map(|(index, (ty, item))| decode_json(ty, item, &path.index(index)));
            Ok(Value::Tuple(each.collect::<Result<_, _>>()?))
        }
        (Type::Map(element), Json::Object(items)) => {
            let each = items
                .iter()
                .map(|(key, item)| Ok((key.clone(), decode_json(element, item, &path.key(key))?)));
            Ok(Value::Map(each.collect::<Result<_, ValueError>>()?))
        }
        (Type::Object(types), Json::Object(fields)) => {
            if let Some(extra) = fields.keys().find(|name| !types.contains_key(*name)) {
                return Err(ValueError::new(
                    path,
                    Problem::NoSuchAttribute(extra.clone()),
                ));
            }
            let each = types.iter().map(|(name, ty)| {
                let field = fields.get(name).unwrap_or(&Json::Null);
                Ok((name.clone(), decode_json(ty, field, &path.attribute(name))?))
            });
            Ok(Value::Object(each.collect::<Result<_, ValueError>>()?))
        }
        (Type::Dynamic, Json::Object(pair)) => {
            let (Some(ty), Some(value)) = (pair.get("type"), pair.get("value")) else {
                return Err(malformed(
                    path,
                    "a value of any type needs \"type\" and \"value\"",
                ));
            };
            let ty = Type::from_json(ty).map_err(|error| malformed(path, error.to_string()))?;
            let value = decode_json(&ty, value, path)?;
            Ok(if value.is_null() {
                Value::Null
            } else {
                Value::Dynamic(ty, Box::new(value))
            })
        }
        (ty, json) => Err(ValueError::wrong_type(path, ty.to_string(), kind(json))),
    }
}

fn decode_number(text: &str, path: &AttributePath) -> Result<Value, ValueError> {
    let number = text.parse::<Number>();
    number
        .map(Value::Number)
        .map_err(|error| malformed(path, error.to_string()))
}

/// Writes a value. Unknown values have no JSON form.
pub fn encode_json(value: &Value, path: &AttributePath) -> Result<Json, ValueError> {
    let list = |items: &[Value]| {
        let each = items.iter().enumerate();
        each.map(|(index, item)| encode_json(item, &path.index(index)))
            .collect::<Result<Vec<_>, _>>()
    };
    match value {
        Value::Null => Ok(Json::Null),
        Value::Unknown(_) => Err(ValueError::new(path, Problem::Unknown)),
        Value::Bool(value) => Ok(Json::Bool(*value)),
        Value::Number(number) => {
            let number = number.to_string().parse::<serde_json::Number>();
            number
                .map(Json::Number)
                .map_err(|error| malformed(path, error.to_string()))
        }
        Value::String(text) => Ok(Json::String(text.clone())),
        Value::List(items) | Value::Tuple(items) => Ok(Json::Array(list(items)?)),
        Value::Set(items) => {
            let each = items
                .iter()
                .map(|item| encode_json(item, &path.set_element()));
            Ok(Json::Array(each.collect::<Result<_, _>>()?))
        }
        Value::Map(items) => {
            let each = items.iter();
            let each =
                each.map(|(key, item)| Ok((key.clone(), encode_json(item, &path.key(key))?)));
            Ok(Json::Object(each.collect::<Result<_, ValueError>>()?))
        }
        Value::Object(fields) => {
            let each = fields.iter();
            let each = each.map(|(n, v)| Ok((n.clone(), encode_json(v, &path.attribute(n))?)));
            Ok(Json::Object(each.collect::<Result<_, ValueError>>()?))
        }
        Value::Dynamic(ty, inner) => Ok(serde_json::json!({
            "type": ty.to_json(),
            "value": encode_json(inner, path)?,
        })),
    }
}
