//! Which of the paths that a provider names do need a new object.

use tfplugin::Value;

use super::{Broken, Rule};
use crate::diagnostic::path as shown;
use crate::schema::Body;
use crate::wire::tfplugin6 as pb;
use crate::wire::tfplugin6::attribute_path::step::Selector;

/// The paths whose change needs a new object: those that changed, are unknown, or are write-only.
pub(crate) fn replaced(
    body: &Body,
    prior: &Value,
    planned: &Value,
    paths: &[pb::AttributePath],
) -> Result<Vec<String>, Broken> {
    let mut found = Vec::new();
    for path in paths {
        let (before, after) = (follow(prior, path), follow(planned, path));
        if before.is_none() && after.is_none() {
            let what = "needs a replacement and is nowhere in the object";
            return Err(Broken::new(Rule::C18, shown(path), what));
        }
        let known = after.is_none_or(Value::is_wholly_known);
        let same = before.unwrap_or(&Value::Null) == after.unwrap_or(&Value::Null);
        if !known || !same || is_write_only(body, path) {
            found.push(shown(path));
        }
    }
    Ok(found)
}

fn selectors(path: &pb::AttributePath) -> impl Iterator<Item = &Selector> {
    path.steps.iter().filter_map(|step| step.selector.as_ref())
}

fn follow<'a>(mut value: &'a Value, path: &pb::AttributePath) -> Option<&'a Value> {
    for selector in selectors(path) {
        value = match (selector, value) {
            (Selector::AttributeName(name), Value::Object(fields)) => fields.get(name)?,
            (Selector::ElementKeyString(key), Value::Map(items)) => items.get(key)?,
            (Selector::ElementKeyInt(index), Value::List(items) | Value::Tuple(items)) => {
                items.get(usize::try_from(*index).ok()?)?
            }
            _ => return None,
        };
    }
    Some(value)
}

fn is_write_only(mut body: &Body, path: &pb::AttributePath) -> bool {
    for selector in selectors(path) {
        let Selector::AttributeName(name) = selector else {
            continue;
        };
        if let Some(attribute) = body.attributes.get(name) {
            match &attribute.nested {
                Some((_, nested)) => body = nested,
                None => return attribute.write_only,
            }
        } else if let Some(block) = body.blocks.get(name) {
            body = &block.body;
        } else {
            return false;
        }
    }
    false
}
