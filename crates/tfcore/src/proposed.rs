//! The state that core proposes: the configuration, merged with what is known already (rule C10).

use std::collections::BTreeMap;

use tfplugin::Value;
use tfplugin::value::Set;

use crate::schema::{Attribute, Block, Body, Nesting};
use crate::values::{at, child, objects, of};

/// Merges a configured object with the prior one.
pub(crate) fn proposed(body: &Body, prior: &Value, config: &Value, computed_blocks: bool) -> Value {
    let Value::Object(_) = config else {
        return config.clone();
    };
    let attributes = body.attributes.iter().map(|(name, attribute)| {
        let value = of_attribute(attribute, child(prior, name), child(config, name));
        (name.clone(), value)
    });
    let blocks = body.blocks.iter().map(|(name, block)| {
        let (prior, config) = (child(prior, name), child(config, name));
        let value = if computed_blocks && left_out(block, config) && !prior.is_null() {
            prior.clone()
        } else {
            nested(block.nesting, &block.body, prior, config)
        };
        (name.clone(), value)
    });
    Value::Object(attributes.chain(blocks).collect())
}

/// True for a computed block that the configuration does not hold.
pub(crate) fn left_out(block: &Block, config: &Value) -> bool {
    let empty = match config {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        Value::Set(items) => items.is_empty(),
        Value::Map(items) => items.is_empty(),
        _ => false,
    };
    block.computed && empty
}

fn of_attribute(attribute: &Attribute, prior: &Value, config: &Value) -> Value {
    if attribute.computed && config.is_null() {
        return if was_configured(attribute, prior) {
            Value::Null
        } else {
            prior.clone()
        };
    }
    match &attribute.nested {
        Some((nesting, body)) => nested(*nesting, body, prior, config),
        None => config.clone(),
    }
}

/// True if an optional nested attribute holds what only a configuration can have put there: it was removed since.
fn was_configured(attribute: &Attribute, prior: &Value) -> bool {
    match &attribute.nested {
        Some((nesting, body)) if attribute.optional => holds_configured(*nesting, body, prior),
        _ => false,
    }
}

fn holds_configured(nesting: Nesting, body: &Body, value: &Value) -> bool {
    objects(nesting, value).into_iter().any(|object| {
        body.attributes.iter().any(|(name, attribute)| {
            let held = child(object, name);
            let own = !attribute.computed && !held.is_null();
            let deeper = attribute.nested.as_ref();
            own || deeper.is_some_and(|(nesting, body)| holds_configured(*nesting, body, held))
        })
    })
}

fn nested(nesting: Nesting, body: &Body, prior: &Value, config: &Value) -> Value {
    let merged = |prior: &Value, config: &Value| proposed(body, prior, config, false);
    match (nesting, config) {
        (Nesting::Single | Nesting::Group, config) => merged(prior, config),
        (Nesting::List, Value::List(items)) => {
            let each = items.iter().enumerate();
            Value::List(each.map(|(i, item)| merged(at(prior, i), item)).collect())
        }
        (Nesting::Map, Value::Map(items)) => {
            let each = items.iter();
            let each = each.map(|(key, item)| (key.clone(), merged(of(prior, key), item)));
            Value::Map(each.collect::<BTreeMap<_, _>>())
        }
        (Nesting::Set, Value::Set(items)) => {
            let mut unmatched = objects(Nesting::Set, prior);
            let each = items.iter().map(|item| {
                let found = unmatched
                    .iter()
                    .position(|prior| may_come_from(body, prior, item));
                let prior = found.map(|position| unmatched.swap_remove(position));
                merged(prior.unwrap_or(&Value::Null), item)
            });
            Value::Set(each.collect::<Set>())
        }
        (_, config) => config.clone(),
    }
}

/// True if a prior element is what a configured one would have become: they differ only in what the provider fills in.
fn may_come_from(body: &Body, prior: &Value, config: &Value) -> bool {
    let attributes = body.attributes.iter().all(|(name, attribute)| {
        let (prior, config) = (child(prior, name), child(config, name));
        if config.is_null() {
            return attribute.computed || prior.is_null();
        }
        match &attribute.nested {
            Some((nesting, body)) => {
                let (before, now) = (objects(*nesting, prior), objects(*nesting, config));
                let pairs = || before.iter().zip(&now);
                before.len() == now.len() && pairs().all(|(p, c)| may_come_from(body, p, c))
            }
            None => prior == config,
        }
    });
    let blocks = body.blocks.iter();
    attributes
        && blocks.into_iter().all(|(name, block)| {
            let before = objects(block.nesting, child(prior, name));
            let now = objects(block.nesting, child(config, name));
            let mut pairs = before.iter().zip(&now);
            before.len() == now.len() && pairs.all(|(p, c)| may_come_from(&block.body, p, c))
        })
}
