//! Stored states and identities, brought to today's schema. Called for every object in every plan.

use std::sync::Arc;

use super::{Inner, wire};
use crate::checks::conform;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::AttributePath;
use crate::proto::tfplugin6 as pb;
use crate::provider::Provider;
use crate::stop::Stop;
use crate::value::{Value, decode_json};

impl<P: Provider> Inner<P> {
    pub(super) async fn upgrade_resource_state(
        self: Arc<Self>,
        request: pb::upgrade_resource_state::Request,
        _: Stop,
    ) -> Result<pb::upgrade_resource_state::Response, Diagnostics> {
        let kind = self.catalog().resource(&request.type_name)?;
        let raw = request.raw_state.unwrap_or_default();
        if raw.json.is_empty() {
            let detail = "The state was written by a Terraform older than 0.12. Apply once with Terraform 0.12 to 1.x first.";
            return Err(Diagnostic::error("State is too old", detail).into());
        }
        let mut json = wire::parse(&raw.json)?;
        if request.version != kind.schema.stored_version() {
            json = kind.handler.upgrade(request.version, json)?;
        }
        let state = match decode_json(&kind.ty, &json, &AttributePath::root())? {
            Value::Object(fields) => {
                let conformed = conform(kind.schema.body(), fields, None);
                conformed.problems.into_result()?;
                Some(conformed.fields)
            }
            _ => None,
        };
        Ok(pb::upgrade_resource_state::Response {
            upgraded_state: Some(wire::encode_state(&kind.ty, state)?),
            diagnostics: Vec::new(),
        })
    }

    pub(super) async fn upgrade_resource_identity(
        self: Arc<Self>,
        request: pb::upgrade_resource_identity::Request,
        _: Stop,
    ) -> Result<pb::upgrade_resource_identity::Response, Diagnostics> {
        let Some(schema) = self.catalog().identities.get(&request.type_name) else {
            let detail = format!("{} has no identity.", request.type_name);
            return Err(Diagnostic::error("Unknown identity", detail).into());
        };
        if request.version != schema.version {
            let detail = format!(
                "The identity of this {} was written by version {} of its schema, and this provider knows version {} only.",
                request.type_name, request.version, schema.version
            );
            return Err(Diagnostic::error("Identity cannot be upgraded", detail).into());
        }
        let ty = schema.implied_type();
        let json = wire::parse(&request.raw_identity.unwrap_or_default().json)?;
        let identity = decode_json(&ty, &json, &AttributePath::root())?;
        let upgraded_identity = pb::ResourceIdentityData {
            identity_data: Some(wire::encode(&ty, &identity)?),
        };
        Ok(pb::upgrade_resource_identity::Response {
            upgraded_identity: Some(upgraded_identity),
            diagnostics: Vec::new(),
        })
    }
}
