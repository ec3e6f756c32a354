//! The fields of one JSON object, read strictly: a fault is kept with its place, and reading goes on.

use crate::fault::{FaultKind, Faults, nearest, pointer};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// An object that is being read.
pub(crate) struct Fields<'json, 'faults> {
    place: String,
    object: &'json Map<String, Value>,
    faults: &'faults mut Faults,
}

impl<'json, 'faults> Fields<'json, 'faults> {
    /// The fields of the object at `place`; those that `what` does not have are faults.
    pub(crate) fn of(
        what: &str,
        allowed: &[&str],
        place: &str,
        object: &'json Map<String, Value>,
        faults: &'faults mut Faults,
    ) -> Self {
        for key in by_name(object)
            .into_keys()
            .filter(|key| !allowed.contains(&key.as_str()))
        {
            let message = format!(
                "is not a field of {what}{}; allowed: {}",
                nearest(key, allowed),
                allowed.join(", ")
            );
            faults.add(&pointer(place, key), FaultKind::Unknown, message);
        }
        Self {
            place: place.to_owned(),
            object,
            faults,
        }
    }

    /// Where a field stands.
    pub(crate) fn place(&self, field: &str) -> String {
        pointer(&self.place, field)
    }

    /// The faults so far, for what reads a part of this object by itself.
    pub(crate) fn faults(&mut self) -> &mut Faults {
        self.faults
    }

    pub(crate) fn invalid(&mut self, field: &str, message: impl Into<String>) {
        let place = self.place(field);
        self.faults.add(&place, FaultKind::Invalid, message.into());
    }

    fn missing(&mut self, field: &str) {
        let place = self.place(field);
        self.faults
            .add(&place, FaultKind::Missing, "is missing".to_owned());
    }

    /// A field's value; `null` is the same as not there.
    pub(crate) fn value(&self, field: &str) -> Option<&'json Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// A text that may be left out.
    pub(crate) fn text(&mut self, field: &str) -> Option<&'json str> {
        let value = self.value(field)?;
        if value.as_str().is_none() {
            self.invalid(field, "must be a text");
        }
        value.as_str()
    }

    /// A text that must be there.
    pub(crate) fn required(&mut self, field: &str) -> Option<&'json str> {
        if self.value(field).is_none() {
            self.missing(field);
        }
        self.text(field)
    }

    /// A text that must be there and mean something.
    pub(crate) fn required_as<T: FromStr<Err: fmt::Display>>(&mut self, field: &str) -> Option<T> {
        let text = self.required(field)?;
        text.parse()
            .map_err(|error: T::Err| self.invalid(field, error.to_string()))
            .ok()
    }

    /// Whether something holds; left out, it does not.
    pub(crate) fn flag(&mut self, field: &str) -> bool {
        match self.value(field) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.invalid(field, "must be true or false");
                false
            }
        }
    }

    /// A date that may be left out.
    pub(crate) fn date(&mut self, field: &str) -> Option<Timestamp> {
        let text = self.text(field)?;
        self.as_date(field, text)
    }

    /// A date that must be there.
    pub(crate) fn required_date(&mut self, field: &str) -> Option<Timestamp> {
        let text = self.required(field)?;
        self.as_date(field, text)
    }

    fn as_date(&mut self, field: &str, text: &str) -> Option<Timestamp> {
        let date = text.parse().ok().filter(|_| is_rfc3339(text));
        if date.is_none() {
            let message = format!("`{text}` is not a date such as 2024-01-15T10:30:00Z");
            self.invalid(field, message);
        }
        date
    }

    /// An object that may be left out.
    pub(crate) fn object(&mut self, field: &str, of: &str) -> Option<&'json Map<String, Value>> {
        let value = self.value(field)?;
        if !value.is_object() {
            self.invalid(field, format!("must be an object of {of}"));
        }
        value.as_object()
    }

    /// An object that must be there.
    pub(crate) fn required_object(
        &mut self,
        field: &str,
        of: &str,
    ) -> Option<&'json Map<String, Value>> {
        if self.value(field).is_none() {
            self.missing(field);
        }
        self.object(field, of)
    }
}

/// The parser of dates takes more than RFC 3339 does; claims do not.
fn is_rfc3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = |index: usize, wanted: u8| {
        bytes
            .get(index)
            .is_some_and(|byte| byte.eq_ignore_ascii_case(&wanted))
    };
    let zone = text.ends_with(['Z', 'z'])
        || bytes.len() > 6 && matches!(bytes[bytes.len() - 6], b'+' | b'-');
    zone && shape(4, b'-')
        && shape(7, b'-')
        && shape(10, b'T')
        && shape(13, b':')
        && shape(16, b':')
}

/// The members of an object in the order of their names: the map's own order differs with features that other crates of
/// a build turn on, and whoever reads the faults should find them in one.
pub(crate) fn by_name(object: &Map<String, Value>) -> BTreeMap<&String, &Value> {
    object.iter().collect()
}
