//! The provider: its configuration and what it offers.

use async_trait::async_trait;

use crate::action::Action;
use crate::data_source::DataSource;
use crate::diagnostic::Diagnostics;
use crate::ephemeral::EphemeralResource;
use crate::function::Function;
use crate::list_resource::ListResource;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::stop::Stop;
use crate::value::Object;

/// A provider. `Client` is whatever its resources need once it is configured.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// What configuring yields and every operation gets.
    type Client: Send + Sync + 'static;

    /// The schema of the `provider` block.
    fn schema(&self) -> Schema;

    /// Checks the configuration beyond its schema, without any I/O. Values may be unknown.
    fn validate(&self, config: &Object) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Makes the client. In a plan, values that come from other resources may be unknown still: make a client then that
    /// says so when it is used, unless there is no way to plan without.
    async fn configure(&self, op: &mut Configure) -> Result<Self::Client, Diagnostics>;

    /// The managed resources.
    fn resources(&self) -> Vec<Box<dyn Resource<Self::Client>>> {
        Vec::new()
    }

    /// The data sources.
    fn data_sources(&self) -> Vec<Box<dyn DataSource<Self::Client>>> {
        Vec::new()
    }

    /// The ephemeral resources.
    fn ephemeral_resources(&self) -> Vec<Box<dyn EphemeralResource<Self::Client>>> {
        Vec::new()
    }

    /// The list resources, for Terraform 1.14 and newer.
    fn list_resources(&self) -> Vec<Box<dyn ListResource<Self::Client>>> {
        Vec::new()
    }

    /// The actions, for Terraform 1.14 and newer.
    fn actions(&self) -> Vec<Box<dyn Action<Self::Client>>> {
        Vec::new()
    }

    /// The functions.
    fn functions(&self) -> Vec<Box<dyn Function>> {
        Vec::new()
    }
}

/// The `provider` block is to be put to use.
#[non_exhaustive]
pub struct Configure {
    /// The configuration.
    pub config: Object,
    /// The version of Terraform or `OpenTofu`: text for a user agent, nothing to branch on.
    pub terraform_version: String,
    /// Whether the user asked to stop.
    pub stop: Stop,
    /// Warnings go here; errors are returned.
    pub warnings: Diagnostics,
}
