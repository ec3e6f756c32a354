//! Objects that come from elsewhere: imported, moved from another type, stored by an older provider.

use serde_json::Value as Json;
use tfplugin::value::decode_json;
use tfplugin::{AttributePath, Value};

use crate::diagnostic::Diagnostic;
use crate::error::{CoreError, accepted};
use crate::instance::Instance;
use crate::plan::{misshapen, whole};
use crate::rules::{Broken, Rule};
use crate::running::Core;
use crate::schema::Schema;
use crate::values::{json, receive, send, with_empty_blocks};
use crate::wire::tfplugin6 as pb;

/// How an import names the object.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportBy {
    /// The text of `terraform import`.
    Id(String),
    /// The attributes of an `import` block's `identity`.
    Identity(Json),
}

/// An object of another type or provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The provider's address, `registry.terraform.io/vultr/vultr`.
    pub provider: String,
    /// The object as it is stored.
    pub instance: Instance,
}

impl Core {
    /// Brings a stored object to today's schema, as core does for every object before everything else.
    pub async fn upgrade_state(&self, stored: &Instance) -> Result<Instance, CoreError> {
        let schema = self.resource(&stored.type_name)?;
        let state = self.current(stored).await?;
        Ok(Instance {
            attributes: json(&state)?,
            version: schema.version,
            ..stored.clone()
        })
    }

    pub(crate) async fn current(&self, stored: &Instance) -> Result<Value, CoreError> {
        let schema = self.resource(&stored.type_name)?;
        let request = pb::upgrade_resource_state::Request {
            type_name: stored.type_name.clone(),
            version: stored.version,
            raw_state: Some(raw(&stored.attributes)),
        };
        let answer = self.client().upgrade_resource_state(request).await;
        let answer = answer.map_err(Broken::from)?.into_inner();
        accepted(Diagnostic::read(answer.diagnostics))?;
        let state = receive(&schema.ty, answer.upgraded_state.as_ref())
            .map_err(|error| misshapen(&error))?;
        whole(schema, &state, Rule::C38)?;
        if stored.version == schema.version && Some(&state) != own(schema, stored).as_ref() {
            let what = "a state of today's version is upgraded to another one";
            return Err(Broken::new(Rule::C38, "", what).into());
        }
        Ok(state)
    }

    /// Takes an object that exists already under management. A read follows, as in core.
    pub async fn import(&self, type_name: &str, by: &ImportBy) -> Result<Instance, CoreError> {
        let schema = self.resource(type_name)?;
        let (id, identity) = match by {
            ImportBy::Id(id) => (id.clone(), None),
            ImportBy::Identity(identity) => (String::new(), Some(identity)),
        };
        let request = pb::import_resource_state::Request {
            type_name: type_name.to_owned(),
            id,
            client_capabilities: self.features.told(),
            identity: self.sent_identity(type_name, identity)?,
        };
        let answer = self.client().import_resource_state(request).await;
        let answer = answer.map_err(Broken::from)?.into_inner();
        accepted(Diagnostic::read(answer.diagnostics))?;
        let broken = |what: String| Broken::new(Rule::C35, "", what);
        let [imported] = &answer.imported_resources[..] else {
            let count = answer.imported_resources.len();
            return Err(broken(format!("an import yields {count} objects")).into());
        };
        if imported.type_name != type_name {
            return Err(broken(format!("an import yields a {}", imported.type_name)).into());
        }
        let state =
            receive(&schema.ty, imported.state.as_ref()).map_err(|error| misshapen(&error))?;
        if state.is_null() {
            return Err(broken("an import yields null".to_owned()).into());
        }
        whole(schema, &state, Rule::C35)?;
        let instance = Instance {
            type_name: type_name.to_owned(),
            version: schema.version,
            attributes: json(&state)?,
            private: imported.private.clone(),
            identity: self.identity(type_name, imported.identity.as_ref(), false)?,
            tainted: false,
        };
        let found = self.refresh(&instance).await?;
        found.ok_or_else(|| match by {
            ImportBy::Id(id) => CoreError::NothingToImport(id.clone()),
            ImportBy::Identity(identity) => CoreError::NothingToImport(identity.to_string()),
        })
    }

    /// Takes over an object of another type or provider, as a `moved` block does. A read follows, as in core.
    pub async fn move_state(
        &self,
        type_name: &str,
        source: &Source,
    ) -> Result<Option<Instance>, CoreError> {
        let schema = self.resource(type_name)?;
        let from = &source.instance;
        let request = pb::move_resource_state::Request {
            source_provider_address: source.provider.clone(),
            source_type_name: from.type_name.clone(),
            source_schema_version: from.version,
            source_state: Some(raw(&from.attributes)),
            target_type_name: type_name.to_owned(),
            source_private: from.private.clone(),
            source_identity: from.identity.as_ref().map(raw),
            source_identity_schema_version: 0,
        };
        let answer = self.client().move_resource_state(request).await;
        let answer = answer.map_err(Broken::from)?.into_inner();
        accepted(Diagnostic::read(answer.diagnostics))?;
        let state =
            receive(&schema.ty, answer.target_state.as_ref()).map_err(|error| misshapen(&error))?;
        if state.is_null() {
            return Err(Broken::new(Rule::C37, "", "a move yields null").into());
        }
        whole(schema, &state, Rule::C37)?;
        let moved = Instance {
            type_name: type_name.to_owned(),
            version: schema.version,
            attributes: json(&state)?,
            private: answer.target_private,
            identity: self.identity(type_name, answer.target_identity.as_ref(), false)?,
            tainted: from.tainted,
        };
        self.refresh(&moved).await
    }

    /// The configuration that would make an object, as `-generate-config-out` writes it in Terraform 1.14 and newer.
    pub async fn generate_config(&self, instance: &Instance) -> Result<Json, CoreError> {
        let schema = self.resource(&instance.type_name)?;
        let state = self.current(instance).await?;
        let request = pb::generate_resource_config::Request {
            type_name: instance.type_name.clone(),
            state: send(&schema.ty, &state)?,
        };
        let answer = self.client().generate_resource_config(request).await;
        let answer = answer.map_err(Broken::from)?.into_inner();
        accepted(Diagnostic::read(answer.diagnostics))?;
        let config =
            receive(&schema.ty, answer.config.as_ref()).map_err(|error| misshapen(&error))?;
        Ok(json(&config)?)
    }
}

fn raw(json: &Json) -> pb::RawState {
    pb::RawState {
        json: json.to_string().into_bytes(),
        ..pb::RawState::default()
    }
}

fn own(schema: &Schema, stored: &Instance) -> Option<Value> {
    let value = decode_json(&schema.ty, &stored.attributes, &AttributePath::root());
    Some(with_empty_blocks(&schema.body, value.ok()?))
}
