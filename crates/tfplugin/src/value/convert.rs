//! Between values and Rust types.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::SecretString;

use super::{Number, Object, Problem, Set, Value, ValueError};
use crate::path::AttributePath;

/// A Rust type that can be read from a value.
pub trait FromValue: Sized {
    /// Reads a value that stands at a path; the error names it.
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError>;
}

/// A Rust type that can be written as a value.
pub trait IntoValue {
    /// The value.
    fn into_value(self) -> Value;
}

/// An attribute in all its three states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Attr<T> {
    /// Not set.
    #[default]
    Null,
    /// Not known yet.
    Unknown,
    /// This value.
    Known(T),
}

impl<T> Attr<T> {
    /// The value, if there is one already.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown => None,
        }
    }

    /// True if it is not known yet.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

fn mismatch(value: &Value, path: &AttributePath, expected: &str) -> ValueError {
    let problem = match value {
        Value::Null => Problem::Null,
        Value::Unknown(_) => Problem::Unknown,
        other => return ValueError::wrong_type(path, expected, other.kind()),
    };
    ValueError::new(path, problem)
}

/// A value of an attribute of any type, without the type it brings along.
fn plain(value: &Value) -> &Value {
    match value {
        Value::Dynamic(_, inner) => plain(inner),
        other => other,
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        match plain(value) {
            Value::Null => Ok(None),
            value => T::from_value(value, path).map(Some),
        }
    }
}

impl<T: FromValue> FromValue for Attr<T> {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        match plain(value) {
            Value::Null => Ok(Self::Null),
            Value::Unknown(_) => Ok(Self::Unknown),
            value => T::from_value(value, path).map(Self::Known),
        }
    }
}

impl FromValue for Value {
    fn from_value(value: &Value, _: &AttributePath) -> Result<Self, ValueError> {
        Ok(value.clone())
    }
}

impl FromValue for bool {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        match plain(value) {
            Value::Bool(value) => Ok(*value),
            other => Err(mismatch(other, path, "bool")),
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        match plain(value) {
            Value::String(text) => Ok(text.clone()),
            other => Err(mismatch(other, path, "string")),
        }
    }
}

impl FromValue for SecretString {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        String::from_value(value, path).map(SecretString::from)
    }
}

impl FromValue for Number {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        match plain(value) {
            Value::Number(number) => Ok(number.clone()),
            other => Err(mismatch(other, path, "number")),
        }
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        Number::from_value(value, path).map(|number| number.to_f64())
    }
}

macro_rules! integers {
    ($($integer:ty: $read:ident),*) => {$(
        impl FromValue for $integer {
            fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
                let number = Number::from_value(value, path)?;
                let integer = number.$read().and_then(|n| n.try_into().ok());
                integer.ok_or_else(|| {
                    let number = number.to_string();
                    let target = stringify!($integer);
                    ValueError::new(path, Problem::OutOfRange { number, target })
                })
            }
        }

        impl IntoValue for $integer {
            fn into_value(self) -> Value {
                Value::Number(self.into())
            }
        }
    )*};
}
integers!(i8: as_i64, i16: as_i64, i32: as_i64, i64: as_i64, u8: as_u64, u16: as_u64, u32: as_u64, u64: as_u64, usize: as_u64);

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        match plain(value) {
            Value::List(elements) | Value::Tuple(elements) => elements
                .iter()
                .enumerate()
                .map(|(index, element)| T::from_value(element, &path.index(index)))
                .collect(),
            Value::Set(elements) => elements
                .iter()
                .map(|element| T::from_value(element, &path.set_element()))
                .collect(),
            other => Err(mismatch(other, path, "list or set")),
        }
    }
}

impl<T: FromValue + Ord> FromValue for BTreeSet<T> {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        Ok(Vec::<T>::from_value(value, path)?.into_iter().collect())
    }
}

impl<T: FromValue> FromValue for BTreeMap<String, T> {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        match plain(value) {
            Value::Map(elements) | Value::Object(elements) => elements
                .iter()
                .map(|(key, element)| Ok((key.clone(), T::from_value(element, &path.key(key))?)))
                .collect(),
            other => Err(mismatch(other, path, "map")),
        }
    }
}

impl FromValue for Object {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        match plain(value) {
            Value::Object(fields) | Value::Map(fields) => {
                Ok(Object::at(path.clone(), fields.clone()))
            }
            other => Err(mismatch(other, path, "object")),
        }
    }
}

impl IntoValue for Value {
    fn into_value(self) -> Value {
        self
    }
}

impl IntoValue for &Value {
    fn into_value(self) -> Value {
        self.clone()
    }
}

impl IntoValue for bool {
    fn into_value(self) -> Value {
        Value::Bool(self)
    }
}

impl IntoValue for &str {
    fn into_value(self) -> Value {
        Value::String(self.to_owned())
    }
}

impl IntoValue for String {
    fn into_value(self) -> Value {
        Value::String(self)
    }
}

impl IntoValue for &String {
    fn into_value(self) -> Value {
        Value::String(self.clone())
    }
}

impl IntoValue for Number {
    fn into_value(self) -> Value {
        Value::Number(self)
    }
}

/// Infinities and NaN, which Terraform has no numbers for, become null.
impl IntoValue for f64 {
    fn into_value(self) -> Value {
        Number::from_f64(self).map_or(Value::Null, Value::Number)
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Value {
        self.map_or(Value::Null, IntoValue::into_value)
    }
}

impl<T: IntoValue> IntoValue for Attr<T> {
    fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Unknown => Value::unknown(),
            Self::Known(value) => value.into_value(),
        }
    }
}

impl<T: IntoValue> IntoValue for Vec<T> {
    fn into_value(self) -> Value {
        Value::List(self.into_iter().map(IntoValue::into_value).collect())
    }
}

impl<T: IntoValue> IntoValue for BTreeSet<T> {
    fn into_value(self) -> Value {
        Value::Set(self.into_iter().map(IntoValue::into_value).collect::<Set>())
    }
}

impl<K: Into<String>, T: IntoValue> IntoValue for BTreeMap<K, T> {
    fn into_value(self) -> Value {
        Value::Map(
            self.into_iter()
                .map(|(key, element)| (key.into(), element.into_value()))
                .collect(),
        )
    }
}

impl IntoValue for Object {
    fn into_value(self) -> Value {
        Value::Object(self.into_fields())
    }
}

impl IntoValue for &Object {
    fn into_value(self) -> Value {
        Value::Object(self.fields().clone())
    }
}
