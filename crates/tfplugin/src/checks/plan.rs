//! Plans: what core refuses as "Provider produced invalid plan".

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::AttributePath;
use crate::planning::Fields;
use crate::schema::{Attribute, Body, Nesting};
use crate::value::Value;

/// Everything in a plan that does not follow from configuration and prior state.
pub(crate) fn check_plan(
    body: &Body,
    planned: &Fields,
    config: &Fields,
    prior: Option<&Fields>,
    computed_blocks: bool,
) -> Diagnostics {
    let mut check = PlanCheck {
        problems: Diagnostics::new(),
        computed_blocks,
    };
    check.body(body, planned, config, prior, &AttributePath::root());
    check.problems
}

struct PlanCheck {
    problems: Diagnostics,
    computed_blocks: bool,
}

impl PlanCheck {
    fn refuse(&mut self, path: &AttributePath, what: &str) {
        self.problems
            .push(Diagnostic::bug(format!("The value for {path} {what}.")).at(path));
    }

    fn body(
        &mut self,
        body: &Body,
        planned: &Fields,
        config: &Fields,
        prior: Option<&Fields>,
        path: &AttributePath,
    ) {
        for (name, attribute) in &body.attributes {
            let planned = planned.get(name).unwrap_or(&Value::Null);
            let config = config.get(name).unwrap_or(&Value::Null);
            let prior = prior
                .and_then(|prior| prior.get(name))
                .unwrap_or(&Value::Null);
            self.attribute(attribute, planned, config, prior, &path.attribute(name));
        }
        for (name, block) in &body.blocks {
            if self.computed_blocks && block.left_to_provider(config.get(name)) {
                continue;
            }
            let planned = planned.get(name).unwrap_or(&Value::Null);
            let config = config.get(name).unwrap_or(&Value::Null);
            let prior = prior
                .and_then(|prior| prior.get(name))
                .unwrap_or(&Value::Null);
            self.objects(
                block.nesting,
                &block.body,
                planned,
                config,
                prior,
                &path.attribute(name),
            );
        }
    }

    fn attribute(
        &mut self,
        attribute: &Attribute,
        planned: &Value,
        config: &Value,
        prior: &Value,
        path: &AttributePath,
    ) {
        if attribute.write_only {
            if !planned.is_null() {
                self.refuse(path, "keeps the value of a write-only attribute");
            }
            return;
        }
        let unchanged = planned == prior && !prior.is_null() && !config.is_null();
        if planned == config || unchanged {
            return;
        }
        if config.is_null() {
            if !attribute.computed {
                self.refuse(path, "sets an attribute that the configuration leaves unset and that is not computed");
            }
            return;
        }
        match attribute.nest() {
            Some((nesting, body)) => self.objects(nesting, body, planned, config, prior, path),
            None => self.refuse(path, "is neither the configured nor the prior value"),
        }
    }

    fn objects(
        &mut self,
        nesting: Nesting,
        body: &Body,
        planned: &Value,
        config: &Value,
        prior: &Value,
        path: &AttributePath,
    ) {
        match (nesting, planned, config) {
            (_, planned, config) if planned == config => {}
            (Nesting::Single, Value::Object(planned), Value::Object(config)) => {
                self.body(body, planned, config, fields_of(prior), path);
            }
            (Nesting::List, Value::List(planned), Value::List(config))
                if planned.len() == config.len() =>
            {
                for (index, (planned, config)) in planned.iter().zip(config).enumerate() {
                    let prior = match prior {
                        Value::List(items) => items.get(index),
                        _ => None,
                    };
                    self.element(body, planned, config, prior, &path.index(index));
                }
            }
            (Nesting::Map, Value::Map(planned), Value::Map(config))
                if planned.keys().eq(config.keys()) =>
            {
                for ((key, planned), config) in planned.iter().zip(config.values()) {
                    let prior = match prior {
                        Value::Map(items) => items.get(key),
                        _ => None,
                    };
                    self.element(body, planned, config, prior, &path.key(key));
                }
            }
            // Elements of sets cannot be told apart; core compares their number only.
            (Nesting::Set, Value::Set(planned), Value::Set(config))
                if planned.len() == config.len() => {}
            _ => self.refuse(path, "has other elements than the configuration"),
        }
    }

    fn element(
        &mut self,
        body: &Body,
        planned: &Value,
        config: &Value,
        prior: Option<&Value>,
        path: &AttributePath,
    ) {
        match (planned, config) {
            (Value::Object(planned), Value::Object(config)) => {
                self.body(body, planned, config, prior.and_then(fields_of), path);
            }
            (planned, config) if planned == config => {}
            _ => self.refuse(path, "is not the configured element"),
        }
    }
}

fn fields_of(value: &Value) -> Option<&Fields> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}
