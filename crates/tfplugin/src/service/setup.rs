//! What the provider offers, and its configuration.

use std::collections::HashMap;
use std::sync::Arc;

use super::catalog::Kinds;
use super::{Inner, schemas, wire};
use crate::checks::check_config;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::planning::fill_defaults;
use crate::proto::tfplugin6 as pb;
use crate::provider::{Configure, Provider};
use crate::schema::Schema;
use crate::stop::Stop;
use crate::value::Object;

const CAPABILITIES: pb::ServerCapabilities = pb::ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: true,
    generate_resource_config: true,
};

impl<P: Provider> Inner<P> {
    pub(super) async fn get_metadata(
        self: Arc<Self>,
        _: pb::get_metadata::Request,
        _: Stop,
    ) -> Result<pb::get_metadata::Response, Diagnostics> {
        use pb::get_metadata::{
            ActionMetadata, DataSourceMetadata, EphemeralResourceMetadata, FunctionMetadata,
            ListResourceMetadata, ResourceMetadata,
        };
        let catalog = self.catalog();
        let data_source = |type_name: &String| DataSourceMetadata {
            type_name: type_name.clone(),
        };
        let resource = |type_name: &String| ResourceMetadata {
            type_name: type_name.clone(),
        };
        let ephemeral = |type_name: &String| EphemeralResourceMetadata {
            type_name: type_name.clone(),
        };
        let list = |type_name: &String| ListResourceMetadata {
            type_name: type_name.clone(),
        };
        let action = |type_name: &String| ActionMetadata {
            type_name: type_name.clone(),
        };
        let function = |name: &String| FunctionMetadata { name: name.clone() };
        Ok(pb::get_metadata::Response {
            server_capabilities: Some(CAPABILITIES),
            data_sources: catalog.data_sources.keys().map(data_source).collect(),
            resources: catalog.resources.keys().map(resource).collect(),
            ephemeral_resources: catalog.ephemeral_resources.keys().map(ephemeral).collect(),
            list_resources: catalog.list_resources.keys().map(list).collect(),
            actions: catalog.actions.keys().map(action).collect(),
            functions: catalog.functions.keys().map(function).collect(),
            ..pb::get_metadata::Response::default()
        })
    }

    pub(super) async fn get_provider_schema(
        self: Arc<Self>,
        _: pb::get_provider_schema::Request,
        _: Stop,
    ) -> Result<pb::get_provider_schema::Response, Diagnostics> {
        let catalog = self.catalog();
        let problem = |problem: &crate::schema::SchemaError| Diagnostic::bug(format!("{problem}."));
        let problems: Diagnostics = catalog.problems.iter().map(problem).collect();
        problems.into_result()?;
        let functions = catalog.functions.iter();
        Ok(pb::get_provider_schema::Response {
            provider: Some(schemas::schema(&catalog.provider)),
            resource_schemas: each(&catalog.resources, schemas::schema),
            data_source_schemas: each(&catalog.data_sources, schemas::schema),
            ephemeral_resource_schemas: each(&catalog.ephemeral_resources, schemas::schema),
            list_resource_schemas: each(&catalog.list_resources, schemas::arguments),
            action_schemas: each(&catalog.actions, |schema| pb::ActionSchema {
                schema: Some(schemas::arguments(schema)),
            }),
            functions: functions
                .map(|(n, f)| (n.clone(), schemas::function(&f.signature)))
                .collect(),
            server_capabilities: Some(CAPABILITIES),
            ..pb::get_provider_schema::Response::default()
        })
    }

    pub(super) async fn get_resource_identity_schemas(
        self: Arc<Self>,
        _: pb::get_resource_identity_schemas::Request,
        _: Stop,
    ) -> Result<pb::get_resource_identity_schemas::Response, Diagnostics> {
        let identities = self.catalog().identities.iter();
        Ok(pb::get_resource_identity_schemas::Response {
            identity_schemas: identities
                .map(|(n, s)| (n.clone(), schemas::identity(s)))
                .collect(),
            diagnostics: Vec::new(),
        })
    }

    pub(super) async fn get_functions(
        self: Arc<Self>,
        _: pb::get_functions::Request,
        _: Stop,
    ) -> Result<pb::get_functions::Response, Diagnostics> {
        let functions = self.catalog().functions.iter();
        Ok(pb::get_functions::Response {
            functions: functions
                .map(|(n, f)| (n.clone(), schemas::function(&f.signature)))
                .collect(),
            diagnostics: Vec::new(),
        })
    }

    pub(super) async fn validate_provider_config(
        self: Arc<Self>,
        request: pb::validate_provider_config::Request,
        _: Stop,
    ) -> Result<pb::validate_provider_config::Response, Diagnostics> {
        let config = wire::decode_config(&self.catalog().provider_type, request.config.as_ref())?;
        let mut diagnostics = check_config(self.catalog().provider.body(), config.fields());
        diagnostics.append(self.provider.validate(&config));
        Ok(pb::validate_provider_config::Response {
            diagnostics: wire::diagnostics(diagnostics),
        })
    }

    pub(super) async fn configure_provider(
        self: Arc<Self>,
        request: pb::configure_provider::Request,
        stop: Stop,
    ) -> Result<pb::configure_provider::Response, Diagnostics> {
        let config = wire::decode_config(&self.catalog().provider_type, request.config.as_ref())?;
        let given = config.into_fields();
        let mut filled = given.clone();
        fill_defaults(self.catalog().provider.body(), &mut filled, Some(&given));
        let mut op = Configure {
            config: filled.into_iter().collect::<Object>(),
            terraform_version: request.terraform_version,
            stop,
            warnings: Diagnostics::new(),
        };
        let client = self.provider.configure(&mut op).await;
        let client = client.map_err(|errors| op.warnings.clone().then(errors))?;
        self.configured(client);
        Ok(pb::configure_provider::Response {
            diagnostics: wire::diagnostics(op.warnings),
        })
    }
}

fn each<H: ?Sized, S>(kinds: &Kinds<H>, sent: impl Fn(&Schema) -> S) -> HashMap<String, S> {
    kinds
        .iter()
        .map(|(name, kind)| (name.clone(), sent(&kind.schema)))
        .collect()
}
