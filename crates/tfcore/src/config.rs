//! Configurations as a test writes them.

use serde_json::Value as Json;
use tfplugin::value::decode_json;
use tfplugin::{AttributePath, Value, ValueError};

use crate::schema::Schema;
use crate::values::with_empty_blocks;

/// What a user wrote in a block: JSON, with attributes left out where nothing is set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    json: Json,
    unknown: Vec<String>,
}

impl From<Json> for Config {
    fn from(json: Json) -> Self {
        let unknown = Vec::new();
        Self { json, unknown }
    }
}

impl Config {
    /// An attribute whose value comes from something that is not applied yet.
    #[must_use]
    pub fn unknown(mut self, attribute: impl Into<String>) -> Self {
        self.unknown.push(attribute.into());
        self
    }

    pub(crate) fn evaluate(&self, schema: &Schema) -> Result<Value, ValueError> {
        let json = match &self.json {
            Json::Null => Json::Object(serde_json::Map::new()),
            json => json.clone(),
        };
        let mut value = decode_json(&schema.ty, &json, &AttributePath::root())?;
        if let Value::Object(fields) = &mut value {
            for name in &self.unknown {
                fields.insert(name.clone(), Value::unknown());
            }
        }
        Ok(with_empty_blocks(&schema.body, value))
    }
}
