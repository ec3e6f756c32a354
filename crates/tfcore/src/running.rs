//! A provider that runs, and what core knows of it.

use std::time::Duration;

use tokio::process::Child;
use tonic::transport::Channel;

use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::error::{CoreError, accepted};
use crate::handshake::{StartError, start};
use crate::rules::Broken;
use crate::schema::{Schema, Schemas};
use crate::values::send;
use crate::wire::plugin::Empty;
use crate::wire::plugin::grpc_controller_client::GrpcControllerClient;
use crate::wire::tfplugin6 as pb;
use crate::wire::tfplugin6::provider_client::ProviderClient;

/// What providers in Go accept, too.
const LARGEST_MESSAGE: usize = 256 << 20;
/// After it, core kills.
const FAREWELL: Duration = Duration::from_secs(10);

/// What this core can do: that of a Terraform of some version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent abilities, as on the wire"
)]
pub struct Features {
    /// Write-only attributes (1.11).
    pub write_only: bool,
    /// Identities (1.12).
    pub identity: bool,
    /// The private data of the first plan comes back at apply (1.16).
    pub planned_private: bool,
    /// Blocks may be computed (1.16).
    pub computed_blocks: bool,
}

impl Features {
    /// Terraform 1.10.
    pub const TERRAFORM_1_10: Self = Self {
        write_only: false,
        identity: false,
        planned_private: false,
        computed_blocks: false,
    };
    /// Terraform 1.11.
    pub const TERRAFORM_1_11: Self = Self {
        write_only: true,
        ..Self::TERRAFORM_1_10
    };
    /// Terraform 1.14.
    pub const TERRAFORM_1_14: Self = Self {
        identity: true,
        ..Self::TERRAFORM_1_11
    };
    /// Terraform 1.16.
    pub const TERRAFORM_1_16: Self = Self {
        planned_private: true,
        computed_blocks: true,
        ..Self::TERRAFORM_1_14
    };

    #[allow(clippy::unnecessary_wraps, reason = "the messages want it so")]
    pub(crate) fn told(self) -> Option<pb::ClientCapabilities> {
        Some(pb::ClientCapabilities {
            deferral_allowed: false,
            write_only_attributes_allowed: self.write_only,
            store_planned_private: self.planned_private,
            computed_blocks_allowed: self.computed_blocks,
        })
    }
}

impl Default for Features {
    fn default() -> Self {
        Self::TERRAFORM_1_14
    }
}

/// A provider's process, started and known. It is killed when this value goes; [`Core::shutdown`] ends it as core does.
pub struct Core {
    provider: ProviderClient<Channel>,
    controller: GrpcControllerClient<Channel>,
    process: Child,
    pub(crate) schemas: Schemas,
    pub(crate) features: Features,
}

impl Core {
    /// Starts a provider and asks for its schemas. The command's environment, arguments and stderr are the caller's.
    pub async fn start(command: std::process::Command) -> Result<Self, CoreError> {
        Self::start_as(Features::default(), command).await
    }

    /// Starts a provider as a Terraform with these features does.
    pub async fn start_as(
        features: Features,
        command: std::process::Command,
    ) -> Result<Self, CoreError> {
        let (process, channel) = start(command).await?;
        let mut provider = ProviderClient::new(channel.clone())
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(LARGEST_MESSAGE);
        let request = pb::get_provider_schema::Request {};
        let sent = provider.get_provider_schema(request).await;
        let mut sent = sent.map_err(Broken::from)?.into_inner();
        accepted(Diagnostic::read(std::mem::take(&mut sent.diagnostics)))?;
        let request = pb::get_resource_identity_schemas::Request {};
        let identities = match provider.get_resource_identity_schemas(request).await {
            Ok(identities) => identities.into_inner(),
            Err(status) if status.code() == tonic::Code::Unimplemented => {
                pb::get_resource_identity_schemas::Response::default()
            }
            Err(status) => return Err(Broken::from(status).into()),
        };
        Ok(Self {
            controller: GrpcControllerClient::new(channel),
            schemas: Schemas::read(sent, identities)?,
            provider,
            process,
            features,
        })
    }

    /// Checks the `provider` block and puts it to use. Returns warnings.
    pub async fn configure(&self, config: &Config) -> Result<Vec<Diagnostic>, CoreError> {
        let schema = &self.schemas.provider;
        let config = send(&schema.ty, &config.evaluate(schema)?)?;
        let request = pb::validate_provider_config::Request {
            config: config.clone(),
        };
        let answer = self.client().validate_provider_config(request).await;
        let answer = answer.map_err(Broken::from)?.into_inner();
        let mut warnings = accepted(Diagnostic::read(answer.diagnostics))?;
        let request = pb::configure_provider::Request {
            terraform_version: "1.14.0".to_owned(),
            config,
            client_capabilities: self.features.told(),
        };
        let answer = self.client().configure_provider(request).await;
        let answer = answer.map_err(Broken::from)?.into_inner();
        warnings.extend(accepted(Diagnostic::read(answer.diagnostics))?);
        Ok(warnings)
    }

    /// Asks what is going on to stop, as core does on the first interrupt.
    pub async fn stop(&self) -> Result<(), CoreError> {
        let request = pb::stop_provider::Request {};
        let answer = self.client().stop_provider(request).await;
        answer.map_err(Broken::from)?;
        Ok(())
    }

    /// Tells the provider that it is no longer needed, and waits for its end. True if it ended well and in time.
    pub async fn shutdown(mut self) -> Result<bool, CoreError> {
        let answer = self.controller.shutdown(Empty {}).await;
        answer.map_err(Broken::from)?;
        match tokio::time::timeout(FAREWELL, self.process.wait()).await {
            Ok(status) => Ok(status.map_err(StartError::Run)?.success()),
            Err(_) => Ok(false),
        }
    }

    /// The provider's process, while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.process.id()
    }

    /// The names of the managed types.
    pub fn resource_types(&self) -> impl Iterator<Item = &str> {
        self.schemas.resources.keys().map(String::as_str)
    }

    pub(crate) fn client(&self) -> ProviderClient<Channel> {
        self.provider.clone()
    }

    pub(crate) fn resource(&self, type_name: &str) -> Result<&Schema, CoreError> {
        let found = self.schemas.resources.get(type_name);
        found.ok_or_else(|| CoreError::UnknownType(type_name.to_owned()))
    }
}
