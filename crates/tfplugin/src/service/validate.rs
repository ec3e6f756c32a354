//! Configurations are checked: by the schema, then by the provider's hook.

use std::sync::Arc;

use super::catalog::{Kind, Offered};
use super::{Inner, wire};
use crate::checks::{check_config, check_write_only_allowed};
use crate::diagnostic::Diagnostics;
use crate::proto::tfplugin6 as pb;
use crate::provider::Provider;
use crate::stop::Stop;

impl<P: Provider> Inner<P> {
    pub(super) async fn validate_resource_config(
        self: Arc<Self>,
        request: pb::validate_resource_config::Request,
        _: Stop,
    ) -> Result<pb::validate_resource_config::Response, Diagnostics> {
        let kind = self.catalog().resource(&request.type_name)?;
        let mut diagnostics = Diagnostics::new();
        if !request
            .client_capabilities
            .is_some_and(|client| client.write_only_attributes_allowed)
        {
            let config = wire::decode_config(&kind.ty, request.config.as_ref())?;
            let body = kind.schema.body();
            diagnostics.append(check_write_only_allowed(body, config.fields()));
        }
        diagnostics.append(validated(&kind, request.config.as_ref())?);
        Ok(pb::validate_resource_config::Response {
            diagnostics: wire::diagnostics(diagnostics),
        })
    }

    pub(super) async fn validate_data_resource_config(
        self: Arc<Self>,
        request: pb::validate_data_resource_config::Request,
        _: Stop,
    ) -> Result<pb::validate_data_resource_config::Response, Diagnostics> {
        let kind = self.catalog().data_source(&request.type_name)?;
        let diagnostics = wire::diagnostics(validated(&kind, request.config.as_ref())?);
        Ok(pb::validate_data_resource_config::Response { diagnostics })
    }

    pub(super) async fn validate_ephemeral_resource_config(
        self: Arc<Self>,
        request: pb::validate_ephemeral_resource_config::Request,
        _: Stop,
    ) -> Result<pb::validate_ephemeral_resource_config::Response, Diagnostics> {
        let kind = self.catalog().ephemeral(&request.type_name)?;
        let diagnostics = wire::diagnostics(validated(&kind, request.config.as_ref())?);
        Ok(pb::validate_ephemeral_resource_config::Response { diagnostics })
    }

    pub(super) async fn validate_list_resource_config(
        self: Arc<Self>,
        request: pb::validate_list_resource_config::Request,
        _: Stop,
    ) -> Result<pb::validate_list_resource_config::Response, Diagnostics> {
        let kind = self.catalog().list_resource(&request.type_name)?;
        let diagnostics = wire::diagnostics(validated(&kind, request.config.as_ref())?);
        Ok(pb::validate_list_resource_config::Response { diagnostics })
    }

    pub(super) async fn validate_action_config(
        self: Arc<Self>,
        request: pb::validate_action_config::Request,
        _: Stop,
    ) -> Result<pb::validate_action_config::Response, Diagnostics> {
        let kind = self.catalog().action(&request.action_type)?;
        let diagnostics = wire::diagnostics(validated(&kind, request.config.as_ref())?);
        Ok(pb::validate_action_config::Response { diagnostics })
    }
}

/// What schema and hook say of a configuration.
fn validated<H: Offered + ?Sized>(
    kind: &Kind<H>,
    config: Option<&pb::DynamicValue>,
) -> Result<Diagnostics, Diagnostics> {
    let config = wire::decode_config(&kind.ty, config)?;
    let mut diagnostics = check_config(kind.schema.body(), config.fields());
    diagnostics.append(kind.handler.validate(&config));
    Ok(diagnostics)
}
