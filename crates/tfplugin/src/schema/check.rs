//! What core demands of a schema. Core refuses every command if one schema is wrong, so we look first.

use super::{Attribute, AttributeKind, Block, Body, Computation, Nesting, Schema};
use crate::path::AttributePath;
use crate::value::{Type, shape};

/// A schema that core would refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema of {owner}, {path}: {problem}")]
pub struct SchemaError {
    /// The resource, data source, provider it belongs to.
    pub owner: String,
    /// The attribute or block.
    pub path: AttributePath,
    /// What is wrong with it.
    pub problem: String,
}

/// What a schema is for: some things are allowed in some places only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SchemaRole {
    Provider,
    Resource,
    DataSource,
    Ephemeral,
    List,
    Action,
}

impl SchemaRole {
    /// True if nothing comes back, so that nothing can be computed.
    pub(crate) fn arguments_only(self) -> bool {
        matches!(self, Self::List | Self::Action)
    }

    /// What a user calls it.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Resource => "resource",
            Self::DataSource => "data source",
            Self::Ephemeral => "ephemeral resource",
            Self::List => "list resource",
            Self::Action => "action",
        }
    }
}

/// Names that the language itself uses inside a block of this kind.
fn reserved(role: SchemaRole) -> &'static [&'static str] {
    match role {
        SchemaRole::Provider => &["alias", "version"],
        // Their arguments stand in a block of their own.
        SchemaRole::List | SchemaRole::Action => &[],
        SchemaRole::Resource | SchemaRole::DataSource | SchemaRole::Ephemeral => &[
            "count",
            "for_each",
            "depends_on",
            "provider",
            "lifecycle",
            "provisioner",
            "connection",
        ],
    }
}

/// All problems of a schema.
pub(crate) fn check_schema(owner: &str, role: SchemaRole, schema: &Schema) -> Vec<SchemaError> {
    let mut checker = Checker {
        owner,
        role,
        problems: Vec::new(),
    };
    let top = schema.body();
    for name in top.attributes.keys().chain(top.blocks.keys()) {
        if reserved(role).contains(&name.as_str()) {
            checker.report(
                &AttributePath::from(name.as_str()),
                "the name is reserved by the language",
            );
        }
    }
    checker.body(&AttributePath::root(), top, false);
    checker.problems
}

struct Checker<'a> {
    owner: &'a str,
    role: SchemaRole,
    problems: Vec<SchemaError>,
}

impl Checker<'_> {
    fn report(&mut self, path: &AttributePath, problem: impl Into<String>) {
        self.problems.push(SchemaError {
            owner: self.owner.to_owned(),
            path: path.clone(),
            problem: problem.into(),
        });
    }

    fn body(&mut self, path: &AttributePath, body: &Body, in_set: bool) {
        for name in body
            .blocks
            .keys()
            .filter(|n| body.attributes.contains_key(*n))
        {
            self.report(&path.attribute(name), "is both an attribute and a block");
        }
        for (name, attribute) in &body.attributes {
            let path = path.attribute(name);
            self.name(&path, name);
            self.sources(&path, attribute, body);
            self.attribute(&path, attribute, in_set);
        }
        for (name, block) in &body.blocks {
            let path = path.attribute(name);
            self.name(&path, name);
            self.block(&path, block, in_set);
        }
    }

    fn sources(&mut self, path: &AttributePath, attribute: &Attribute, body: &Body) {
        let Computation::From(sources) = &attribute.computation else {
            return;
        };
        for source in sources.iter().filter(|s| !body.attributes.contains_key(*s)) {
            self.report(
                path,
                format!("computed from {source:?}, which is not beside it"),
            );
        }
    }

    fn name(&mut self, path: &AttributePath, name: &str) {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if name.is_empty() || !name.bytes().all(plain) {
            self.report(path, "names consist of a-z, 0-9 and _");
        }
    }

    fn attribute(&mut self, path: &AttributePath, attribute: &Attribute, in_set: bool) {
        match (attribute.required, attribute.optional, attribute.computed) {
            (true, false, false) | (false, true, _) | (false, false, true) => {}
            (true, ..) => self.report(path, "required excludes optional, computed and a default"),
            (false, false, false) => {
                self.report(path, "is neither required, optional nor computed");
            }
        }
        if self.role.arguments_only() && attribute.computed && attribute.default.is_none() {
            self.report(path, "is computed where there are arguments only");
        }
        if attribute.write_only {
            self.write_only(path, attribute, in_set);
        }
        if let Some(default) = &attribute.default
            && let Err(error) = shape(default.clone(), &attribute.implied_type(), path)
        {
            self.report(path, format!("the default is not of its type: {error}"));
        }
        match &attribute.kind {
            AttributeKind::Plain(ty) => self.plain_type(path, ty, in_set),
            AttributeKind::Nested(nesting, body) => {
                self.body(path, body, in_set || *nesting == Nesting::Set);
            }
        }
    }

    fn write_only(&mut self, path: &AttributePath, attribute: &Attribute, in_set: bool) {
        if attribute.computed {
            self.report(path, "write-only excludes computed and a default");
        }
        if in_set {
            self.report(path, "a set cannot hold write-only attributes");
        }
        if !matches!(self.role, SchemaRole::Resource | SchemaRole::Action) {
            self.report(
                path,
                "only managed resources and actions have write-only attributes",
            );
        }
    }

    fn plain_type(&mut self, path: &AttributePath, ty: &Type, in_set: bool) {
        fn set_of_dynamic(ty: &Type) -> bool {
            match ty {
                Type::Set(element) => element.has_dynamic(),
                Type::List(element) | Type::Map(element) => set_of_dynamic(element),
                Type::Tuple(elements) => elements.iter().any(set_of_dynamic),
                Type::Object(attributes) => attributes.values().any(set_of_dynamic),
                Type::Bool | Type::Number | Type::String | Type::Dynamic => false,
            }
        }
        if set_of_dynamic(ty) || (in_set && ty.has_dynamic()) {
            self.report(path, "a set cannot hold values of any type");
        }
    }

    fn block(&mut self, path: &AttributePath, block: &Block, in_set: bool) {
        let (min, max) = (block.min_items, block.max_items);
        let fits = match block.nesting {
            Nesting::Single => min == max && (0..=1).contains(&min),
            Nesting::List | Nesting::Set | Nesting::Map => {
                min >= 0 && max >= 0 && (max == 0 || min <= max)
            }
        };
        if !fits {
            self.report(
                path,
                format!("at least {min} and at most {max} cannot both hold"),
            );
        }
        let nested = path.steps().len() > 1;
        if block.computed && (nested || self.role != SchemaRole::Resource) {
            self.report(
                path,
                "only the outermost blocks of managed resources can be computed",
            );
        }
        self.body(path, &block.body, in_set || block.nesting == Nesting::Set);
        if block.nesting == Nesting::List && block.body.implied_type().has_dynamic() {
            self.report(path, "blocks cannot hold values of any type");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(role: SchemaRole, schema: &Schema) -> Vec<String> {
        let found = check_schema("x_thing", role, schema);
        found
            .into_iter()
            .map(|e| format!("{}: {}", e.path, e.problem))
            .collect()
    }

    fn of_attribute(attribute: Attribute) -> Vec<String> {
        problems(
            SchemaRole::Resource,
            &Schema::new().attribute("a", attribute),
        )
    }

    #[test]
    fn c01_who_sets_an_attribute_is_said_once() {
        for good in [
            Attribute::string().required(),
            Attribute::string().optional(),
            Attribute::string().computed(),
            Attribute::string().optional().computed(),
            Attribute::string().default("x"),
        ] {
            assert!(of_attribute(good).is_empty());
        }
        for bad in [
            Attribute::string(),
            Attribute::string().required().computed(),
            Attribute::string().required().optional(),
            Attribute::string().required().default("x"),
        ] {
            assert_eq!(of_attribute(bad).len(), 1);
        }
    }

    #[test]
    fn c03_names_are_plain_unreserved_and_unique() {
        let attribute = || Attribute::string().optional();
        let names = |role, name: &str| problems(role, &Schema::new().attribute(name, attribute()));
        assert_eq!(names(SchemaRole::Resource, "Upper").len(), 1);
        assert_eq!(names(SchemaRole::Resource, "count").len(), 1);
        assert_eq!(names(SchemaRole::Provider, "alias").len(), 1);
        assert!(names(SchemaRole::Provider, "count").is_empty());
        let both = Schema::new()
            .attribute("a", attribute())
            .block("a", Block::list([("b", attribute())]));
        assert_eq!(problems(SchemaRole::Resource, &both).len(), 1);
    }

    #[test]
    fn c04_limits_and_sets() {
        let inner = || [("b", Attribute::string().optional())];
        let block = |block| problems(SchemaRole::Resource, &Schema::new().block("a", block));
        assert!(block(Block::list(inner()).at_least(1).at_most(3)).is_empty());
        assert_eq!(block(Block::list(inner()).at_least(3).at_most(1)).len(), 1);
        assert_eq!(block(Block::single(inner()).at_most(2)).len(), 1);
        let secret = Attribute::string().optional().write_only();
        assert_eq!(
            of_attribute(Attribute::set_of([("b", secret)]).optional()).len(),
            1
        );
        assert_eq!(
            of_attribute(Attribute::set(Type::Dynamic).optional()).len(),
            1
        );
    }

    #[test]
    fn c05_write_only_is_for_arguments_of_resources() {
        let secret = || Attribute::string().optional().write_only();
        assert!(of_attribute(secret()).is_empty());
        assert_eq!(of_attribute(secret().computed()).len(), 1);
        let schema = Schema::new().attribute("a", secret());
        assert_eq!(problems(SchemaRole::DataSource, &schema).len(), 1);
    }

    #[test]
    fn names_in_rules_exist_and_defaults_fit() {
        assert_eq!(
            of_attribute(Attribute::string().computed_from(["typo"])).len(),
            1
        );
        assert_eq!(of_attribute(Attribute::number().default("one")).len(), 1);
    }
}
