//! Actions: things done to remote objects on request, without a state of their own.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc::WeakUnboundedSender;

use crate::diagnostic::Diagnostics;
use crate::schema::Schema;
use crate::stop::Stop;
use crate::value::Object;

/// Something that Terraform 1.14 and newer does on request: `action "acme_reboot" "x" { config { ... } }`.
#[async_trait]
pub trait Action<C: Send + Sync + 'static>: Send + Sync {
    /// The full name of the type, such as `acme_reboot`.
    fn type_name(&self) -> &str;

    /// The schema: arguments only.
    fn schema(&self) -> Schema;

    /// Checks the configuration beyond its schema, without any I/O. Values may be unknown.
    fn validate(&self, config: &Object) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Warns about or refuses the action before anything is applied.
    async fn plan(&self, op: &mut PlanAction<C>) -> Result<(), Diagnostics> {
        let _ = op;
        Ok(())
    }

    /// Does it. What `op.progress` is told is shown to the user at once.
    async fn invoke(&self, op: &mut Invoke<C>) -> Result<(), Diagnostics>;
}

/// An action is planned.
#[non_exhaustive]
pub struct PlanAction<C> {
    /// What configuring the provider made.
    pub client: Arc<C>,
    /// The arguments, defaults filled in. Values may be unknown.
    pub config: Object,
    /// Warnings go here; errors are returned.
    pub warnings: Diagnostics,
    /// Whether the user asked to stop.
    pub stop: Stop,
}

/// An action is to be done.
#[non_exhaustive]
pub struct Invoke<C> {
    /// What configuring the provider made.
    pub client: Arc<C>,
    /// The arguments, wholly known, defaults filled in.
    pub config: Object,
    /// How far it is.
    pub progress: Progress,
    /// Warnings go here; errors are returned.
    pub warnings: Diagnostics,
    /// Whether the user asked to stop.
    pub stop: Stop,
}

/// Tells the user how far an action is. Clones may be handed to other tasks; what they say after the action has ended is
/// not shown.
#[derive(Clone)]
pub struct Progress(pub(crate) WeakUnboundedSender<String>);

impl Progress {
    /// Shows one line.
    pub fn say(&self, line: impl Into<String>) {
        if let Some(lines) = self.0.upgrade() {
            // Nobody listens any more once core has hung up.
            let _ = lines.send(line.into());
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}
