//! Resource identity: the attributes that name a remote object.

use std::collections::BTreeMap;

use crate::value::Type;

/// The attributes that name a remote object for its whole life. By default their values are those of the state's
/// attributes of the same names.
#[derive(Clone, Debug, Default)]
pub struct IdentitySchema {
    pub(crate) version: i64,
    pub(crate) attributes: BTreeMap<String, IdentityAttribute>,
}

/// One attribute of an identity.
#[derive(Clone, Debug)]
pub struct IdentityAttribute {
    pub(crate) ty: Type,
    pub(crate) required_for_import: bool,
    pub(crate) description: String,
}

impl IdentitySchema {
    /// An identity without attributes, version 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The version of the stored form.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// An attribute that an import must give.
    #[must_use]
    pub fn required(
        self,
        name: impl Into<String>,
        ty: Type,
        description: impl Into<String>,
    ) -> Self {
        self.attribute(name, ty, true, description)
    }

    /// An attribute that an import may give.
    #[must_use]
    pub fn optional(
        self,
        name: impl Into<String>,
        ty: Type,
        description: impl Into<String>,
    ) -> Self {
        self.attribute(name, ty, false, description)
    }

    fn attribute(
        mut self,
        name: impl Into<String>,
        ty: Type,
        required_for_import: bool,
        description: impl Into<String>,
    ) -> Self {
        let attribute = IdentityAttribute {
            ty,
            required_for_import,
            description: description.into(),
        };
        self.attributes.insert(name.into(), attribute);
        self
    }

    /// The type of an identity.
    #[must_use]
    pub fn implied_type(&self) -> Type {
        Type::object(
            self.attributes
                .iter()
                .map(|(n, a)| (n.as_str(), a.ty.clone())),
        )
    }
}
