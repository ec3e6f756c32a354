//! An object as a state file holds it.

use serde_json::Value as Json;

/// One object of a state.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    pub(crate) type_name: String,
    pub(crate) version: i64,
    pub(crate) attributes: Json,
    pub(crate) private: Vec<u8>,
    pub(crate) identity: Option<Json>,
    pub(crate) tainted: bool,
}

impl Instance {
    /// An object as an older provider stored it, for the way of an upgrade.
    #[must_use]
    pub fn stored(type_name: impl Into<String>, version: i64, attributes: Json) -> Self {
        Self {
            type_name: type_name.into(),
            version,
            attributes,
            private: Vec::new(),
            identity: None,
            tainted: false,
        }
    }

    /// The type of the object.
    #[must_use]
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// All attributes.
    #[must_use]
    pub fn attributes(&self) -> &Json {
        &self.attributes
    }

    /// One attribute; null if there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &Json {
        &self.attributes[name]
    }

    /// The provider's private data.
    #[must_use]
    pub fn private(&self) -> &[u8] {
        &self.private
    }

    /// The identity, if the type has one.
    #[must_use]
    pub fn identity(&self) -> Option<&Json> {
        self.identity.as_ref()
    }

    /// True if a create did not end well: the next plan replaces the object.
    #[must_use]
    pub fn is_tainted(&self) -> bool {
        self.tainted
    }

    /// The object as `terraform taint` leaves it.
    #[must_use]
    pub fn tainted(mut self) -> Self {
        self.tainted = true;
        self
    }
}
