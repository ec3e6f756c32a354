//! What the provider offers, looked up by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::action::Action;
use crate::data_source::DataSource;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ephemeral::EphemeralResource;
use crate::function::{Function, Signature};
use crate::list_resource::ListResource;
use crate::path::AttributePath;
use crate::provider::Provider;
use crate::resource::Resource;
use crate::schema::{IdentitySchema, Schema, SchemaError, SchemaRole, check_schema};
use crate::value::{Object, Type};

/// What all kinds of things with a schema have in common.
pub(super) trait Offered: Send + Sync {
    const ROLE: SchemaRole;
    fn type_name(&self) -> &str;
    fn schema(&self) -> Schema;
    fn validate(&self, config: &Object) -> Diagnostics;
}

macro_rules! offered {
    ($($kind:ident as $role:ident),* $(,)?) => {$(
        impl<C: Send + Sync + 'static> Offered for dyn $kind<C> {
            const ROLE: SchemaRole = SchemaRole::$role;

            fn type_name(&self) -> &str {
                $kind::type_name(self)
            }

            fn schema(&self) -> Schema {
                $kind::schema(self)
            }

            fn validate(&self, config: &Object) -> Diagnostics {
                $kind::validate(self, config)
            }
        }
    )*};
}
offered!(
    Resource as Resource,
    DataSource as DataSource,
    EphemeralResource as Ephemeral,
    ListResource as List,
    Action as Action,
);

/// One kind of object, with its schema made once.
pub(super) struct Kind<H: ?Sized> {
    pub(super) handler: Box<H>,
    pub(super) schema: Schema,
    pub(super) ty: Type,
}

pub(super) type Kinds<H> = BTreeMap<String, Arc<Kind<H>>>;

/// A function with its signature.
pub(super) struct Callable {
    pub(super) handler: Box<dyn Function>,
    pub(super) signature: Signature,
}

pub(super) struct Catalog<C> {
    pub(super) provider: Schema,
    pub(super) provider_type: Type,
    pub(super) resources: Kinds<dyn Resource<C>>,
    pub(super) identities: BTreeMap<String, IdentitySchema>,
    pub(super) data_sources: Kinds<dyn DataSource<C>>,
    pub(super) ephemeral_resources: Kinds<dyn EphemeralResource<C>>,
    pub(super) list_resources: Kinds<dyn ListResource<C>>,
    pub(super) actions: Kinds<dyn Action<C>>,
    pub(super) functions: BTreeMap<String, Arc<Callable>>,
    /// What core would refuse; told in the answer with the schemas, which stops every command.
    pub(super) problems: Vec<SchemaError>,
}

impl<C: Send + Sync + 'static> Catalog<C> {
    pub(super) fn of<P: Provider<Client = C>>(provider: &P) -> Self {
        let schema = provider.schema();
        let mut problems = check_schema("the provider", SchemaRole::Provider, &schema);
        let resources = by_name(provider.resources(), &mut problems);
        let identities = resources
            .iter()
            .filter_map(|(name, kind)| Some((name.clone(), kind.handler.identity()?)));
        let identities: BTreeMap<_, _> = identities.collect();
        let list_resources = by_name(provider.list_resources(), &mut problems);
        let nameless = list_resources
            .keys()
            .filter(|name| !identities.contains_key(*name));
        problems.extend(nameless.map(|name| {
            let problem = "only managed resources with an identity can be listed";
            whole(name, problem)
        }));
        let functions = provider.functions().into_iter().map(|handler| {
            let signature = handler.signature();
            let name = handler.name().to_owned();
            (name, Arc::new(Callable { handler, signature }))
        });
        Self {
            provider_type: schema.implied_type(),
            provider: schema,
            functions: functions.collect(),
            data_sources: by_name(provider.data_sources(), &mut problems),
            ephemeral_resources: by_name(provider.ephemeral_resources(), &mut problems),
            actions: by_name(provider.actions(), &mut problems),
            resources,
            identities,
            list_resources,
            problems,
        }
    }

    pub(super) fn resource(&self, name: &str) -> Result<Arc<Kind<dyn Resource<C>>>, Diagnostics> {
        find(&self.resources, name)
    }

    pub(super) fn data_source(
        &self,
        name: &str,
    ) -> Result<Arc<Kind<dyn DataSource<C>>>, Diagnostics> {
        find(&self.data_sources, name)
    }

    pub(super) fn ephemeral(
        &self,
        name: &str,
    ) -> Result<Arc<Kind<dyn EphemeralResource<C>>>, Diagnostics> {
        find(&self.ephemeral_resources, name)
    }

    pub(super) fn list_resource(
        &self,
        name: &str,
    ) -> Result<Arc<Kind<dyn ListResource<C>>>, Diagnostics> {
        find(&self.list_resources, name)
    }

    pub(super) fn action(&self, name: &str) -> Result<Arc<Kind<dyn Action<C>>>, Diagnostics> {
        find(&self.actions, name)
    }
}

fn by_name<H: Offered + ?Sized>(
    handlers: Vec<Box<H>>,
    problems: &mut Vec<SchemaError>,
) -> Kinds<H> {
    let mut found = Kinds::new();
    for handler in handlers {
        let name = handler.type_name().to_owned();
        let schema = handler.schema();
        problems.extend(check_schema(&name, H::ROLE, &schema));
        let kind = Kind {
            ty: schema.implied_type(),
            handler,
            schema,
        };
        if found.insert(name.clone(), Arc::new(kind)).is_some() {
            problems.push(whole(&name, "the provider offers this name twice"));
        }
    }
    found
}

fn whole(owner: &str, problem: &str) -> SchemaError {
    SchemaError {
        owner: owner.to_owned(),
        path: AttributePath::root(),
        problem: problem.to_owned(),
    }
}

fn find<H: Offered + ?Sized>(kinds: &Kinds<H>, name: &str) -> Result<Arc<Kind<H>>, Diagnostics> {
    kinds.get(name).cloned().ok_or_else(|| {
        let detail = format!("This provider has no {} {name:?}.", H::ROLE.noun());
        Diagnostic::error("Unknown type", detail).into()
    })
}
