//! Schemas: which attributes an object has, and how each behaves in validation and plan.

mod attribute;
mod block;
mod body;
mod check;
mod identity;
mod rules;
pub mod validate;

use std::collections::BTreeMap;

pub(crate) use attribute::AttributeKind;
pub use attribute::{Attribute, Nesting};
pub use block::Block;
pub(crate) use body::Body;
pub use check::SchemaError;
pub(crate) use check::{SchemaRole, check_schema};
pub use identity::{IdentityAttribute, IdentitySchema};
pub(crate) use rules::Computation;
pub use validate::Validator;

use crate::value::Type;

/// The attributes and blocks of a provider, resource, data source or ephemeral resource.
///
/// ```
/// use tfplugin::{Attribute, Schema};
/// use tfplugin::schema::validate::{length, one_of};
///
/// let schema = Schema::new()
///     .describe("A bucket for objects.")
///     .attribute("id", Attribute::string().computed().never_null().describe("Given by the cloud."))
///     .attribute("name", Attribute::string().required().requires_replace().validate(length(3..=63)))
///     .attribute("class", Attribute::string().default("standard").validate(one_of(["standard", "cold"])))
///     .attribute("endpoint", Attribute::string().computed_from(["name", "class"]));
/// assert_eq!(schema.attributes().len(), 4);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Schema {
    version: i64,
    body: Body,
    description: String,
    deprecation: Option<String>,
}

impl Schema {
    /// A schema without attributes, version 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The version of the stored form; raise it when stored data changes its shape or meaning.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// What the object is, in Markdown.
    #[must_use]
    pub fn describe(mut self, markdown: impl Into<String>) -> Self {
        self.description = markdown.into();
        self
    }

    /// Marks the whole thing as deprecated, with what to use instead.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecation = Some(message.into());
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, attribute: Attribute) -> Self {
        self.body.attributes.insert(name.into(), attribute);
        self
    }

    /// Adds a nested block. Prefer nested attributes; blocks are for forms that users know as blocks.
    #[must_use]
    pub fn block(mut self, name: impl Into<String>, block: Block) -> Self {
        self.body.blocks.insert(name.into(), block);
        self
    }

    /// The attributes by name.
    #[must_use]
    pub fn attributes(&self) -> &BTreeMap<String, Attribute> {
        &self.body.attributes
    }

    /// The blocks by name.
    #[must_use]
    pub fn blocks(&self) -> &BTreeMap<String, Block> {
        &self.body.blocks
    }

    /// The type of an object of this schema.
    #[must_use]
    pub fn implied_type(&self) -> Type {
        self.body.implied_type()
    }

    /// The version of the stored form.
    #[must_use]
    pub fn stored_version(&self) -> i64 {
        self.version
    }

    /// The description in Markdown.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What to use instead, if deprecated.
    #[must_use]
    pub fn deprecation(&self) -> Option<&str> {
        self.deprecation.as_deref()
    }

    pub(crate) fn body(&self) -> &Body {
        &self.body
    }
}
