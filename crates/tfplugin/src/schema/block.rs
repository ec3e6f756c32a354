//! Nested blocks.

use super::{Attribute, Body, Nesting};
use crate::value::{Type, Value};

/// A nested block: `name { ... }` in the configuration.
#[derive(Clone, Debug)]
pub struct Block {
    pub(crate) nesting: Nesting,
    pub(crate) body: Body,
    pub(crate) min_items: i64,
    pub(crate) max_items: i64,
    pub(crate) computed: bool,
    pub(crate) description: String,
    pub(crate) deprecation: Option<String>,
}

impl Block {
    fn new<N: Into<String>>(
        nesting: Nesting,
        attributes: impl IntoIterator<Item = (N, Attribute)>,
    ) -> Self {
        Self {
            nesting,
            body: Body::of_attributes(attributes),
            min_items: 0,
            max_items: 0,
            computed: false,
            description: String::new(),
            deprecation: None,
        }
    }

    /// At most one block of this name.
    #[must_use]
    pub fn single<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::new(Nesting::Single, attributes)
    }

    /// Any number of blocks, in order.
    #[must_use]
    pub fn list<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::new(Nesting::List, attributes)
    }

    /// Any number of blocks, without order.
    #[must_use]
    pub fn set<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::new(Nesting::Set, attributes)
    }

    /// At least this many; for a single block 1 makes it required.
    #[must_use]
    pub fn at_least(mut self, count: i64) -> Self {
        self.min_items = count;
        if self.nesting == Nesting::Single {
            self.max_items = count;
        }
        self
    }

    /// At most this many; 0 means no limit.
    #[must_use]
    pub fn at_most(mut self, count: i64) -> Self {
        self.max_items = count;
        self
    }

    /// The provider may fill it in where the configuration holds none. Only Terraform 1.16 and newer accepts that; others
    /// see the blocks of the configuration and nothing more.
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.computed = true;
        self
    }

    /// What it means, in Markdown.
    #[must_use]
    pub fn describe(mut self, markdown: impl Into<String>) -> Self {
        self.description = markdown.into();
        self
    }

    /// Marks it as deprecated, with what to use instead.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecation = Some(message.into());
        self
    }

    /// A block inside this one.
    #[must_use]
    pub fn block(mut self, name: impl Into<String>, block: Block) -> Self {
        self.body.blocks.insert(name.into(), block);
        self
    }

    /// True if the provider decides what stands here, since the configuration holds nothing.
    pub(crate) fn left_to_provider(&self, config: Option<&Value>) -> bool {
        let empty = match config {
            None | Some(Value::Null) => true,
            Some(Value::List(items)) => items.is_empty(),
            Some(Value::Set(items)) => items.is_empty(),
            Some(_) => false,
        };
        self.computed && empty
    }

    /// The type of its values.
    #[must_use]
    pub fn implied_type(&self) -> Type {
        self.nesting.of(self.body.implied_type())
    }
}
