//! Objects that exist already: imported, with a configuration written for them, or moved here from another type or
//! provider.

use std::sync::Arc;

use super::read::whole;
use super::{Inner, wire};
use crate::checks::conform;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::planning::keep_arguments;
use crate::private::Private;
use crate::proto::tfplugin6 as pb;
use crate::provider::Provider;
use crate::resource::{Import, ImportBy, MoveSource};
use crate::stop::Stop;

impl<P: Provider> Inner<P> {
    pub(super) async fn import_resource_state(
        self: Arc<Self>,
        request: pb::import_resource_state::Request,
        stop: Stop,
    ) -> Result<pb::import_resource_state::Response, Diagnostics> {
        let kind = self.catalog().resource(&request.type_name)?;
        let mut op = Import {
            client: self.client()?,
            by: self.import_by(&request)?,
            private: Private::default(),
            warnings: Diagnostics::new(),
            stop,
        };
        let state = kind.handler.import(&mut op).await;
        let state = state.map_err(|errors| op.warnings.clone().then(errors))?;
        let fields = whole(&kind.schema, state)?;
        let identity = self.identity(&kind, &fields)?.or(request.identity);
        let imported = pb::import_resource_state::ImportedResource {
            type_name: request.type_name,
            state: Some(wire::encode_state(&kind.ty, Some(fields))?),
            private: op.private.encode(),
            identity,
        };
        Ok(pb::import_resource_state::Response {
            imported_resources: vec![imported],
            diagnostics: wire::diagnostics(op.warnings),
            deferred: None,
        })
    }

    fn import_by(
        &self,
        request: &pb::import_resource_state::Request,
    ) -> Result<ImportBy, Diagnostics> {
        let schema = self.catalog().identities.get(&request.type_name);
        let data = request
            .identity
            .as_ref()
            .and_then(|identity| identity.identity_data.as_ref());
        if let (Some(schema), Some(data)) = (schema, data)
            && let Some(identity) = wire::decode_object(&schema.implied_type(), Some(data))?
        {
            return Ok(ImportBy::Identity(identity));
        }
        Ok(ImportBy::Id(request.id.clone()))
    }

    pub(super) async fn generate_resource_config(
        self: Arc<Self>,
        request: pb::generate_resource_config::Request,
        _: Stop,
    ) -> Result<pb::generate_resource_config::Response, Diagnostics> {
        let kind = self.catalog().resource(&request.type_name)?;
        let body = kind.schema.body();
        let Some(state) = wire::decode_object(&kind.ty, request.state.as_ref())? else {
            return Ok(pb::generate_resource_config::Response::default());
        };
        let mut arguments = state.fields().clone();
        keep_arguments(body, &mut arguments);
        let arguments = arguments.into_iter().collect();
        let config = kind.handler.generate_config(&state, arguments)?;
        let conformed = conform(body, config.into_fields(), None);
        conformed.problems.into_result()?;
        Ok(pb::generate_resource_config::Response {
            config: Some(wire::encode_state(&kind.ty, Some(conformed.fields))?),
            diagnostics: Vec::new(),
        })
    }

    pub(super) async fn move_resource_state(
        self: Arc<Self>,
        request: pb::move_resource_state::Request,
        _: Stop,
    ) -> Result<pb::move_resource_state::Response, Diagnostics> {
        let kind = self.catalog().resource(&request.target_type_name)?;
        let raw = request.source_state.unwrap_or_default();
        let source = MoveSource {
            provider: request.source_provider_address,
            type_name: request.source_type_name,
            schema_version: request.source_schema_version,
            state: wire::parse(&raw.json)?,
        };
        let Some(state) = kind.handler.move_from(&source)? else {
            let detail = format!(
                "{} cannot take over an object of type {} of provider {}. Remove the moved block, and import the object or let it be created anew.",
                request.target_type_name, source.type_name, source.provider
            );
            return Err(Diagnostic::error("Move is not supported", detail).into());
        };
        let fields = whole(&kind.schema, state)?;
        Ok(pb::move_resource_state::Response {
            target_identity: self.identity(&kind, &fields)?,
            target_state: Some(wire::encode_state(&kind.ty, Some(fields))?),
            diagnostics: Vec::new(),
            target_private: Vec::new(),
        })
    }
}
