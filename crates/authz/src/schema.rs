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
pub fn schema_json() -> &'static serde_json::Value {
    &JSON
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

#[expect(
    clippy::expect_used,
    reason = "the text is compiled in, and a test writes it as JSON"
)]
static JSON: LazyLock<serde_json::Value> = LazyLock::new(|| {
    let (fragment, _) =
        SchemaFragment::from_cedarschema_str(TEXT).expect("the schema that is compiled in");
    let json = fragment.to_json_value();
    json.expect("what can be read can be written")
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
    /// Every kind with its name in the schema, in the order of the kinds.
    const NAMES: [(Self, &str); Self::User as usize + 1] = [
        (Self::Account, "Slipway::AccountKind"),
        (Self::Action, "Slipway::Action"),
        (Self::Channel, "Slipway::Channel"),
        (Self::Environment, "Slipway::Environment"),
        (Self::Origin, "Slipway::Origin"),
        (Self::Platform, "Slipway::Platform"),
        (Self::Pool, "Slipway::Pool"),
        (Self::Role, "Slipway::Role"),
        (Self::ServiceAccount, "Slipway::ServiceAccount"),
        (Self::Team, "Slipway::Team"),
        (Self::Type, "Slipway::Type"),
        (Self::User, "Slipway::User"),
    ];

    /// The entity of this kind with this id.
    pub(crate) fn uid(self, id: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(self.type_name().clone(), EntityId::new(id))
    }

    /// Whether an entity is of this kind.
    pub(crate) fn is_of(self, uid: &EntityUid) -> bool {
        uid.type_name() == self.type_name()
    }

    fn type_name(self) -> &'static EntityTypeName {
        &TYPE_NAMES[self as usize]
    }
}

/// The names, parsed once.
#[expect(
    clippy::expect_used,
    reason = "the names are compiled in, and a test parses them"
)]
static TYPE_NAMES: LazyLock<[EntityTypeName; Kind::NAMES.len()]> =
    LazyLock::new(|| Kind::NAMES.map(|(_, name)| name.parse().expect("a name of the schema")));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_finds_its_name_and_the_schema_knows_it() {
        let action = (Kind::Action, "Slipway::Action");
        let known: Vec<String> = SCHEMA.entity_types().map(ToString::to_string).collect();
        for (place, (kind, name)) in Kind::NAMES.into_iter().enumerate() {
            assert_eq!(kind as usize, place, "{name} stands out of order");
            assert_eq!(kind.type_name().to_string(), name);
            // Actions are no entities that a schema declares by type.
            assert!(
                (kind, name) == action || known.iter().any(|known| known == name),
                "{name}"
            );
        }
    }

    #[test]
    fn the_schema_is_written_as_json_with_everything_in_it() {
        let schema = &schema_json()["Slipway"];
        assert!(schema["entityTypes"]["Environment"].is_object(), "{schema}");
        assert!(
            schema["actions"]["CreateEnvironment"].is_object(),
            "{schema}"
        );
    }
}
