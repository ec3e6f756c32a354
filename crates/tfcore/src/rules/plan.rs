//! Plans: what core refuses as "Provider produced invalid plan".

use tfplugin::Value;

use super::{Broken, Rule};
use crate::proposed::left_out;
use crate::schema::{Attribute, Block, Body, Nesting};
use crate::values::{at, child, joined, of};

/// Everything in a plan that does not follow from configuration and prior state.
pub(crate) fn check_plan(
    body: &Body,
    prior: &Value,
    config: &Value,
    planned: &Value,
    computed_blocks: bool,
) -> Vec<Broken> {
    let mut check = Check {
        broken: Vec::new(),
        computed_blocks,
    };
    if planned.is_null() {
        check.report(
            Rule::C11,
            "",
            "is planned to be absent, though it is configured",
        );
    } else {
        check.body(body, prior, config, planned, "");
    }
    check.broken
}

struct Check {
    broken: Vec<Broken>,
    computed_blocks: bool,
}

impl Check {
    fn report(&mut self, rule: Rule, path: &str, what: &str) {
        self.broken.push(Broken::new(rule, path, what));
    }

    fn body(&mut self, body: &Body, prior: &Value, config: &Value, planned: &Value, path: &str) {
        for (name, attribute) in &body.attributes {
            let (prior, config) = (child(prior, name), child(config, name));
            let path = joined(path, name);
            self.attribute(attribute, prior, config, child(planned, name), &path);
        }
        for (name, block) in &body.blocks {
            let (prior, config) = (child(prior, name), child(config, name));
            let path = joined(path, name);
            self.block(block, prior, config, child(planned, name), &path);
        }
    }

    fn attribute(
        &mut self,
        attribute: &Attribute,
        prior: &Value,
        config: &Value,
        planned: &Value,
        path: &str,
    ) {
        if attribute.write_only {
            if !planned.is_null() {
                self.report(Rule::C17, path, "keeps a write-only value in the plan");
            }
            return;
        }
        let as_before = planned == prior && !prior.is_null() && !config.is_null();
        if planned == config || as_before || (attribute.computed && config.is_null()) {
            return;
        }
        if config.is_null() {
            let what = "is planned with a value, though it is neither configured nor computed";
            return self.report(Rule::C12, path, what);
        }
        match &attribute.nested {
            Some((nesting, body)) => {
                self.objects(Rule::C15, *nesting, body, prior, config, planned, path);
            }
            None => self.report(
                Rule::C11,
                path,
                "is neither the configured nor the prior value",
            ),
        }
    }

    fn block(&mut self, block: &Block, prior: &Value, config: &Value, planned: &Value, path: &str) {
        if self.computed_blocks && left_out(block, config) {
            return;
        }
        if planned.is_unknown() && !config.is_unknown() {
            return self.report(
                Rule::C16,
                path,
                "is unknown, though its blocks are configured",
            );
        }
        let (nesting, body) = (block.nesting, &block.body);
        if planned.is_null() && !matches!(nesting, Nesting::Single | Nesting::Group) {
            return self.report(Rule::C16, path, "is null instead of empty");
        }
        self.objects(Rule::C16, nesting, body, prior, config, planned, path);
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "three values and where they stand"
    )]
    fn objects(
        &mut self,
        rule: Rule,
        nesting: Nesting,
        body: &Body,
        prior: &Value,
        config: &Value,
        planned: &Value,
        path: &str,
    ) {
        match (nesting, config, planned) {
            (_, config, planned) if config == planned || config.is_unknown() => {}
            (Nesting::Single | Nesting::Group, Value::Object(_), Value::Object(_)) => {
                self.body(body, prior, config, planned, path);
            }
            (Nesting::List, Value::List(configured), Value::List(items))
                if configured.len() == items.len() =>
            {
                for (index, (config, planned)) in configured.iter().zip(items).enumerate() {
                    let path = format!("{path}[{index}]");
                    self.element(rule, body, at(prior, index), config, planned, &path);
                }
            }
            (Nesting::Map, Value::Map(configured), Value::Map(items))
                if configured.keys().eq(items.keys()) =>
            {
                for ((key, config), planned) in configured.iter().zip(items.values()) {
                    let path = format!("{path}[{key:?}]");
                    self.element(rule, body, of(prior, key), config, planned, &path);
                }
            }
            // Elements of a set cannot be told apart: only their number counts.
            (Nesting::Set, Value::Set(configured), Value::Set(items))
                if items.len() <= configured.len() => {}
            _ => self.report(rule, path, "holds other objects than the configuration"),
        }
    }

    fn element(
        &mut self,
        rule: Rule,
        body: &Body,
        prior: &Value,
        config: &Value,
        planned: &Value,
        path: &str,
    ) {
        match (config, planned) {
            (Value::Object(_), Value::Object(_)) => self.body(body, prior, config, planned, path),
            (config, planned) if config == planned || config.is_unknown() => {}
            _ => self.report(rule, path, "is not the configured object"),
        }
    }
}
