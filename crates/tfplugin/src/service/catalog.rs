//! What the provider offers, looked up by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::data_source::DataSource;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ephemeral::EphemeralResource;
use crate::function::{Function, Signature};
use crate::provider::Provider;
use crate::resource::Resource;
use crate::schema::{IdentitySchema, Schema, SchemaError, SchemaRole, check_schema};
use crate::value::Type;

/// One kind of object, with its schema made once.
pub(super) struct Kind<H: ?Sized> {
    pub(super) handler: Box<H>,
    pub(super) schema: Schema,
    pub(super) ty: Type,
}

impl<H: ?Sized> Kind<H> {
    fn new(handler: Box<H>, schema: Schema) -> Arc<Self> {
        let ty = schema.implied_type();
        Arc::new(Self {
            handler,
            schema,
            ty,
        })
    }
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
    pub(super) functions: BTreeMap<String, Arc<Callable>>,
    /// What core would refuse; told in the answer with the schemas, which stops every command.
    pub(super) problems: Vec<SchemaError>,
}

impl<C: Send + Sync + 'static> Catalog<C> {
    pub(super) fn of<P: Provider<Client = C>>(provider: &P) -> Self {
        let schema = provider.schema();
        let mut problems = check_schema("the provider", SchemaRole::Provider, &schema);
        let resources = provider.resources().into_iter().map(|handler| {
            let schema = handler.schema();
            (handler.type_name().to_owned(), Kind::new(handler, schema))
        });
        let resources = by_name(resources, SchemaRole::Resource, &mut problems);
        let data_sources = provider.data_sources().into_iter().map(|handler| {
            let schema = handler.schema();
            (handler.type_name().to_owned(), Kind::new(handler, schema))
        });
        let data_sources = by_name(data_sources, SchemaRole::DataSource, &mut problems);
        let ephemeral_resources = provider.ephemeral_resources().into_iter().map(|handler| {
            let schema = handler.schema();
            (handler.type_name().to_owned(), Kind::new(handler, schema))
        });
        let ephemeral_resources =
            by_name(ephemeral_resources, SchemaRole::Ephemeral, &mut problems);
        let identities = resources
            .iter()
            .filter_map(|(name, kind)| Some((name.clone(), kind.handler.identity()?)));
        let functions = provider.functions().into_iter().map(|handler| {
            let signature = handler.signature();
            (
                handler.name().to_owned(),
                Arc::new(Callable { handler, signature }),
            )
        });
        Self {
            provider_type: schema.implied_type(),
            provider: schema,
            identities: identities.collect(),
            functions: functions.collect(),
            resources,
            data_sources,
            ephemeral_resources,
            problems,
        }
    }

    pub(super) fn resource(&self, name: &str) -> Result<Arc<Kind<dyn Resource<C>>>, Diagnostics> {
        find(&self.resources, name, "resource")
    }

    pub(super) fn data_source(
        &self,
        name: &str,
    ) -> Result<Arc<Kind<dyn DataSource<C>>>, Diagnostics> {
        find(&self.data_sources, name, "data source")
    }

    pub(super) fn ephemeral(
        &self,
        name: &str,
    ) -> Result<Arc<Kind<dyn EphemeralResource<C>>>, Diagnostics> {
        find(&self.ephemeral_resources, name, "ephemeral resource")
    }
}

fn by_name<H: ?Sized>(
    kinds: impl Iterator<Item = (String, Arc<Kind<H>>)>,
    role: SchemaRole,
    problems: &mut Vec<SchemaError>,
) -> Kinds<H> {
    let mut found = Kinds::new();
    for (name, kind) in kinds {
        problems.extend(check_schema(&name, role, &kind.schema));
        if found.insert(name.clone(), kind).is_some() {
            problems.push(SchemaError {
                owner: name,
                path: crate::AttributePath::root(),
                problem: "the provider offers this name twice".to_owned(),
            });
        }
    }
    found
}

fn find<H: ?Sized>(kinds: &Kinds<H>, name: &str, what: &str) -> Result<Arc<Kind<H>>, Diagnostics> {
    kinds.get(name).cloned().ok_or_else(|| {
        let detail = format!("This provider has no {what} {name:?}.");
        Diagnostic::error("Unknown type", detail).into()
    })
}
