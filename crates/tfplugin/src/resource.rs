//! Managed resources.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::partial::PartialState;
use crate::path::AttributePath;
use crate::private::{Choices, Private};
use crate::schema::{IdentitySchema, Schema};
use crate::stop::Stop;
use crate::value::{Object, Value};

/// A kind of remote object that Terraform manages. Only what differs from the defaults needs writing.
///
/// States and configurations are [`Object`]s of the resource's [`Schema`]. The framework has validated and planned by the
/// schema's rules before a hook sees them, and checks what a hook returns before it leaves.
#[async_trait]
pub trait Resource<C: Send + Sync + 'static>: Send + Sync {
    /// The full name of the type, such as `acme_bucket`.
    fn type_name(&self) -> &str;

    /// The schema.
    fn schema(&self) -> Schema;

    /// The identity, if objects of this type have one.
    fn identity(&self) -> Option<IdentitySchema> {
        None
    }

    /// The identity of an object. By default the state's attributes of the same names; nothing while one of them is null
    /// or unknown.
    fn identity_of(&self, state: &Object) -> Option<Object> {
        let schema = self.identity()?;
        let names: Vec<&str> = schema.attributes.keys().map(String::as_str).collect();
        let complete = names.iter().all(|name| state.is_known(name));
        complete.then(|| {
            let mut identity = Object::new();
            identity.copy_from(state, &names);
            identity
        })
    }

    /// Checks the configuration beyond its schema, without any I/O. Runs often, also on an unconfigured provider; values
    /// may be unknown, and an unknown value is never an error.
    fn validate(&self, config: &Object) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Changes the plan of a create or update: cross-field rules, remote lookups, warnings, and replacement. Runs after
    /// the schema's rules. It must say the same again when called again at apply.
    async fn plan(&self, op: &mut Plan<C>) -> Result<(), Diagnostics> {
        let _ = op;
        Ok(())
    }

    /// Warns about or refuses the plan of a destroy. Not called for the delete half of a replace.
    async fn plan_destroy(&self, op: &mut PlanDestroy<C>) -> Result<(), Diagnostics> {
        let _ = op;
        Ok(())
    }

    /// Makes the object and returns its state. Record in `op.partial` as soon as something exists.
    async fn create(&self, op: &mut Create<C>) -> Result<Object, Diagnostics>;

    /// The state of the object as it is now; nothing only if it is certainly gone.
    async fn read(&self, op: &mut Read<C>) -> Result<Option<Object>, Diagnostics>;

    /// Changes the object and returns its state. Record in `op.partial` what has been changed already.
    async fn update(&self, op: &mut Update<C>) -> Result<Object, Diagnostics> {
        let _ = op;
        Err(Diagnostic::bug(format!("{} cannot be updated in place.", self.type_name())).into())
    }

    /// Deletes the object. One that is gone already is deleted.
    async fn delete(&self, op: &mut Delete<C>) -> Result<(), Diagnostics>;

    /// The first state of an object that exists already, from its id or identity. It may hold the id only: a read
    /// follows.
    async fn import(&self, op: &mut Import<C>) -> Result<Object, Diagnostics> {
        let _ = op;
        let detail = format!("Objects of type {} cannot be imported.", self.type_name());
        Err(Diagnostic::error("Import is not supported", detail).into())
    }

    /// The configuration that Terraform 1.14 and newer writes for an imported object. `arguments` holds what may be
    /// configured as it is in the state, without what equals its default; a resource takes out what conflicts or says
    /// nothing. Pure: no I/O.
    fn generate_config(&self, state: &Object, arguments: Object) -> Result<Object, Diagnostics> {
        let _ = state;
        Ok(arguments)
    }

    /// Turns a state stored by an older version of the schema into today's shape. Absent attributes become null, unknown
    /// ones are an error. Pure: no I/O.
    fn upgrade(&self, stored_version: i64, state: Json) -> Result<Json, Diagnostics> {
        let _ = state;
        let detail = format!(
            "The state of this {} was written by version {stored_version} of its schema, which this provider cannot read.",
            self.type_name()
        );
        Err(Diagnostic::error("State cannot be upgraded", detail).into())
    }

    /// Takes over the state of an object of another type or provider. Nothing if the source is not one it knows. Pure:
    /// no I/O.
    fn move_from(&self, source: &MoveSource) -> Result<Option<Object>, Diagnostics> {
        let _ = source;
        Ok(None)
    }
}

/// What a plan is going to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Make a new object; also the second half of a replace.
    Create,
    /// Change an object, or nothing at all if [`Plan::changed_anything`] says so.
    Update,
}

/// A plan in the making.
#[non_exhaustive]
pub struct Plan<C> {
    /// What configuring the provider made.
    pub client: Arc<C>,
    /// Create or update.
    pub change: Change,
    /// The state so far; nothing on create.
    pub prior: Option<Object>,
    /// The configuration, with write-only values. Values may be unknown.
    pub config: Object,
    /// The state after apply as far as it is known. Change it here.
    pub planned: Object,
    /// What is stored with the object; what stands here afterwards reaches the apply.
    pub private: Private,
    /// Whether core accepts blocks that the configuration does not hold (Terraform 1.16): only then may the plan fill in
    /// blocks declared [`Block::computed`](crate::Block::computed).
    pub computed_blocks: bool,
    /// Warnings go here; errors are returned.
    pub warnings: Diagnostics,
    /// Whether the user asked to stop.
    pub stop: Stop,
    pub(crate) replace: Vec<AttributePath>,
    /// What was chosen for the user's plan; nothing where core does not hand it back.
    pub(crate) choices: Option<Choices>,
}

impl<C> Plan<C> {
    /// True if the planned value of a top-level attribute is not the prior one, or not known yet.
    #[must_use]
    pub fn changed(&self, name: &str) -> bool {
        let planned = self.planned.value(name);
        let prior = self.prior.as_ref().map_or(&Value::Null, |p| p.value(name));
        planned != prior
    }

    /// True if the plan differs from the prior state at all.
    #[must_use]
    pub fn changed_anything(&self) -> bool {
        self.prior.as_ref() != Some(&self.planned)
    }

    /// Says that the change of this attribute needs a new object. Paths that did not change are ignored by core.
    pub fn require_replace(&mut self, path: impl Into<AttributePath>) {
        self.replace.push(path.into());
    }

    /// A value that would not come out the same a second time, such as a random name: `make` runs for the user's plan,
    /// and the plan made again at apply gets what it made then. Nothing if core does not hand it back (before Terraform
    /// 1.16): leave the attribute unknown then, and choose in the apply. A value that JSON cannot hold is an error.
    pub fn choose<T: Serialize + DeserializeOwned>(
        &mut self,
        name: &str,
        make: impl FnOnce() -> T,
    ) -> Result<Option<T>, serde_json::Error> {
        let choices = self.choices.as_mut();
        choices
            .map(|choices| choices.choose(name, make))
            .transpose()
    }

    /// True if the schema's rules or this hook ask for a new object.
    #[must_use]
    pub fn replacing(&self) -> bool {
        !self.replace.is_empty()
    }
}

/// The plan of a destroy.
#[non_exhaustive]
pub struct PlanDestroy<C> {
    /// What configuring the provider made.
    pub client: Arc<C>,
    /// The state so far.
    pub prior: Object,
    /// What is stored with the object; what stands here afterwards reaches the delete.
    pub private: Private,
    /// Warnings go here; errors are returned.
    pub warnings: Diagnostics,
    /// Whether the user asked to stop.
    pub stop: Stop,
}

/// An object is to be made.
#[non_exhaustive]
pub struct Create<C> {
    /// What configuring the provider made.
    pub client: Arc<C>,
    /// The configuration, wholly known, with write-only values.
    pub config: Object,
    /// The planned state. Known values must come back as they are; unknown ones become known.
    pub planned: Object,
    /// What the plan left; what stands here afterwards is stored.
    pub private: Private,
    /// The state so far, for the case that this does not end well.
    pub partial: PartialState,
    /// Warnings go here; errors are returned.
    pub warnings: Diagnostics,
    /// Whether the user asked to stop.
    pub stop: Stop,
}

/// An object is to be looked at.
#[non_exhaustive]
pub struct Read<C> {
    /// What configuring the provider made.
    pub client: Arc<C>,
    /// The state so far. After an import it may hold the id only.
    pub state: Object,
    /// What is stored with the object, and will be.
    pub private: Private,
    /// Whether core accepts blocks that the configuration does not hold (Terraform 1.16).
    pub computed_blocks: bool,
    /// Warnings go here; errors are returned.
    pub warnings: Diagnostics,
    /// Whether the user asked to stop.
    pub stop: Stop,
}

/// An object is to be changed in place.
#[non_exhaustive]
pub struct Update<C> {
    /// What configuring the provider made.
    pub client: Arc<C>,
    /// The state so far.
    pub prior: Object,
    /// The configuration, wholly known, with write-only values.
    pub config: Object,
    /// The planned state. Known values must come back as they are; unknown ones become known.
    pub planned: Object,
    /// What the plan left; what stands here afterwards is stored.
    pub private: Private,
    /// The state so far, for the case that this does not end well. It starts as the prior state.
    pub partial: PartialState,
    /// Warnings go here; errors are returned.
    pub warnings: Diagnostics,
    /// Whether the user asked to stop.
    pub stop: Stop,
}

impl<C> Update<C> {
    /// True if the planned value of a top-level attribute is not the prior one.
    #[must_use]
    pub fn changed(&self, name: &str) -> bool {
        self.planned.value(name) != self.prior.value(name)
    }
}

/// Why an object is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteReason {
    /// The plan was to destroy it. With `create_before_destroy` also the old half of a replace looks like this.
    Destroy,
    /// It makes way for its replacement; what `private` holds was written by the plan of the new object.
    Replace,
}

/// An object is to be deleted.
#[non_exhaustive]
pub struct Delete<C> {
    /// What configuring the provider made.
    pub client: Arc<C>,
    /// The state so far.
    pub state: Object,
    /// Destroy, or the first half of a replace.
    pub reason: DeleteReason,
    /// What the plan left: of the destroy, or of the new object in a replace.
    pub private: Private,
    /// The state so far, for the case that this does not end well. It starts as the prior state.
    pub partial: PartialState,
    /// Warnings go here; errors are returned.
    pub warnings: Diagnostics,
    /// Whether the user asked to stop.
    pub stop: Stop,
}

/// How an import names the object.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportBy {
    /// The text of `terraform import` or of an `import` block's `id`.
    Id(String),
    /// The attributes of an `import` block's `identity`.
    Identity(Object),
}

/// An object that exists already is to be taken under management.
#[non_exhaustive]
pub struct Import<C> {
    /// What configuring the provider made.
    pub client: Arc<C>,
    /// How the user names it.
    pub by: ImportBy,
    /// What will be stored with the object.
    pub private: Private,
    /// Warnings go here; errors are returned.
    pub warnings: Diagnostics,
    /// Whether the user asked to stop.
    pub stop: Stop,
}

impl<C> Import<C> {
    /// The id, or the identity's attribute of this name: for resources that are named by one text.
    pub fn text(&self, attribute: &str) -> Result<String, Diagnostics> {
        match &self.by {
            ImportBy::Id(id) => Ok(id.clone()),
            ImportBy::Identity(identity) => Ok(identity.get(attribute)?),
        }
    }
}

/// Where a moved object comes from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MoveSource {
    /// The address of the provider it belonged to, `registry.terraform.io/hashicorp/null`.
    pub provider: String,
    /// The type it had.
    pub type_name: String,
    /// The schema version of its state.
    pub schema_version: i64,
    /// Its state as it was stored.
    pub state: Json,
}

impl MoveSource {
    /// A source, for whoever tests what is taken over.
    #[must_use]
    pub fn new(
        provider: impl Into<String>,
        type_name: impl Into<String>,
        schema_version: i64,
        state: Json,
    ) -> Self {
        Self {
            provider: provider.into(),
            type_name: type_name.into(),
            schema_version,
            state,
        }
    }
}
