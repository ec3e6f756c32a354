//! What an object of a schema consists of.

use std::collections::BTreeMap;

use super::{Attribute, Block, Nesting};
use crate::value::Type;

/// Attributes and blocks by name: of a schema, of a block, or of the objects of a nested attribute.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    pub(crate) attributes: BTreeMap<String, Attribute>,
    pub(crate) blocks: BTreeMap<String, Block>,
}

impl Body {
    /// A body without blocks.
    pub(crate) fn of_attributes<N: Into<String>>(
        attributes: impl IntoIterator<Item = (N, Attribute)>,
    ) -> Self {
        let attributes = attributes.into_iter().map(|(n, a)| (n.into(), a)).collect();
        let blocks = BTreeMap::new();
        Self { attributes, blocks }
    }

    /// The type of an object with this body.
    pub(crate) fn implied_type(&self) -> Type {
        let attributes = self
            .attributes
            .iter()
            .map(|(n, a)| (n.as_str(), a.implied_type()));
        let blocks = self
            .blocks
            .iter()
            .map(|(n, b)| (n.as_str(), b.implied_type()));
        Type::object(attributes.chain(blocks))
    }

    /// Everything in it that holds objects with a body of their own.
    pub(crate) fn nests(&self) -> impl Iterator<Item = (&str, Nesting, &Body)> {
        let attributes = self.attributes.iter().filter_map(|(name, attribute)| {
            let (nesting, body) = attribute.nest()?;
            Some((name.as_str(), nesting, body))
        });
        let blocks = self.blocks.iter();
        attributes.chain(blocks.map(|(name, block)| (name.as_str(), block.nesting, &block.body)))
    }
}
