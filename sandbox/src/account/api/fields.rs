//! Request bodies, read as leniently as the vendor does: null and `[]` are "not given".

use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request};
use serde_json::{Map, Value};

use crate::account::refusal::Refusal;
use crate::world::Taint;

/// The fields of a request body.
pub(super) struct Fields(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let body = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|_| Refusal::invalid("Invalid request body"))?;
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        match serde_json::from_slice(&body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(Value::Null) => Ok(Self(Map::new())),
            Ok(Value::Array(items)) if items.is_empty() => Ok(Self(Map::new())),
            _ => Err(Refusal::invalid("Invalid JSON in request body")),
        }
    }
}

fn wrong(name: &str) -> Refusal {
    Refusal::invalid(format!("Invalid value for `{name}`"))
}

impl Fields {
    /// The fields of a nested object.
    pub(super) fn from_value(value: &Value) -> Result<Self, Refusal> {
        value
            .as_object()
            .cloned()
            .map(Self)
            .ok_or_else(|| Refusal::invalid("Bad request."))
    }

    fn given(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text, if given.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Array(items)) if items.is_empty() => Ok(None),
            Some(_) => Err(wrong(name)),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &str) -> Result<String, Refusal> {
        self.text(name)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Refusal::invalid(format!("`{name}` is required")))
    }

    /// A number, if given; digits in a string count.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::String(text)) => text.parse().map(Some).map_err(|_| wrong(name)),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| wrong(name)),
        }
    }

    /// A count, if given.
    pub(super) fn count(&self, name: &str) -> Result<Option<u32>, Refusal> {
        self.number(name)?
            .map(|number| u32::try_from(number).map_err(|_| wrong(name)))
            .transpose()
    }

    /// A switch, if given.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::Bool(on)) => Ok(Some(*on)),
            Some(_) => Err(wrong(name)),
        }
    }

    /// A list, if given.
    pub(super) fn list(&self, name: &str) -> Result<Option<&Vec<Value>>, Refusal> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(wrong(name)),
        }
    }

    /// A list of texts, if given.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        let text = |item: &Value| item.as_str().map(str::to_owned).ok_or_else(|| wrong(name));
        self.list(name)?
            .map(|items| items.iter().map(text).collect())
            .transpose()
    }

    /// A nested object, if given and not empty.
    pub(super) fn object(&self, name: &str) -> Result<Option<&Value>, Refusal> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::Array(items)) if items.is_empty() => Ok(None),
            Some(value @ Value::Object(_)) => Ok(Some(value)),
            Some(_) => Err(wrong(name)),
        }
    }

    /// A map of texts, if given.
    pub(super) fn map(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, Refusal> {
        let Some(Value::Object(fields)) = self.object(name)? else {
            return Ok(None);
        };
        let entry = |(key, value): (&String, &Value)| {
            Ok((
                key.clone(),
                value.as_str().ok_or_else(|| wrong(name))?.to_owned(),
            ))
        };
        fields.iter().map(entry).collect::<Result<_, _>>().map(Some)
    }

    /// A list of taints, if given.
    pub(super) fn taints(&self, name: &str) -> Result<Option<Vec<Taint>>, Refusal> {
        let taint = |item: &Value| Self::from_value(item)?.taint();
        self.list(name)?
            .map(|items| items.iter().map(taint).collect())
            .transpose()
    }

    /// The body itself as a taint.
    pub(super) fn taint(&self) -> Result<Taint, Refusal> {
        Ok(Taint {
            key: self.required("key")?,
            value: self.text("value")?.unwrap_or_default(),
            effect: self.required("effect")?,
        })
    }
}
