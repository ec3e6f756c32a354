//! The rules, one by one, and whatever a user writes.

mod properties;

use super::*;
use crate::path::AttributePath;
use crate::schema::{Attribute, Schema};
use crate::value::{IntoValue, Object, Type, shape};

fn fields(schema: &Schema, object: Object) -> Fields {
    let shaped = shape(
        object.into_value(),
        &schema.implied_type(),
        &AttributePath::root(),
    );
    let Value::Object(fields) = shaped.unwrap() else {
        panic!("an object")
    };
    fields
}

/// Core's proposal for flat attributes: the configuration, or the prior value where it is null.
fn plan(schema: &Schema, config: Object, prior: Option<Object>) -> (Fields, Vec<String>) {
    let config = fields(schema, config);
    let prior = prior.map(|prior| fields(schema, prior));
    let mut planned = config.clone();
    for (name, attribute) in schema.attributes() {
        if attribute.computed && config[name].is_null() {
            let kept = prior
                .as_ref()
                .map_or(Value::Null, |prior| prior[name].clone());
            planned.insert(name.clone(), kept);
        }
    }
    apply_rules(schema.body(), &mut planned, &config, prior.as_ref(), false);
    let replace = prior.map_or(Vec::new(), |prior| {
        replacements(schema.body(), &prior, &planned, &AttributePath::root())
    });
    (planned, replace.iter().map(ToString::to_string).collect())
}

fn bucket() -> Schema {
    let pool = [
        ("plan", Attribute::string().required().requires_replace()),
        ("nodes", Attribute::number().default(3)),
        (
            "node_ids",
            Attribute::list(Type::String).computed_from(["nodes"]),
        ),
    ];
    Schema::new()
        .attribute("id", Attribute::string().computed().never_null())
        .attribute("name", Attribute::string().required().requires_replace())
        .attribute("class", Attribute::string().default("standard"))
        .attribute("endpoint", Attribute::string().computed_from(["class"]))
        .attribute("page", Attribute::string().computed_from(["endpoint"]))
        .attribute("etag", Attribute::string().computed_on_every_change())
        .attribute("key_wo", Attribute::string().optional().write_only())
        .attribute("pools", Attribute::map_of(pool).optional())
        .attribute(
            "zone",
            Attribute::string().optional().same_when(|prior, planned| {
                let lower = |value: &Value| value.as_str().map(str::to_lowercase);
                lower(prior) == lower(planned)
            }),
        )
}

fn prior() -> Object {
    Object::new()
        .with("id", "1")
        .with("name", "acme")
        .with("class", "standard")
        .with("endpoint", "e")
        .with("page", "p")
        .with("etag", "t")
        .with("zone", "Ams")
}

#[test]
fn c13_everything_computed_is_unknown_on_create() {
    let config = Object::new().with("name", "acme").with("key_wo", "secret");
    let (planned, _) = plan(&bucket(), config, None);
    assert_eq!(planned["id"], Value::unknown_not_null());
    assert_eq!(planned["endpoint"], Value::unknown());
    assert_eq!(planned["class"], "standard".into_value());
    assert_eq!(planned["pools"], Value::Null);
}

#[test]
fn c17_write_only_values_are_not_planned() {
    let config = Object::new().with("name", "acme").with("key_wo", "secret");
    assert_eq!(plan(&bucket(), config, None).0["key_wo"], Value::Null);
}

#[test]
fn g10_nothing_is_unknown_when_nothing_changes() {
    let config = Object::new()
        .with("name", "acme")
        .with("zone", "ams")
        .with("key_wo", "other");
    let (planned, replace) = plan(&bucket(), config, Some(prior()));
    assert_eq!(planned, fields(&bucket(), prior()));
    assert!(replace.is_empty());
}

#[test]
fn g10_only_what_depends_on_the_change_is_unknown() {
    let config = Object::new()
        .with("name", "acme")
        .with("class", "cold")
        .with("zone", "ams");
    let (planned, replace) = plan(&bucket(), config, Some(prior()));
    for name in ["endpoint", "page", "etag"] {
        assert_eq!(planned[name], Value::unknown(), "{name}");
    }
    assert_eq!(planned["id"], "1".into_value());
    assert_eq!(planned["zone"], "Ams".into_value());
    assert!(replace.is_empty());
    let config = Object::new().with("name", "acme").with("zone", "lon");
    assert_eq!(
        plan(&bucket(), config, Some(prior())).0["endpoint"],
        "e".into_value()
    );
}

#[test]
fn g13_the_prior_text_stays_if_it_means_the_same() {
    let config = Object::new().with("name", "acme").with("zone", "AMS");
    let (planned, _) = plan(&bucket(), config, Some(prior()));
    assert_eq!(planned["zone"], "Ams".into_value());
}

fn pools(pools: &[(&str, Object)]) -> Object {
    let pools: BTreeMap<&str, Object> = pools.iter().cloned().collect();
    Object::new().with("name", "acme").with("pools", pools)
}

#[test]
fn defaults_and_unknowns_reach_into_nested_objects() {
    let schema = bucket();
    let config = pools(&[("memory", Object::new().with("plan", "m"))]);
    let (planned, _) = plan(&schema, config, None);
    let expected = Object::new()
        .with("plan", "m")
        .with("nodes", 3)
        .with("node_ids", Value::unknown());
    assert_eq!(
        planned["pools"],
        Value::Map([("memory".to_owned(), expected.into_value())].into())
    );
}

#[test]
fn c18_replacement_names_the_deepest_changed_path() {
    let schema = bucket();
    let pool = |plan: &str| {
        Object::new()
            .with("plan", plan)
            .with("nodes", 3)
            .with("node_ids", vec!["a"])
    };
    let before = pools(&[("memory", pool("m"))]);
    let added = pools(&[("memory", pool("m")), ("spot", pool("s"))]);
    assert!(plan(&schema, added, Some(before.clone())).1.is_empty());
    let changed = pools(&[("memory", pool("l"))]).with("name", "other");
    assert_eq!(
        plan(&schema, changed, Some(before)).1,
        ["name", r#"pools["memory"].plan"#]
    );
}

#[test]
fn sources_beside_a_nested_attribute_decide() {
    let schema = bucket();
    let pool = |nodes: i64| Object::new().with("plan", "m").with("nodes", nodes);
    let before = pools(&[("memory", pool(3).with("node_ids", vec!["a"]))]);
    let (config, prior) = (pools(&[("memory", pool(4))]), Some(before));
    let (planned, _) = plan(&schema, config, prior);
    let Value::Map(planned) = &planned["pools"] else {
        panic!("a map")
    };
    let Value::Object(memory) = &planned["memory"] else {
        panic!("an object")
    };
    assert_eq!(memory["node_ids"], Value::unknown());
}

#[test]
fn g12_what_depends_on_a_change_of_the_hook_is_unknown_too() {
    let schema = bucket();
    let config = fields(&schema, Object::new().with("name", "acme"));
    let ruled = fields(&schema, prior());
    let mut planned = ruled.clone();
    follow_hook(schema.body(), &mut planned, &ruled, &config);
    assert_eq!(planned, ruled);
    planned.insert("endpoint".to_owned(), "resolved by the hook".into_value());
    follow_hook(schema.body(), &mut planned, &ruled, &config);
    assert_eq!(planned["page"], Value::unknown());
    assert_eq!(planned["endpoint"], "resolved by the hook".into_value());
    assert_eq!(planned["id"], "1".into_value());
}
