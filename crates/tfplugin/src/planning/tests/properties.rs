//! Whatever a user writes and changes, core accepts the plans, and a plan after apply is empty.

use proptest::prelude::*;

use super::*;
use crate::checks::{check_plan, check_result};

fn text(choices: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let chosen = proptest::sample::select(choices).prop_map(IntoValue::into_value);
    prop_oneof![1 => Just(Value::Null), 4 => chosen]
}

fn pool() -> impl Strategy<Value = Object> {
    let nodes = prop_oneof![Just(Value::Null), (1..4i64).prop_map(IntoValue::into_value)];
    let plan = proptest::sample::select(&["small", "large"][..]);
    (plan, nodes).prop_map(|(plan, nodes)| Object::new().with("plan", plan).with("nodes", nodes))
}

fn pools() -> impl Strategy<Value = Value> {
    let pools =
        proptest::collection::btree_map("[xyz]", pool(), 0..3).prop_map(IntoValue::into_value);
    prop_oneof![1 => Just(Value::Null), 4 => pools]
}

fn configuration() -> impl Strategy<Value = Fields> {
    let name = proptest::sample::select(&["a", "b"][..]);
    (
        name,
        text(&["standard", "cold"]),
        text(&["ams", "AMS", "lon"]),
        text(&["secret"]),
        pools(),
    )
        .prop_map(|(name, class, zone, key, pools)| {
            let object = Object::new()
                .with("name", name)
                .with("class", class)
                .with("zone", zone);
            fields(&bucket(), object.with("key_wo", key).with("pools", pools))
        })
}

/// What core proposes: the configuration, and the prior value where it is null and computed.
fn propose(body: &Body, config: &Fields, prior: Option<&Fields>) -> Fields {
    let mut proposed = config.clone();
    for (name, attribute) in &body.attributes {
        if attribute.computed && config[name].is_null() {
            proposed.insert(
                name.clone(),
                prior.map_or(Value::Null, |prior| prior[name].clone()),
            );
        }
    }
    for (name, nesting, body) in body.nests() {
        let peer = prior.and_then(|prior| prior.get(name));
        let value = proposed.get_mut(name).unwrap();
        for_each_object(nesting, value, [peer], &mut |element, [prior]| {
            *element = propose(body, &element.clone(), prior);
        });
    }
    proposed
}

fn planned(config: &Fields, prior: Option<&Fields>) -> Fields {
    let schema = bucket();
    let mut planned = propose(schema.body(), config, prior);
    apply_rules(schema.body(), &mut planned, config, prior, false);
    let problems = check_plan(schema.body(), &planned, config, prior, false);
    assert!(problems.is_empty(), "{problems}");
    planned
}

/// What a provider makes of a plan: something for everything unknown.
fn applied(planned: &Fields) -> Fields {
    let known = |name: &str| {
        if name == "node_ids" {
            vec!["n"].into_value()
        } else {
            "made".into_value()
        }
    };
    let fill = |fields: &Fields| -> Fields {
        let each = fields.iter().map(|(name, value)| {
            let value = if value.is_unknown() {
                known(name)
            } else {
                value.clone()
            };
            (name.clone(), value)
        });
        each.collect()
    };
    let mut state = fill(planned);
    if let Some(Value::Map(pools)) = state.get_mut("pools") {
        for pool in pools.values_mut() {
            let Value::Object(fields) = pool else {
                panic!("an object")
            };
            *fields = fill(fields);
        }
    }
    let problems = check_result(planned, &state);
    assert!(problems.is_empty(), "{problems}");
    state
}

proptest! {
    #[test]
    fn c11_g19_core_accepts_every_plan_and_the_next_one_is_empty(
        first in configuration(),
        second in configuration(),
    ) {
        let state = applied(&planned(&first, None));
        prop_assert_eq!(&planned(&first, Some(&state)), &state);
        let changed = applied(&planned(&second, Some(&state)));
        prop_assert_eq!(&planned(&second, Some(&changed)), &changed);
        prop_assert!(changed["key_wo"].is_null());
    }
}
