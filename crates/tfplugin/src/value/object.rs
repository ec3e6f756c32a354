//! The attributes of a configuration, plan or state.

use std::collections::BTreeMap;

use super::{FromValue, IntoValue, Value, ValueError};
use crate::path::AttributePath;

/// Attributes by name, and the place where they stand, so that errors of nested objects name the whole path.
///
/// ```
/// use tfplugin::Object;
/// let object = Object::new().with("name", "acme").with("nodes", 3);
/// assert_eq!(object.get::<String>("name").unwrap(), "acme");
/// assert_eq!(object.get::<Option<String>>("zone").unwrap(), None);
/// let error = object.get::<bool>("nodes").unwrap_err();
/// assert_eq!(error.to_string(), "nodes: expected bool, found a number");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Object {
    path: AttributePath,
    fields: BTreeMap<String, Value>,
}

impl Object {
    /// No attributes; those that the schema has and this has not count as null.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The attributes of a value standing at a place.
    #[must_use]
    pub fn at(path: AttributePath, fields: BTreeMap<String, Value>) -> Self {
        Self { path, fields }
    }

    /// Where it stands.
    #[must_use]
    pub fn path(&self) -> &AttributePath {
        &self.path
    }

    /// Where one of its attributes stands.
    #[must_use]
    pub fn path_of(&self, name: &str) -> AttributePath {
        self.path.attribute(name)
    }

    /// Reads an attribute. Null and unknown are errors unless the type has a place for them ([`Option`] for null,
    /// [`Attr`](super::Attr) for both).
    pub fn get<T: FromValue>(&self, name: &str) -> Result<T, ValueError> {
        T::from_value(self.value(name), &self.path_of(name))
    }

    /// The bare value of an attribute; null if absent.
    #[must_use]
    pub fn value(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&Value::Null)
    }

    /// The bare value, to change it.
    pub fn value_mut(&mut self, name: &str) -> &mut Value {
        self.fields.entry(name.to_owned()).or_insert(Value::Null)
    }

    /// True if the attribute is null or absent.
    #[must_use]
    pub fn is_null(&self, name: &str) -> bool {
        self.value(name).is_null()
    }

    /// True if the attribute is itself unknown.
    #[must_use]
    pub fn is_unknown(&self, name: &str) -> bool {
        self.value(name).is_unknown()
    }

    /// True if the attribute has a value that is wholly known.
    #[must_use]
    pub fn is_known(&self, name: &str) -> bool {
        let value = self.value(name);
        !value.is_null() && value.is_wholly_known()
    }

    /// Sets an attribute.
    pub fn set(&mut self, name: impl Into<String>, value: impl IntoValue) -> &mut Self {
        self.fields.insert(name.into(), value.into_value());
        self
    }

    /// Sets an attribute to null.
    pub fn set_null(&mut self, name: impl Into<String>) -> &mut Self {
        self.fields.insert(name.into(), Value::Null);
        self
    }

    /// Marks an attribute as not known before apply.
    pub fn set_unknown(&mut self, name: impl Into<String>) -> &mut Self {
        self.fields.insert(name.into(), Value::unknown());
        self
    }

    /// This object with an attribute set.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl IntoValue) -> Self {
        self.set(name, value);
        self
    }

    /// Copies the named attributes of another object.
    pub fn copy_from(&mut self, other: &Object, names: &[&str]) -> &mut Self {
        for name in names {
            self.fields
                .insert((*name).to_owned(), other.value(name).clone());
        }
        self
    }

    /// The attributes.
    #[must_use]
    pub fn fields(&self) -> &BTreeMap<String, Value> {
        &self.fields
    }

    /// The attributes, without their place.
    #[must_use]
    pub fn into_fields(self) -> BTreeMap<String, Value> {
        self.fields
    }
}

/// Two objects are equal if their attributes are, wherever they stand.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

impl FromIterator<(String, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(fields: I) -> Self {
        Self::at(AttributePath::root(), fields.into_iter().collect())
    }
}
