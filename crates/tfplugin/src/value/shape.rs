//! Fits a value to a type, as far as that loses nothing.

use std::collections::BTreeMap;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::{Problem, Type, Value, ValueError};
use crate::path::AttributePath;

/// The value in the form that the type asks for: a list may become a set or tuple, a map an object and the other way
/// round, absent attributes become null, text becomes NFC as core keeps it, and a value for [`Type::Dynamic`] gets the
/// type it has. Anything else is an error that names the place.
pub fn shape(value: Value, ty: &Type, path: &AttributePath) -> Result<Value, ValueError> {
    let found = value.kind();
    match (ty, value) {
        (_, Value::Null) => Ok(Value::Null),
        (_, Value::Unknown(refinements)) => Ok(Value::Unknown(refinements)),
        (Type::Dynamic, Value::Dynamic(own, inner)) => {
            let inner = shape(*inner, &own, path)?;
            Ok(Value::Dynamic(own, Box::new(inner)))
        }
        (Type::Dynamic, value) => {
            let own = type_of(&value);
            let value = shape(value, &own, path)?;
            Ok(Value::Dynamic(own, Box::new(value)))
        }
        (ty, Value::Dynamic(_, inner)) => shape(*inner, ty, path),
        (Type::Bool, value @ Value::Bool(_)) | (Type::Number, value @ Value::Number(_)) => {
            Ok(value)
        }
        (Type::String, Value::String(text)) => Ok(Value::String(if is_nfc(&text) {
            text
        } else {
            text.nfc().collect()
        })),
        (Type::List(element), Value::List(items) | Value::Tuple(items)) => {
            shape_items(items, element, path).map(Value::List)
        }
        (Type::Set(element), Value::List(items) | Value::Tuple(items)) => items
            .into_iter()
            .map(|item| shape(item, element, &path.set_element()))
            .collect::<Result<_, _>>()
            .map(Value::Set),
        (Type::Set(element), Value::Set(items)) => items
            .into_iter()
            .map(|item| shape(item, element, &path.set_element()))
            .collect::<Result<_, _>>()
            .map(Value::Set),
        (Type::Tuple(types), Value::List(items) | Value::Tuple(items)) => {
            shape_tuple(items, types, path)
        }
        (Type::Map(element), Value::Map(items) | Value::Object(items)) => items
            .into_iter()
            .map(|(key, item)| {
                let item = shape(item, element, &path.key(&key))?;
                Ok((key, item))
            })
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Type::Object(types), Value::Map(fields) | Value::Object(fields)) => {
            shape_fields(fields, types, path).map(Value::Object)
        }
        (ty, _) => Err(ValueError::wrong_type(path, ty.to_string(), found)),
    }
}

fn shape_items(
    items: Vec<Value>,
    element: &Type,
    path: &AttributePath,
) -> Result<Vec<Value>, ValueError> {
    items
        .into_iter()
        .enumerate()
        .map(|(index, item)| shape(item, element, &path.index(index)))
        .collect()
}

fn shape_tuple(
    items: Vec<Value>,
    types: &[Type],
    path: &AttributePath,
) -> Result<Value, ValueError> {
    if items.len() != types.len() {
        let expected = format!("tuple of {} elements", types.len());
        return Err(ValueError::wrong_type(
            path,
            expected,
            format!("{} elements", items.len()),
        ));
    }
    items
        .into_iter()
        .zip(types)
        .enumerate()
        .map(|(index, (item, ty))| shape(item, ty, &path.index(index)))
        .collect::<Result<_, _>>()
        .map(Value::Tuple)
}

fn shape_fields(
    mut fields: BTreeMap<String, Value>,
    types: &BTreeMap<String, Type>,
    path: &AttributePath,
) -> Result<BTreeMap<String, Value>, ValueError> {
    let shaped = types
        .iter()
        .map(|(name, ty)| {
            let value = fields.remove(name).unwrap_or(Value::Null);
            Ok((name.clone(), shape(value, ty, &path.attribute(name))?))
        })
        .collect::<Result<_, _>>()?;
    match fields.into_keys().next() {
        Some(extra) => Err(ValueError::new(path, Problem::NoSuchAttribute(extra))),
        None => Ok(shaped),
    }
}

/// The type that a value has by itself. An empty or mixed collection has elements of any type.
fn type_of(value: &Value) -> Type {
    fn element_type<'a>(items: impl Iterator<Item = &'a Value>) -> Type {
        let mut types = items
            .filter(|item| !item.is_null() && !item.is_unknown())
            .map(type_of);
        match types.next() {
            Some(first) if types.all(|ty| ty == first) => first,
            _ => Type::Dynamic,
        }
    }
    match value {
        Value::Null | Value::Unknown(_) => Type::Dynamic,
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::String,
        Value::List(items) => Type::list(element_type(items.iter())),
        Value::Set(items) => Type::set(element_type(items.iter())),
        Value::Tuple(items) => Type::Tuple(items.iter().map(type_of).collect()),
        Value::Map(items) => Type::map(element_type(items.values())),
        Value::Object(fields) => Type::object(fields.iter().map(|(n, v)| (n.as_str(), type_of(v)))),
        Value::Dynamic(ty, _) => ty.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{IntoValue, Object};

    #[test]
    fn fits_what_loses_nothing() {
        let ty = Type::object([("tags", Type::set(Type::String)), ("zone", Type::String)]);
        let value = Object::new().with("tags", vec!["b", "a", "b"]).into_value();
        let shaped = shape(value, &ty, &AttributePath::root()).unwrap();
        let Value::Object(fields) = shaped else {
            panic!("an object")
        };
        assert_eq!(fields["zone"], Value::Null);
        assert!(matches!(&fields["tags"], Value::Set(set) if set.len() == 2));
    }

    #[test]
    fn names_the_place_of_what_does_not_fit() {
        let ty = Type::object([("pools", Type::map(Type::object([("nodes", Type::Number)])))]);
        let wrong = Object::new().with("nodes", "three");
        let pools: BTreeMap<&str, Object> = [("memory", wrong)].into();
        let value = Object::new().with("pools", pools).into_value();
        let error = shape(value, &ty, &AttributePath::root()).unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"pools["memory"].nodes: expected number, found a string"#
        );
        let value = Object::new().with("typo", 1).into_value();
        assert!(shape(value, &ty, &AttributePath::root()).is_err());
    }

    #[test]
    fn text_leaves_as_nfc() {
        let shaped = shape(
            "e\u{301}".into_value(),
            &Type::String,
            &AttributePath::root(),
        );
        assert_eq!(shaped.unwrap(), "\u{e9}".into_value());
    }

    #[test]
    fn values_of_any_type_bring_their_own() {
        let shaped = shape(
            vec![1, 2].into_value(),
            &Type::Dynamic,
            &AttributePath::root(),
        );
        assert!(matches!(shaped.unwrap(), Value::Dynamic(ty, _) if ty == Type::list(Type::Number)));
    }
}
