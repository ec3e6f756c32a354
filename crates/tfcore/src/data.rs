//! Data sources.

use serde_json::Value as Json;
use tfplugin::Value;

use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::error::{CoreError, accepted, unbroken};
use crate::plan::{misshapen, whole};
use crate::rules::{Broken, Rule, check_plan};
use crate::running::Core;
use crate::values::{json, receive, send};
use crate::wire::tfplugin6 as pb;

impl Core {
    /// Validates and reads a data source.
    pub async fn read_data(&self, type_name: &str, config: &Config) -> Result<Json, CoreError> {
        let schema = self.schemas.data_sources.get(type_name);
        let schema = schema.ok_or_else(|| CoreError::UnknownType(type_name.to_owned()))?;
        let configured = config.evaluate(schema)?;
        let request = pb::validate_data_resource_config::Request {
            type_name: type_name.to_owned(),
            config: send(&schema.ty, &configured)?,
        };
        let answer = self.client().validate_data_resource_config(request).await;
        let answer = answer.map_err(Broken::from)?.into_inner();
        accepted(Diagnostic::read(answer.diagnostics))?;
        let request = pb::read_data_source::Request {
            type_name: type_name.to_owned(),
            config: send(&schema.ty, &configured)?,
            provider_meta: None,
            client_capabilities: self.features.told(),
        };
        let answer = self.client().read_data_source(request).await;
        let answer = answer.map_err(Broken::from)?.into_inner();
        accepted(Diagnostic::read(answer.diagnostics))?;
        let read = receive(&schema.ty, answer.state.as_ref()).map_err(|e| misshapen(&e))?;
        whole(schema, &read, Rule::C34)?;
        let mut broken = check_plan(&schema.body, &Value::Null, &configured, &read, false);
        for broken in &mut broken {
            broken.rule = Rule::C34;
        }
        unbroken(broken)?;
        Ok(json(&read)?)
    }
}
