//! Each rule, broken and kept.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use tfplugin::value::decode_json;
use tfplugin::{AttributePath, Type, Value};

use super::*;
use crate::proposed::proposed;
use crate::schema::{Attribute, Block, Body, Nesting};
use crate::wire::tfplugin6 as pb;

fn plain(ty: Type, optional: bool, computed: bool) -> Attribute {
    Attribute {
        ty,
        nested: None,
        optional,
        computed,
        write_only: false,
    }
}

fn nested(nesting: Nesting, attributes: [(&str, Attribute); 2]) -> Attribute {
    let attributes = attributes.map(|(name, attribute)| (name.to_owned(), attribute));
    let body = Body {
        attributes: attributes.into(),
        blocks: BTreeMap::new(),
    };
    let object = body.implied_type();
    let ty = match nesting {
        Nesting::List => Type::list(object),
        Nesting::Set => Type::set(object),
        Nesting::Map => Type::map(object),
        Nesting::Single | Nesting::Group => object,
    };
    Attribute {
        nested: Some((nesting, body)),
        ..plain(ty, true, false)
    }
}

fn pool(nesting: Nesting) -> Attribute {
    nested(
        nesting,
        [
            ("plan", plain(Type::String, true, false)),
            ("id", plain(Type::String, false, true)),
        ],
    )
}

/// name, id (computed), size (both), secret (write-only), pools (map), hosts (set), meta (both), block zone (list).
fn body() -> Body {
    let write_only = Attribute {
        write_only: true,
        ..plain(Type::String, true, false)
    };
    let meta = Attribute {
        computed: true,
        ..pool(Nesting::Single)
    };
    let attributes = [
        ("name", plain(Type::String, true, false)),
        ("id", plain(Type::String, false, true)),
        ("size", plain(Type::Number, true, true)),
        ("secret", write_only),
        ("pools", pool(Nesting::Map)),
        ("hosts", pool(Nesting::Set)),
        ("meta", meta),
    ];
    let zone = Block {
        nesting: Nesting::List,
        body: Body {
            attributes: [("at".to_owned(), plain(Type::String, true, false))].into(),
            blocks: BTreeMap::new(),
        },
        computed: true,
    };
    Body {
        attributes: attributes.map(|(n, a)| (n.to_owned(), a)).into(),
        blocks: [("zone".to_owned(), zone)].into(),
    }
}

/// A value of the body's type; `"?"` stands for unknown at the top level.
fn value(json: &Json) -> Value {
    let mut known = json.clone();
    let mut unknown = Vec::new();
    if let Json::Object(fields) = &mut known {
        fields.retain(|name, value| {
            let known = *value != json!("?");
            if !known {
                unknown.push(name.clone());
            }
            known
        });
        fields.entry("zone").or_insert(json!([]));
    }
    let ty = body().implied_type();
    let mut value = decode_json(&ty, &known, &AttributePath::root()).unwrap();
    if let Value::Object(fields) = &mut value {
        fields.extend(unknown.into_iter().map(|name| (name, Value::unknown())));
    }
    value
}

fn plan(prior: &Json, config: &Json, planned: &Json) -> Vec<String> {
    let (prior, config, planned) = (value(prior), value(config), value(planned));
    let broken = check_plan(&body(), &prior, &config, &planned, false);
    broken
        .iter()
        .map(|b| format!("{} {}", b.rule, b.path))
        .collect()
}

#[test]
fn c10_the_proposal_is_the_configuration_with_what_is_known_already() {
    let prior = value(&json!({
        "name": "a", "id": "1", "size": 3,
        "pools": { "x": { "plan": "p", "id": "x1" } },
        "hosts": [{ "plan": "p", "id": "h1" }, { "plan": "q", "id": "h2" }],
        "meta": { "plan": "p", "id": "m" },
    }));
    let config = value(&json!({
        "name": "b",
        "pools": { "x": { "plan": "r" }, "y": { "plan": "s" } },
        "hosts": [{ "plan": "q" }],
    }));
    let expected = value(&json!({
        "name": "b", "id": "1", "size": 3,
        "pools": { "x": { "plan": "r", "id": "x1" }, "y": { "plan": "s" } },
        "hosts": [{ "plan": "q", "id": "h2" }],
        "meta": null,
    }));
    assert_eq!(proposed(&body(), &prior, &config, false), expected);
}

#[test]
fn c11_c12_a_plan_follows_the_configuration() {
    let null = json!(null);
    let config = json!({ "name": "a" });
    let good = json!({ "name": "a", "id": "?", "size": 7 });
    assert_eq!(plan(&null, &config, &good), [""; 0]);
    let other = json!({ "name": "b" });
    assert_eq!(plan(&null, &config, &other), ["C11 name"]);
    assert_eq!(plan(&other, &config, &other), [""; 0], "as it was before");
    let more = json!({ "name": "a", "pools": {} });
    assert_eq!(plan(&null, &config, &more), ["C12 pools"]);
    let absent = check_plan(&body(), &Value::Null, &value(&config), &Value::Null, false);
    assert_eq!(absent[0].rule, Rule::C11);
}

#[test]
fn c15_c16_objects_are_those_of_the_configuration() {
    let null = json!(null);
    let config = json!({ "pools": { "x": { "plan": "p" } }, "zone": [{ "at": "here" }] });
    let good = json!({ "pools": { "x": { "plan": "p", "id": "1" } }, "zone": [{ "at": "here" }] });
    assert_eq!(plan(&null, &config, &good), [""; 0]);
    let bad = json!({ "pools": { "y": { "plan": "p" } }, "zone": [] });
    assert_eq!(plan(&null, &config, &bad), ["C15 pools", "C16 zone"]);
    let unknown = json!({ "pools": "?", "zone": "?" });
    assert_eq!(plan(&null, &config, &unknown), ["C15 pools", "C16 zone"]);
    let set = json!({ "hosts": [{ "plan": "p" }] });
    let more = json!({ "hosts": [{ "plan": "p" }, { "plan": "q" }] });
    assert_eq!(plan(&null, &set, &more), ["C15 hosts"]);
}

#[test]
fn c16_computed_blocks_are_for_cores_that_know_them() {
    let (config, planned) = (
        value(&json!({})),
        value(&json!({ "zone": [{ "at": "there" }] })),
    );
    let broken = |allowed| check_plan(&body(), &Value::Null, &config, &planned, allowed).len();
    assert_eq!((broken(false), broken(true)), (1, 0));
    let prior = planned.clone();
    assert_eq!(proposed(&body(), &prior, &config, true), prior);
}

#[test]
fn c17_write_only_values_are_not_planned() {
    let config = json!({ "secret": "x" });
    assert_eq!(plan(&json!(null), &config, &config), ["C17 secret"]);
    assert_eq!(plan(&json!(null), &config, &json!({})), [""; 0]);
}

fn path(names: &[&str]) -> pb::AttributePath {
    use pb::attribute_path::step::Selector;
    let step = |name: &&str| pb::attribute_path::Step {
        selector: Some(Selector::AttributeName((*name).to_owned())),
    };
    pb::AttributePath {
        steps: names.iter().map(step).collect(),
    }
}

#[test]
fn c18_replacing_paths_exist_and_changed() {
    let prior = value(&json!({ "name": "a", "id": "1", "size": 1 }));
    let planned = value(&json!({ "name": "b", "id": "?", "size": 1 }));
    let paths = ["name", "id", "size", "secret"].map(|name| path(&[name]));
    let needed = replaced(&body(), &prior, &planned, &paths).unwrap();
    assert_eq!(needed, ["name", "id", "secret"]);
    let nowhere = replaced(&body(), &prior, &planned, &[path(&["meta", "plan"])]);
    assert_eq!(nowhere.unwrap_err().rule, Rule::C18);
}

fn result(planned: &Json, new: &Json) -> Vec<String> {
    let broken = check_result(&value(planned), &value(new));
    broken
        .iter()
        .map(|b| format!("{} {}", b.rule, b.path))
        .collect()
}

#[test]
fn c21_c22_what_was_planned_is_what_there_is() {
    let planned = json!({ "name": "a", "id": "?", "pools": { "x": { "plan": "p" } } });
    let good = json!({ "name": "a", "id": "1", "pools": { "x": { "plan": "p" } } });
    assert_eq!(result(&planned, &good), [""; 0]);
    let other = json!({ "name": "b", "id": "?", "pools": { "x": { "plan": "q" } } });
    let broken = ["C21 name", "C21 pools[\"x\"].plan", "C22 id"];
    assert_eq!(result(&planned, &other), broken);
    let fewer = json!({ "name": "a", "id": "1", "pools": {} });
    assert_eq!(result(&planned, &fewer), ["C21 pools"]);
}

#[test]
fn c21_promises_about_unknown_values_bind() {
    let mut planned = value(&json!({}));
    if let Value::Object(fields) = &mut planned {
        fields.insert("id".to_owned(), Value::unknown_not_null());
    }
    let broken = |new: Json| check_result(&planned, &value(&new)).len();
    assert_eq!(broken(json!({ "id": null })), 1);
    assert_eq!(broken(json!({ "id": "1" })), 0);
}

#[test]
fn c21_sets_with_unknown_parts_may_shrink() {
    let mut element = value(&json!({ "hosts": [{ "plan": "p" }, { "plan": "p", "id": "2" }] }));
    if let Value::Object(fields) = &mut element
        && let Some(Value::Set(hosts)) = fields.get("hosts").cloned()
    {
        let unknown = |host: Value| match host {
            Value::Object(mut fields) if fields["id"].is_null() => {
                fields.insert("id".to_owned(), Value::unknown());
                Value::Object(fields)
            }
            host => host,
        };
        fields.insert(
            "hosts".to_owned(),
            Value::Set(hosts.into_iter().map(unknown).collect()),
        );
    }
    let broken = |new: Json| check_result(&element, &value(&new)).len();
    assert_eq!(broken(json!({ "hosts": [{ "plan": "p", "id": "2" }] })), 0);
    assert_eq!(broken(json!({ "hosts": [{ "plan": "p", "id": "3" }] })), 1);
}

#[test]
fn c09_second_plans_agree() {
    let agreement = |first: Json, second: Json| check_agreement(&value(&first), &value(&second));
    assert_eq!(agreement(json!({ "id": "?" }), json!({ "id": "1" })), []);
    assert_eq!(agreement(json!({ "id": "?" }), json!({ "id": "?" })), []);
    let broken = agreement(json!({ "id": "1" }), json!({ "id": "2" }));
    assert_eq!(broken[0].to_string(), "C9: id is another value than before");
    assert_eq!(
        agreement(json!({ "id": "1" }), json!({ "id": "?" })).len(),
        1
    );
}
