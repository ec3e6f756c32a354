//! Schemas as core reads them from a provider.

use std::collections::{BTreeMap, HashMap};

use tfplugin::Type;

use crate::rules::{Broken, Rule};
use crate::wire::tfplugin6 as pb;
use crate::wire::tfplugin6::schema as pbs;

/// How objects are held inside a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nesting {
    Single,
    Group,
    List,
    Set,
    Map,
}

/// Attributes and blocks by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    pub(crate) attributes: BTreeMap<String, Attribute>,
    pub(crate) blocks: BTreeMap<String, Block>,
}

#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub(crate) ty: Type,
    pub(crate) nested: Option<(Nesting, Body)>,
    pub(crate) optional: bool,
    pub(crate) computed: bool,
    pub(crate) write_only: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) nesting: Nesting,
    pub(crate) body: Body,
    pub(crate) computed: bool,
}

/// A schema with its type.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    pub(crate) version: i64,
    pub(crate) body: Body,
    pub(crate) ty: Type,
}

/// The attributes that name an object.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) ty: Type,
}

/// Everything a provider offers.
#[derive(Clone, Debug)]
pub(crate) struct Schemas {
    pub(crate) provider: Schema,
    pub(crate) resources: BTreeMap<String, Schema>,
    pub(crate) identities: BTreeMap<String, Identity>,
    pub(crate) data_sources: BTreeMap<String, Schema>,
    pub(crate) lists: BTreeMap<String, Schema>,
    pub(crate) actions: BTreeMap<String, Schema>,
    pub(crate) capabilities: pb::ServerCapabilities,
}

impl Schemas {
    pub(crate) fn read(
        sent: pb::get_provider_schema::Response,
        identities: pb::get_resource_identity_schemas::Response,
    ) -> Result<Self, Broken> {
        let Some(provider) = sent.provider else {
            return Err(Broken::new(Rule::C6, "", "there is no provider schema"));
        };
        let actions = sent.action_schemas.into_iter();
        let actions = actions.map(|(name, action)| (name, action.schema.unwrap_or_default()));
        let identities = identities.identity_schemas.into_iter();
        let identities = identities.map(|(name, schema)| Ok((name, Identity::read(&schema)?)));
        Ok(Self {
            provider: Schema::read(provider)?,
            resources: each(sent.resource_schemas)?,
            identities: identities.collect::<Result<_, Broken>>()?,
            data_sources: each(sent.data_source_schemas)?,
            lists: each(sent.list_resource_schemas)?,
            actions: each(actions.collect())?,
            capabilities: sent.server_capabilities.unwrap_or_default(),
        })
    }
}

fn each(schemas: HashMap<String, pb::Schema>) -> Result<BTreeMap<String, Schema>, Broken> {
    let each = schemas.into_iter();
    each.map(|(name, schema)| Ok((name, Schema::read(schema)?)))
        .collect()
}

impl Identity {
    fn read(sent: &pb::ResourceIdentitySchema) -> Result<Self, Broken> {
        let attributes = sent.identity_attributes.iter();
        let attributes = attributes.map(|a| Ok((a.name.clone(), ty(&a.name, &a.r#type)?)));
        let attributes = attributes.collect::<Result<Vec<_>, Broken>>()?;
        Ok(Self {
            ty: Type::object(attributes),
        })
    }
}

impl Schema {
    fn read(sent: pb::Schema) -> Result<Self, Broken> {
        let body = Body::of_block(&sent.block.unwrap_or_default())?;
        Ok(Self {
            version: sent.version,
            ty: body.implied_type(),
            body,
        })
    }
}

impl Body {
    fn of_block(sent: &pbs::Block) -> Result<Self, Broken> {
        let blocks = sent.block_types.iter();
        let blocks = blocks.map(|block| Ok((block.type_name.clone(), Block::read(block)?)));
        Ok(Self {
            attributes: attributes(&sent.attributes)?,
            blocks: blocks.collect::<Result<_, Broken>>()?,
        })
    }

    /// The type of an object with this body.
    pub(crate) fn implied_type(&self) -> Type {
        let attributes = self
            .attributes
            .iter()
            .map(|(n, a)| (n.as_str(), a.ty.clone()));
        let blocks = self.blocks.iter();
        let blocks = blocks.map(|(n, b)| (n.as_str(), b.nesting.of(b.body.implied_type())));
        Type::object(attributes.chain(blocks))
    }
}

fn attributes(sent: &[pbs::Attribute]) -> Result<BTreeMap<String, Attribute>, Broken> {
    let each = sent
        .iter()
        .map(|a| Ok((a.name.clone(), Attribute::read(a)?)));
    each.collect()
}

impl Attribute {
    fn read(sent: &pbs::Attribute) -> Result<Self, Broken> {
        let nested = sent
            .nested_type
            .as_ref()
            .map(|object| -> Result<_, Broken> {
                let body = Body {
                    attributes: attributes(&object.attributes)?,
                    blocks: BTreeMap::new(),
                };
                let nesting = match object.nesting() {
                    pbs::object::NestingMode::List => Nesting::List,
                    pbs::object::NestingMode::Set => Nesting::Set,
                    pbs::object::NestingMode::Map => Nesting::Map,
                    pbs::object::NestingMode::Single | pbs::object::NestingMode::Invalid => {
                        Nesting::Single
                    }
                };
                Ok((nesting, body))
            });
        let nested = nested.transpose()?;
        if nested.is_some() != sent.r#type.is_empty() {
            let what = "needs a type or nested attributes, and not both";
            return Err(Broken::new(Rule::C2, &sent.name, what));
        }
        Ok(Self {
            ty: match &nested {
                Some((nesting, body)) => nesting.of(body.implied_type()),
                None => ty(&sent.name, &sent.r#type)?,
            },
            nested,
            optional: sent.optional,
            computed: sent.computed,
            write_only: sent.write_only,
        })
    }
}

impl Block {
    fn read(sent: &pbs::NestedBlock) -> Result<Self, Broken> {
        let block = sent.block.clone().unwrap_or_default();
        let nesting = match sent.nesting() {
            pbs::nested_block::NestingMode::List => Nesting::List,
            pbs::nested_block::NestingMode::Set => Nesting::Set,
            pbs::nested_block::NestingMode::Map => Nesting::Map,
            pbs::nested_block::NestingMode::Group => Nesting::Group,
            pbs::nested_block::NestingMode::Single | pbs::nested_block::NestingMode::Invalid => {
                Nesting::Single
            }
        };
        Ok(Self {
            nesting,
            body: Body::of_block(&block)?,
            computed: block.computed,
        })
    }
}

impl Nesting {
    /// The type of values that hold objects this way.
    fn of(self, object: Type) -> Type {
        match self {
            Self::Single | Self::Group => object,
            Self::List => Type::list(object),
            Self::Set => Type::set(object),
            Self::Map => Type::map(object),
        }
    }
}

fn ty(name: &str, bytes: &[u8]) -> Result<Type, Broken> {
    let json = serde_json::from_slice(bytes).ok();
    let ty = json.and_then(|json| Type::from_json(&json).ok());
    ty.ok_or_else(|| Broken::new(Rule::C2, name, "has a type that nobody can read"))
}
