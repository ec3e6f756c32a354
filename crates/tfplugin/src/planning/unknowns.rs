//! Which computed attributes are `(known after apply)`.

use super::Fields;
use super::pairs::for_each_object;
use crate::schema::{Attribute, Body, Computation};
use crate::value::Value;

/// Marks computed attributes unknown: all that have no value yet in new objects; in objects that existed before, only
/// those whose declared sources change. Called only if the plan differs from the prior state somewhere.
pub(crate) fn mark(
    body: &Body,
    planned: &mut Fields,
    config: Option<&Fields>,
    prior: Option<&Fields>,
) {
    let Some(prior) = prior else {
        mark_new(body, planned, config);
        mark_nested(body, planned, config, None);
        return;
    };
    mark_nested(body, planned, config, Some(prior));
    // A source may be computed itself, so go on until nothing more becomes unknown.
    loop {
        let affected: Vec<&str> = body
            .attributes
            .iter()
            .filter(|(name, attribute)| {
                provider_decides(name, attribute, config)
                    && planned.get(*name).is_none_or(|value| !value.is_unknown())
                    && sources_change(&attribute.computation, planned, prior)
            })
            .map(|(name, _)| name.as_str())
            .collect();
        if affected.is_empty() {
            return;
        }
        for name in affected {
            planned.insert(name.to_owned(), body.attributes[name].unknown_value());
        }
    }
}

/// Marks what depends on top-level attributes that changed since `before`, as far as it is as it was then.
pub(crate) fn mark_followers(body: &Body, planned: &mut Fields, before: &Fields, config: &Fields) {
    if planned == before {
        return;
    }
    loop {
        let followers = body.attributes.iter().filter(|(name, attribute)| {
            provider_decides(name, attribute, Some(config))
                && planned.get(*name) == before.get(*name)
                && planned.get(*name).is_none_or(|value| !value.is_unknown())
                && sources_change(&attribute.computation, planned, before)
        });
        let followers: Vec<&str> = followers.map(|(name, _)| name.as_str()).collect();
        if followers.is_empty() {
            return;
        }
        for name in followers {
            planned.insert(name.to_owned(), body.attributes[name].unknown_value());
        }
    }
}

/// Marks the computed blocks that the configuration leaves out.
pub(crate) fn mark_blocks(body: &Body, planned: &mut Fields, config: &Fields) {
    for (name, block) in &body.blocks {
        if block.left_to_provider(config.get(name)) {
            planned.insert(name.clone(), Value::unknown());
        }
    }
}

fn mark_new(body: &Body, planned: &mut Fields, config: Option<&Fields>) {
    for (name, attribute) in &body.attributes {
        let valueless = planned.get(name).is_none_or(Value::is_null);
        if valueless && provider_decides(name, attribute, config) {
            planned.insert(name.clone(), attribute.unknown_value());
        }
    }
}

fn mark_nested(body: &Body, planned: &mut Fields, config: Option<&Fields>, prior: Option<&Fields>) {
    for (name, nesting, body) in body.nests() {
        let peers = [
            config.and_then(|config| config.get(name)),
            prior.and_then(|prior| prior.get(name)),
        ];
        if let Some(value) = planned.get_mut(name) {
            for_each_object(nesting, value, peers, &mut |fields, [config, prior]| {
                mark(body, fields, config, prior);
            });
        }
    }
}

fn provider_decides(name: &str, attribute: &Attribute, config: Option<&Fields>) -> bool {
    let unset = config.is_none_or(|config| config.get(name).is_none_or(Value::is_null));
    attribute.computed && attribute.default.is_none() && unset
}

fn sources_change(computation: &Computation, planned: &Fields, prior: &Fields) -> bool {
    match computation {
        Computation::Keep => false,
        Computation::OnEveryChange => true,
        Computation::From(sources) => sources.iter().any(|s| planned.get(s) != prior.get(s)),
    }
}
