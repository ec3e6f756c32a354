//! The schema that every policy and every entity is held against.

use std::sync::LazyLock;

use cedar_policy::{EntityId, EntityTypeName, EntityUid, Schema, SchemaFragment};

const TEXT: &str = include_str!("slipway.cedarschema");

/// The schema as it is written.
#[must_use]
pub const fn schema_text() -> &'static str {
    TEXT
}

/// The schema in Cedar's JSON form.
#[must_use]
pub fn schema_json() -> serde_json::Value {
    SchemaFragment::from_cedarschema_str(TEXT)
        .ok()
        .and_then(|(fragment, _)| fragment.to_json_value().ok())
        .unwrap_or_default()
}

/// The parsed schema. It is part of the program, so an error in it is the program's.
#[expect(
    clippy::expect_used,
    reason = "the text is compiled in, and a test parses it"
)]
pub(crate) static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    Schema::from_cedarschema_str(TEXT)
        .expect("the schema that is compiled in")
        .0
});

/// A kind of entity of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Account,
    Action,
    Channel,
    Environment,
    Origin,
    Platform,
    Pool,
    Role,
    ServiceAccount,
    Team,
    Type,
    User,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Account => "Slipway::AccountKind",
            Self::Action => "Slipway::Action",
            Self::Channel => "Slipway::Channel",
            Self::Environment => "Slipway::Environment",
            Self::Origin => "Slipway::Origin",
            Self::Platform => "Slipway::Platform",
            Self::Pool => "Slipway::Pool",
            Self::Role => "Slipway::Role",
            Self::ServiceAccount => "Slipway::ServiceAccount",
            Self::Team => "Slipway::Team",
            Self::Type => "Slipway::Type",
            Self::User => "Slipway::User",
        }
    }

    /// The entity of this kind with this id.
    pub(crate) fn uid(self, id: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(self.type_name(), EntityId::new(id))
    }

    /// Whether an entity is of this kind.
    pub(crate) fn is_of(self, uid: &EntityUid) -> bool {
        uid.type_name() == TYPE_NAMES.get(self)
    }

    fn type_name(self) -> EntityTypeName {
        TYPE_NAMES.get(self).clone()
    }
}

/// The names, parsed once.
struct TypeNames(std::collections::BTreeMap<Kind, EntityTypeName>);

impl TypeNames {
    #[expect(
        clippy::expect_used,
        reason = "the names are compiled in, and a test parses them"
    )]
    fn get(&self, kind: Kind) -> &EntityTypeName {
        self.0.get(&kind).expect("every kind has its name")
    }
}

#[expect(
    clippy::expect_used,
    reason = "the names are compiled in, and a test parses them"
)]
static TYPE_NAMES: LazyLock<TypeNames> = LazyLock::new(|| {
    use Kind::{
        Account, Action, Channel, Environment, Origin, Platform, Pool, Role, ServiceAccount, Team,
        Type, User,
    };
    TypeNames(
        [
            Account,
            Action,
            Channel,
            Environment,
            Origin,
            Platform,
            Pool,
            Role,
            ServiceAccount,
            Team,
            Type,
            User,
        ]
        .into_iter()
        .map(|kind| (kind, kind.name().parse().expect("a name of the schema")))
        .collect(),
    )
});
