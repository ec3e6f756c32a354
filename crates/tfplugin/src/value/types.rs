//! Types of values, and their JSON notation.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A decimal number of any size.
    Number,
    /// Unicode text.
    String,
    /// Any type; the value brings its own.
    Dynamic,
    /// Elements of one type in order.
    List(Box<Type>),
    /// Elements of one type without order or duplicates.
    Set(Box<Type>),
    /// Elements of one type by key.
    Map(Box<Type>),
    /// A fixed number of elements, each of its own type.
    Tuple(Vec<Type>),
    /// Named attributes, each of its own type; all of them are always present.
    Object(BTreeMap<String, Type>),
}

/// The text is not the JSON notation of a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a type")]
pub struct NotAType(String);

impl Type {
    /// A list of this element type.
    #[must_use]
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of this element type.
    #[must_use]
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map of this element type.
    #[must_use]
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object of these attributes.
    #[must_use]
    pub fn object<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Type)>) -> Self {
        Self::Object(
            attributes
                .into_iter()
                .map(|(name, ty)| (name.into(), ty))
                .collect(),
        )
    }

    /// True if a value of unknown type may stand somewhere inside.
    #[must_use]
    pub fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_dynamic(),
            Self::Tuple(elements) => elements.iter().any(Type::has_dynamic),
            Self::Object(attributes) => attributes.values().any(Type::has_dynamic),
        }
    }

    /// The JSON notation, as the protocol writes it: `["list","string"]`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let pair = |kind: &str, inner: Json| Json::Array(vec![kind.into(), inner]);
        match self {
            Self::Bool => "bool".into(),
            Self::Number => "number".into(),
            Self::String => "string".into(),
            Self::Dynamic => "dynamic".into(),
            Self::List(element) => pair("list", element.to_json()),
            Self::Set(element) => pair("set", element.to_json()),
            Self::Map(element) => pair("map", element.to_json()),
            Self::Tuple(elements) => pair("tuple", elements.iter().map(Type::to_json).collect()),
            Self::Object(attributes) => {
                let attributes = attributes.iter().map(|(n, t)| (n.clone(), t.to_json()));
                pair("object", Json::Object(attributes.collect()))
            }
        }
    }

    /// Reads the JSON notation.
    pub fn from_json(json: &Json) -> Result<Self, NotAType> {
        let wrong = || NotAType(json.to_string());
        match json {
            Json::String(name) => match name.as_str() {
                "bool" => Ok(Self::Bool),
                "number" => Ok(Self::Number),
                "string" => Ok(Self::String),
                "dynamic" => Ok(Self::Dynamic),
                _ => Err(wrong()),
            },
            Json::Array(parts) => match parts.as_slice() {
                [Json::String(kind), inner, ..] => match (kind.as_str(), inner) {
                    ("list", inner) => Ok(Self::list(Self::from_json(inner)?)),
                    ("set", inner) => Ok(Self::set(Self::from_json(inner)?)),
                    ("map", inner) => Ok(Self::map(Self::from_json(inner)?)),
                    ("tuple", Json::Array(elements)) => {
                        let elements = elements.iter().map(Self::from_json);
                        Ok(Self::Tuple(elements.collect::<Result<_, _>>()?))
                    }
                    ("object", Json::Object(attributes)) => {
                        let attributes = attributes
                            .iter()
                            .map(|(n, t)| Ok((n.clone(), Self::from_json(t)?)));
                        Ok(Self::Object(attributes.collect::<Result<_, _>>()?))
                    }
                    _ => Err(wrong()),
                },
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::Dynamic => f.write_str("any type"),
            Self::List(element) => write!(f, "list of {element}"),
            Self::Set(element) => write!(f, "set of {element}"),
            Self::Map(element) => write!(f, "map of {element}"),
            Self::Tuple(elements) => write!(f, "tuple of {} elements", elements.len()),
            Self::Object(_) => f.write_str("object"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_notation_goes_both_ways() {
        let ty = Type::object([
            ("a", Type::list(Type::set(Type::map(Type::Number)))),
            ("b", Type::Tuple(vec![Type::Bool, Type::Dynamic])),
        ]);
        let text = r#"["object",{"a":["list",["set",["map","number"]]],"b":["tuple",["bool","dynamic"]]}]"#;
        assert_eq!(ty.to_json().to_string(), text);
        assert_eq!(Type::from_json(&ty.to_json()).unwrap(), ty);
        assert!(Type::from_json(&serde_json::json!(["list"])).is_err());
        assert!(Type::from_json(&serde_json::json!("text")).is_err());
    }
}
