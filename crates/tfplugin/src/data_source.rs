//! Data sources.

use std::sync::Arc;

use async_trait::async_trait;

use crate::diagnostic::Diagnostics;
use crate::schema::Schema;
use crate::stop::Stop;
use crate::value::Object;

/// Something that Terraform reads and does not manage.
#[async_trait]
pub trait DataSource<C: Send + Sync + 'static>: Send + Sync {
    /// The full name of the type, such as `acme_regions`.
    fn type_name(&self) -> &str;

    /// The schema: arguments, and computed attributes for the answer.
    fn schema(&self) -> Schema;

    /// Checks the configuration beyond its schema, without any I/O. Values may be unknown.
    fn validate(&self, config: &Object) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// The arguments as they were, with the computed attributes filled in. Not found is an error.
    async fn read(&self, op: &mut ReadData<C>) -> Result<Object, Diagnostics>;
}

/// A data source is to be read.
#[non_exhaustive]
pub struct ReadData<C> {
    /// What configuring the provider made.
    pub client: Arc<C>,
    /// The arguments, wholly known, defaults filled in.
    pub config: Object,
    /// Warnings go here; errors are returned.
    pub warnings: Diagnostics,
    /// Whether the user asked to stop.
    pub stop: Stop,
}
