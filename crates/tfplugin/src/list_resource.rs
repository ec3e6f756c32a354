//! List resources: which remote objects of a managed type there are.

use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;

use crate::diagnostic::Diagnostics;
use crate::schema::Schema;
use crate::stop::Stop;
use crate::value::Object;

/// Finds objects of a managed type for `terraform query` (Terraform 1.14 and newer).
#[async_trait]
pub trait ListResource<C: Send + Sync + 'static>: Send + Sync {
    /// The name of the managed type whose objects it finds. That type must have an identity.
    fn type_name(&self) -> &str;

    /// The schema of the `config` block: arguments only.
    fn schema(&self) -> Schema;

    /// Checks the configuration beyond its schema, without any I/O. Values may be unknown.
    fn validate(&self, config: &Object) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Pushes each object to `op` as it is found, and returns once `push` says that it is enough.
    async fn list(&self, op: &mut List<C>) -> Result<(), Diagnostics>;
}

/// Objects are to be found.
#[non_exhaustive]
pub struct List<C> {
    /// What configuring the provider made.
    pub client: Arc<C>,
    /// The arguments, wholly known, defaults filled in.
    pub config: Object,
    /// Whether the states of the objects are asked for, too.
    pub include_object: bool,
    /// How many objects are wanted at most.
    pub limit: Option<usize>,
    /// Warnings go here; errors are returned and end the list.
    pub warnings: Diagnostics,
    /// Whether the user asked to stop, or core has enough.
    pub stop: Stop,
    pub(crate) deliver: Box<dyn FnMut(Found) -> ControlFlow<()> + Send>,
}

impl<C> List<C> {
    /// Delivers an object. `Break` means that no more are wanted.
    pub fn push(&mut self, found: Found) -> ControlFlow<()> {
        (self.deliver)(found)
    }
}

/// An object that was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub(crate) identity: Object,
    pub(crate) name: String,
    pub(crate) object: Option<Object>,
}

impl Found {
    /// An object by its identity, with the name to show.
    #[must_use]
    pub fn new(identity: Object, name: impl Into<String>) -> Self {
        Self {
            identity,
            name: name.into(),
            object: None,
        }
    }

    /// With its state, as a read would return it. It is sent only if it was asked for.
    #[must_use]
    pub fn with_object(mut self, state: Object) -> Self {
        self.object = Some(state);
        self
    }
}
