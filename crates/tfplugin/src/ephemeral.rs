//! Ephemeral resources: values that exist during one run and are stored nowhere.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;

use crate::diagnostic::Diagnostics;
use crate::private::Private;
use crate::schema::Schema;
use crate::stop::Stop;
use crate::value::Object;

/// Something that is opened for one run of Terraform and closed at its end: credentials, tunnels, tokens.
#[async_trait]
pub trait EphemeralResource<C: Send + Sync + 'static>: Send + Sync {
    /// The full name of the type, such as `acme_token`.
    fn type_name(&self) -> &str;

    /// The schema: arguments, and computed attributes for the result.
    fn schema(&self) -> Schema;

    /// Checks the configuration beyond its schema, without any I/O. Values may be unknown.
    fn validate(&self, config: &Object) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// The arguments as they were, with the computed attributes filled in. Called in plan and again in apply.
    async fn open(&self, op: &mut Open<C>) -> Result<Object, Diagnostics>;

    /// Prolongs it; called at the time that `open` or the last renewal named.
    async fn renew(&self, op: &mut Renew<C>) -> Result<(), Diagnostics> {
        let _ = op;
        Ok(())
    }

    /// Ends it. Always called, also after a stop.
    async fn close(&self, op: &mut Close<C>) -> Result<(), Diagnostics> {
        let _ = op;
        Ok(())
    }
}

/// An ephemeral resource is to be opened.
#[non_exhaustive]
pub struct Open<C> {
    /// What configuring the provider made.
    pub client: Arc<C>,
    /// The arguments, wholly known, defaults filled in.
    pub config: Object,
    /// When to renew it, if it must be.
    pub renew_at: Option<SystemTime>,
    /// What renew and close will get. It stays in memory.
    pub private: Private,
    /// Warnings go here; errors are returned.
    pub warnings: Diagnostics,
    /// Whether the user asked to stop.
    pub stop: Stop,
}

/// An ephemeral resource is to be prolonged.
#[non_exhaustive]
pub struct Renew<C> {
    /// What configuring the provider made.
    pub client: Arc<C>,
    /// When to renew it again, if it must be.
    pub renew_at: Option<SystemTime>,
    /// What open or the last renewal left; the next renewal and close get what stands here afterwards.
    pub private: Private,
    /// Warnings go here; errors are returned.
    pub warnings: Diagnostics,
    /// Whether the user asked to stop.
    pub stop: Stop,
}

/// An ephemeral resource is to be closed.
#[non_exhaustive]
pub struct Close<C> {
    /// What configuring the provider made.
    pub client: Arc<C>,
    /// What open or the last renewal left.
    pub private: Private,
    /// Warnings go here; errors are returned.
    pub warnings: Diagnostics,
}
