use std::collections::BTreeMap;

use super::outgoing::Conformed;
use super::*;
use crate::path::AttributePath;
use crate::planning::Fields;
use crate::schema::validate::{integer, one_of};
use crate::schema::{Attribute, Block, Schema};
use crate::value::{IntoValue, Object, Type, Value, shape};

fn schema() -> Schema {
    let pool = [
        (
            "plan",
            Attribute::string()
                .required()
                .validate(one_of(["small", "large"])),
        ),
        (
            "nodes",
            Attribute::number().optional().validate(integer(1..=9)),
        ),
        ("ip", Attribute::string().computed()),
        ("key_wo", Attribute::string().optional().write_only()),
    ];
    let rule = [("port", Attribute::number().required())];
    Schema::new()
        .attribute("id", Attribute::string().computed())
        .attribute("name", Attribute::string().required())
        .attribute("note", Attribute::string().optional())
        .attribute("tags", Attribute::set(Type::String).optional())
        .attribute("pools", Attribute::map_of(pool).optional())
        .block("rule", Block::list(rule))
}

fn fields(object: Object) -> Fields {
    let shaped = shape(
        object.into_value(),
        &schema().implied_type(),
        &AttributePath::root(),
    );
    let Value::Object(fields) = shaped.unwrap() else {
        panic!("an object")
    };
    fields
}

fn with_pool(pool: Object) -> Object {
    let pools: BTreeMap<&str, Object> = [("a", pool)].into();
    Object::new().with("name", "acme").with("pools", pools)
}

fn places(problems: &crate::Diagnostics) -> Vec<String> {
    problems
        .iter()
        .map(|p| p.path.as_ref().unwrap().to_string())
        .collect()
}

#[test]
fn c07_unknown_values_are_never_refused() {
    let pool = Object::new()
        .with("plan", Value::unknown())
        .with("nodes", Value::unknown());
    let config = with_pool(pool).with("note", Value::unknown());
    assert!(check_config(schema().body(), &fields(config)).is_empty());
    let config = Object::new()
        .with("name", Value::unknown())
        .with("pools", Value::unknown());
    assert!(check_config(schema().body(), &fields(config)).is_empty());
}

#[test]
fn c08_refuses_at_every_level_what_core_lets_through() {
    let pool = Object::new().with("ip", "1.2.3.4").with("nodes", 12);
    let config = with_pool(pool).with("id", "mine");
    let problems = check_config(schema().body(), &fields(config));
    let mut expected = [
        "id",
        r#"pools["a"].ip"#,
        r#"pools["a"].plan"#,
        r#"pools["a"].nodes"#,
    ];
    let mut found = places(&problems);
    found.sort();
    expected.sort_unstable();
    assert_eq!(found, expected);
    let null_element = Value::Map([("a".to_owned(), Value::Null)].into());
    let config = Object::new()
        .with("name", "acme")
        .with("pools", null_element);
    assert_eq!(
        places(&check_config(schema().body(), &fields(config))),
        [r#"pools["a"]"#]
    );
}

#[test]
fn c46_write_only_needs_a_core_that_knows_it() {
    let config = with_pool(Object::new().with("plan", "small").with("key_wo", "secret"));
    let problems = check_write_only_allowed(schema().body(), &fields(config));
    assert_eq!(places(&problems), [r#"pools["a"].key_wo"#]);
    assert!(!problems.to_string().contains("secret"));
}

fn plan_problems(planned: Object, config: Object, prior: Option<Object>) -> Vec<String> {
    let prior = prior.map(fields);
    places(&check_plan(
        schema().body(),
        &fields(planned),
        &fields(config),
        prior.as_ref(),
        false,
    ))
}

#[test]
fn c11_plans_what_is_configured_or_what_was_before() {
    let named = |name: &str| Object::new().with("name", name);
    assert!(plan_problems(named("a"), named("a"), Some(named("b"))).is_empty());
    assert!(plan_problems(named("b"), named("a"), Some(named("b"))).is_empty());
    assert_eq!(
        plan_problems(named("c"), named("a"), Some(named("b"))),
        ["name"]
    );
    assert_eq!(plan_problems(named("c"), named("a"), None), ["name"]);
}

#[test]
fn c12_c13_only_computed_attributes_may_be_filled_in() {
    let config = Object::new().with("name", "a");
    assert!(plan_problems(config.clone().with("id", "1"), config.clone(), None).is_empty());
    assert!(
        plan_problems(
            config.clone().with("id", Value::unknown()),
            config.clone(),
            None
        )
        .is_empty()
    );
    assert_eq!(
        plan_problems(config.clone().with("note", "x"), config, None),
        ["note"]
    );
}

#[test]
fn c15_elements_are_those_of_the_configuration() {
    let config = with_pool(Object::new().with("plan", "small"));
    let filled = with_pool(
        Object::new()
            .with("plan", "small")
            .with("ip", Value::unknown()),
    );
    assert!(plan_problems(filled, config.clone(), None).is_empty());
    let changed = with_pool(Object::new().with("plan", "large"));
    assert_eq!(
        plan_problems(changed, config.clone(), None),
        [r#"pools["a"].plan"#]
    );
    let gone = Object::new().with("name", "acme");
    assert_eq!(plan_problems(gone, config.clone(), None), ["pools"]);
    let kept = with_pool(Object::new().with("plan", "small").with("key_wo", "secret"));
    assert_eq!(plan_problems(kept, config, None), [r#"pools["a"].key_wo"#]);
}

#[test]
fn c21_c22_known_values_stay_and_unknown_ones_become_known() {
    let planned = Object::new()
        .with("name", "a")
        .with("id", Value::unknown())
        .with("note", Value::Null);
    let result = |object: Object| places(&check_result(&fields(planned.clone()), &fields(object)));
    assert!(result(Object::new().with("name", "a").with("id", "1")).is_empty());
    assert_eq!(
        result(
            Object::new()
                .with("name", "a")
                .with("id", "1")
                .with("note", "")
        ),
        ["note"]
    );
    assert_eq!(
        result(Object::new().with("name", "A").with("id", Value::unknown())),
        ["id", "name"]
    );
    let promised = fields(Object::new().with("id", Value::unknown_not_null()));
    assert_eq!(
        places(&check_result(&promised, &fields(Object::new()))),
        ["id"]
    );
}

#[test]
fn c24_a_state_that_does_not_fit_degrades_and_is_not_lost() {
    let pool = Object::new().with("plan", "small").with("key_wo", "secret");
    let state = with_pool(pool)
        .with("id", "1")
        .with("tags", "not a set")
        .with("typo", 1);
    let planned = fields(Object::new().with("tags", vec!["a"]));
    let Conformed {
        fields: kept,
        problems,
    } = conform(schema().body(), state.into_fields(), Some(&planned));
    assert_eq!(places(&problems), ["tags", "typo"]);
    assert_eq!(kept["id"], "1".into_value());
    assert_eq!(kept["tags"], planned["tags"]);
    assert_eq!(kept["rule"], Value::List(Vec::new()));
    let expected = fields(with_pool(Object::new().with("plan", "small")));
    assert_eq!(kept["pools"], expected["pools"]);
    assert!(crate::value::encode_msgpack(&schema().implied_type(), &Value::Object(kept)).is_ok());
}

#[test]
fn g05_a_secret_is_not_quoted() {
    let check = |attribute: Attribute| {
        let schema = Schema::new().attribute("a", attribute.optional().validate(one_of(["x"])));
        let config = Fields::from([("a".to_owned(), "canary\n\"s".into_value())]);
        check_config(schema.body(), &config).to_string()
    };
    assert!(check(Attribute::string()).contains("canary"));
    for secret in [
        Attribute::string().sensitive(),
        Attribute::string().write_only(),
    ] {
        let text = check(secret);
        assert!(
            !text.contains("canary") && text.contains("(sensitive value)"),
            "{text}"
        );
    }
}
