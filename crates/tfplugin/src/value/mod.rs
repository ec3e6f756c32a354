//! Values that keep null, unknown and empty apart.

mod convert;
mod error;
mod json;
mod msgpack;
mod number;
mod object;
mod set;
mod shape;
mod types;

#[cfg(test)]
mod roundtrip;

use std::collections::BTreeMap;

pub use convert::{Attr, FromValue, IntoValue};
pub use error::{Problem, ValueError};
pub use json::{decode_json, encode_json};
pub use msgpack::{decode_msgpack, encode_msgpack};
pub use number::{NotANumber, Number};
pub use object::Object;
pub use set::Set;
pub use shape::shape;
pub use types::{NotAType, Type};

/// A value of the configuration language.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Set to nothing, or not set.
    Null,
    /// Not known before apply; what is promised about it all the same.
    Unknown(Box<Refinements>),
    /// `true` or `false`.
    Bool(bool),
    /// A decimal number.
    Number(Number),
    /// Text.
    String(String),
    /// Elements in order.
    List(Vec<Value>),
    /// Elements without order or duplicates.
    Set(Set),
    /// A fixed number of elements.
    Tuple(Vec<Value>),
    /// Elements by key.
    Map(BTreeMap<String, Value>),
    /// Attributes by name.
    Object(BTreeMap<String, Value>),
    /// A value that brings its own type, for attributes declared [`Type::Dynamic`].
    Dynamic(Type, Box<Value>),
}

/// What is promised about an unknown value. A promise binds: core checks the final value against it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refinements {
    /// It will not be null.
    pub not_null: bool,
    /// It will be a string that begins like this.
    pub prefix: Option<String>,
    /// It will be a number of at least this; true if the bound itself is allowed.
    pub lower: Option<(Number, bool)>,
    /// It will be a number of at most this; true if the bound itself is allowed.
    pub upper: Option<(Number, bool)>,
    /// It will be a collection of at least this many elements.
    pub min_length: Option<u64>,
    /// It will be a collection of at most this many elements.
    pub max_length: Option<u64>,
}

impl Value {
    /// An unknown value with no promise.
    #[must_use]
    pub fn unknown() -> Self {
        Self::Unknown(Box::default())
    }

    /// An unknown value that will not be null.
    #[must_use]
    pub fn unknown_not_null() -> Self {
        Self::Unknown(Box::new(Refinements {
            not_null: true,
            ..Refinements::default()
        }))
    }

    /// True for null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// True for a value that is itself unknown.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown(_) => true,
            Self::Dynamic(_, value) => value.is_unknown(),
            _ => false,
        }
    }

    /// True if nothing unknown stands anywhere inside.
    #[must_use]
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
            Self::List(elements) | Self::Tuple(elements) => {
                elements.iter().all(Value::is_wholly_known)
            }
            Self::Set(elements) => elements.iter().all(Value::is_wholly_known),
            Self::Map(elements) | Self::Object(elements) => {
                elements.values().all(Value::is_wholly_known)
            }
            Self::Dynamic(_, value) => value.is_wholly_known(),
        }
    }

    /// The same value with null in place of everything unknown.
    #[must_use]
    pub fn without_unknowns(self) -> Self {
        let each = |elements: Vec<Value>| elements.into_iter().map(Value::without_unknowns);
        let fields = |fields: BTreeMap<String, Value>| {
            fields
                .into_iter()
                .map(|(name, value)| (name, value.without_unknowns()))
                .collect()
        };
        match self {
            Self::Unknown(_) => Self::Null,
            Self::List(elements) => Self::List(each(elements).collect()),
            Self::Tuple(elements) => Self::Tuple(each(elements).collect()),
            Self::Set(elements) => {
                Self::Set(elements.into_iter().map(Value::without_unknowns).collect())
            }
            Self::Map(elements) => Self::Map(fields(elements)),
            Self::Object(attributes) => Self::Object(fields(attributes)),
            Self::Dynamic(ty, value) => Self::Dynamic(ty, Box::new(value.without_unknowns())),
            known => known,
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Dynamic(_, value) => value.as_str(),
            _ => None,
        }
    }

    /// What kind of value it is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unknown(_) => "an unknown value",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Tuple(_) => "a tuple",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
            Self::Dynamic(_, value) => value.kind(),
        }
    }
}
