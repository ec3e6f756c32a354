//! Values as msgpack, the form that travels. Reading and writing follow the type, never the value.

use std::collections::BTreeMap;

use rmpv::Value as Msg;

use super::{Number, Problem, Refinements, Set, Type, Value, ValueError};
use crate::path::AttributePath;

/// Extension type of an unknown value without promises.
const UNKNOWN: i8 = 0;
/// Extension type of an unknown value with promises.
const REFINED: i8 = 12;
/// Core refuses longer promises.
const LONGEST_REFINEMENTS: usize = 1024;

fn malformed(path: &AttributePath, cause: &impl ToString) -> ValueError {
    let (format, cause) = ("msgpack", cause.to_string());
    ValueError::new(path, Problem::Malformed { format, cause })
}

fn kind(message: &Msg) -> &'static str {
    match message {
        Msg::Nil => "null",
        Msg::Boolean(_) => "a bool",
        Msg::Integer(_) | Msg::F32(_) | Msg::F64(_) => "a number",
        Msg::String(_) => "a string",
        Msg::Binary(_) => "bytes",
        Msg::Array(_) => "an array",
        Msg::Map(_) => "a map",
        Msg::Ext(..) => "an unknown value",
    }
}

/// Reads a value of a type.
pub fn decode_msgpack(ty: &Type, mut bytes: &[u8]) -> Result<Value, ValueError> {
    let root = AttributePath::root();
    let message = rmpv::decode::read_value(&mut bytes).map_err(|e| malformed(&root, &e))?;
    if !bytes.is_empty() {
        return Err(malformed(&root, &"more than one value"));
    }
    decode(ty, message, &root)
}

fn decode(ty: &Type, message: Msg, path: &AttributePath) -> Result<Value, ValueError> {
    let found = kind(&message);
    match (ty, message) {
        (_, Msg::Nil) => Ok(Value::Null),
        (_, Msg::Ext(REFINED, payload)) => {
            Ok(Value::Unknown(Box::new(decode_refinements(&payload))))
        }
        (_, Msg::Ext(..)) => Ok(Value::unknown()),
        (Type::Bool, Msg::Boolean(value)) => Ok(Value::Bool(value)),
        (Type::Number, message) => {
            let number = decode_number(&message);
            number
                .map(Value::Number)
                .ok_or_else(|| ValueError::wrong_type(path, "number", found))
        }
        (Type::String, Msg::String(text)) => text
            .into_str()
            .map(Value::String)
            .ok_or_else(|| malformed(path, &"text is not UTF-8")),
        (Type::List(element), Msg::Array(items)) => {
            let each = items.into_iter().enumerate();
            let each = each.map(|(index, item)| decode(element, item, &path.index(index)));
            Ok(Value::List(each.collect::<Result<_, _>>()?))
        }
        (Type::Set(element), Msg::Array(items)) => {
            let each = items
                .into_iter()
                .map(|item| decode(element, item, &path.set_element()));
            Ok(Value::Set(each.collect::<Result<Set, _>>()?))
        }
        (Type::Tuple(types), Msg::Array(items)) if items.len() == types.len() => {
            let each = types.iter().zip(items).enumerate();
            let each = each.map(|(index, (ty, item))| decode(ty, item, &path.index(index)));
            Ok(Value::Tuple(each.collect::<Result<_, _>>()?))
        }
        (Type::Map(element), Msg::Map(pairs)) => {
            let each = pairs.into_iter().map(|(key, item)| {
                let key = decode_key(key, path)?;
                let item = decode(element, item, &path.key(&key))?;
                Ok((key, item))
            });
            Ok(Value::Map(each.collect::<Result<_, ValueError>>()?))
        }
        (Type::Object(types), Msg::Map(pairs)) => decode_object(types, pairs, path),
        (Type::Dynamic, Msg::Array(pair)) => decode_dynamic(pair, path),
        (ty, _) => Err(ValueError::wrong_type(path, ty.to_string(), found)),
    }
}

fn decode_key(key: Msg, path: &AttributePath) -> Result<String, ValueError> {
    let Msg::String(key) = key else {
        return Err(malformed(path, &"a key is not text"));
    };
    key.into_str()
        .ok_or_else(|| malformed(path, &"a key is not UTF-8"))
}

fn decode_object(
    types: &BTreeMap<String, Type>,
    pairs: Vec<(Msg, Msg)>,
    path: &AttributePath,
) -> Result<Value, ValueError> {
    let mut fields = BTreeMap::new();
    for (key, field) in pairs {
        let name = decode_key(key, path)?;
        let Some(ty) = types.get(&name) else {
            return Err(ValueError::new(path, Problem::NoSuchAttribute(name)));
        };
        let field = decode(ty, field, &path.attribute(&name))?;
        fields.insert(name, field);
    }
    match types.keys().find(|name| !fields.contains_key(*name)) {
        Some(missing) => Err(ValueError::new(path, Problem::Missing(missing.clone()))),
        None => Ok(Value::Object(fields)),
    }
}

fn decode_dynamic(pair: Vec<Msg>, path: &AttributePath) -> Result<Value, ValueError> {
    let Ok([ty, value]) = <[Msg; 2]>::try_from(pair) else {
        return Err(malformed(path, &"a value of any type is a pair"));
    };
    let bytes = match &ty {
        Msg::Binary(bytes) => bytes.as_slice(),
        Msg::String(text) => text.as_bytes(),
        _ => return Err(malformed(path, &"a value of any type begins with its type")),
    };
    let json = serde_json::from_slice(bytes).map_err(|e| malformed(path, &e))?;
    let ty = Type::from_json(&json).map_err(|e| malformed(path, &e))?;
    let value = decode(&ty, value, path)?;
    Ok(Value::Dynamic(ty, Box::new(value)))
}

fn decode_number(message: &Msg) -> Option<Number> {
    match message {
        Msg::Integer(integer) => match (integer.as_i64(), integer.as_u64()) {
            (Some(signed), _) => Some(signed.into()),
            (None, unsigned) => unsigned.map(Number::from),
        },
        Msg::F64(float) => Number::from_exact_f64(*float),
        Msg::F32(float) => Number::from_exact_f64(f64::from(*float)),
        Msg::String(text) => text.as_str()?.parse().ok(),
        _ => None,
    }
}

/// Promises that cannot be read are dropped: the value is unknown all the same.
fn decode_refinements(mut payload: &[u8]) -> Refinements {
    let mut promises = Refinements::default();
    let Ok(Msg::Map(pairs)) = rmpv::decode::read_value(&mut payload) else {
        return promises;
    };
    let bound = |value: &Msg| match value {
        Msg::Array(pair) => match pair.as_slice() {
            [number, Msg::Boolean(inclusive)] => Some((decode_number(number)?, *inclusive)),
            _ => None,
        },
        _ => None,
    };
    for (key, value) in pairs {
        match key.as_u64() {
            Some(1) => promises.not_null = value.as_bool() == Some(false),
            Some(2) => promises.prefix = value.as_str().map(str::to_owned),
            Some(3) => promises.lower = bound(&value),
            Some(4) => promises.upper = bound(&value),
            Some(5) => promises.min_length = value.as_u64(),
            Some(6) => promises.max_length = value.as_u64(),
            _ => {}
        }
    }
    promises
}

/// Writes a value that has the form of the type (see [`super::shape`]).
pub fn encode_msgpack(ty: &Type, value: &Value) -> Result<Vec<u8>, ValueError> {
    let root = AttributePath::root();
    let message = encode(ty, value, &root)?;
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &message).map_err(|e| malformed(&root, &e))?;
    Ok(bytes)
}

fn encode(ty: &Type, value: &Value, path: &AttributePath) -> Result<Msg, ValueError> {
    match (ty, value) {
        (_, Value::Null) => Ok(Msg::Nil),
        (_, Value::Unknown(promises)) => Ok(encode_unknown(promises)),
        (Type::Bool, Value::Bool(value)) => Ok(Msg::Boolean(*value)),
        (Type::Number, Value::Number(number)) => Ok(encode_number(number)),
        (Type::String, Value::String(text)) => Ok(text.as_str().into()),
        (Type::List(element), Value::List(items)) => {
            let each = items.iter().enumerate();
            let each = each.map(|(index, item)| encode(element, item, &path.index(index)));
            Ok(Msg::Array(each.collect::<Result<_, _>>()?))
        }
        (Type::Set(element), Value::Set(items)) => {
            let each = items
                .iter()
                .map(|item| encode(element, item, &path.set_element()));
            Ok(Msg::Array(each.collect::<Result<_, _>>()?))
        }
        (Type::Tuple(types), Value::Tuple(items)) if types.len() == items.len() => {
            let each = types.iter().zip(items).enumerate();
            let each = each.map(|(index, (ty, item))| encode(ty, item, &path.index(index)));
            Ok(Msg::Array(each.collect::<Result<_, _>>()?))
        }
        (Type::Map(element), Value::Map(items)) => {
            let each = items.iter().map(|(key, item)| {
                Ok((key.as_str().into(), encode(element, item, &path.key(key))?))
            });
            Ok(Msg::Map(each.collect::<Result<_, ValueError>>()?))
        }
        (Type::Object(types), Value::Object(fields)) => encode_object(types, fields, path),
        (Type::Dynamic, Value::Dynamic(own, inner)) => Ok(Msg::Array(vec![
            Msg::Binary(own.to_json().to_string().into_bytes()),
            encode(own, inner, path)?,
        ])),
        (ty, value) => Err(ValueError::wrong_type(path, ty.to_string(), value.kind())),
    }
}

fn encode_object(
    types: &BTreeMap<String, Type>,
    fields: &BTreeMap<String, Value>,
    path: &AttributePath,
) -> Result<Msg, ValueError> {
    if let Some(extra) = fields.keys().find(|name| !types.contains_key(*name)) {
        return Err(ValueError::new(
            path,
            Problem::NoSuchAttribute(extra.clone()),
        ));
    }
    let each = types.iter().map(|(name, ty)| {
        let Some(field) = fields.get(name) else {
            return Err(ValueError::new(path, Problem::Missing(name.clone())));
        };
        Ok((
            name.as_str().into(),
            encode(ty, field, &path.attribute(name))?,
        ))
    });
    Ok(Msg::Map(each.collect::<Result<_, _>>()?))
}

fn encode_number(number: &Number) -> Msg {
    if let Some(integer) = number.as_i64() {
        return integer.into();
    }
    match number.as_exact_f64() {
        Some(float) => Msg::F64(float),
        None => number.to_string().into(),
    }
}

fn encode_unknown(promises: &Refinements) -> Msg {
    let bound = |(number, inclusive): &(Number, bool)| {
        Msg::Array(vec![encode_number(number), Msg::Boolean(*inclusive)])
    };
    let pairs: Vec<(Msg, Msg)> = [
        (1, promises.not_null.then_some(Msg::Boolean(false))),
        (2, promises.prefix.as_deref().map(Msg::from)),
        (3, promises.lower.as_ref().map(bound)),
        (4, promises.upper.as_ref().map(bound)),
        (5, promises.min_length.map(Msg::from)),
        (6, promises.max_length.map(Msg::from)),
    ]
    .into_iter()
    .filter_map(|(key, promise)| Some((Msg::from(key), promise?)))
    .collect();
    let mut payload = Vec::new();
    let written = rmpv::encode::write_value(&mut payload, &Msg::Map(pairs.clone())).is_ok();
    if pairs.is_empty() || !written || payload.len() > LONGEST_REFINEMENTS {
        return Msg::Ext(UNKNOWN, vec![0]);
    }
    Msg::Ext(REFINED, payload)
}
