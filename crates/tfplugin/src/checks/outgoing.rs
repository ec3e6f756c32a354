//! States on their way out: always in a form that core accepts, whatever the resource returned.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::AttributePath;
use crate::planning::{Fields, for_each_object, strip_write_only};
use crate::schema::{Body, Nesting};
use crate::value::{Value, shape};

/// A state that conforms to its schema, and what had to be changed to make it so.
pub(crate) struct Conformed {
    pub(crate) fields: Fields,
    pub(crate) problems: Diagnostics,
}

/// Fits a state to its schema: absent attributes become null, write-only ones are removed. An attribute that does not fit
/// takes its value in `fallback` instead, or null, and is reported: core would lose the whole object over it.
pub(crate) fn conform(body: &Body, mut state: Fields, fallback: Option<&Fields>) -> Conformed {
    let mut problems = Diagnostics::new();
    let mut report = |path: &AttributePath, what: String| {
        problems.push(
            Diagnostic::bug(format!("The state cannot be stored as it is: {what}.")).at(path),
        );
    };
    let attributes = body
        .attributes
        .iter()
        .map(|(name, a)| (name, a.implied_type()));
    let blocks = body.blocks.iter().map(|(name, b)| (name, b.implied_type()));
    let mut fields = Fields::new();
    for (name, ty) in attributes.chain(blocks) {
        let path = AttributePath::from(name.as_str());
        let value = state.remove(name).unwrap_or(Value::Null);
        let shaped = shape(value, &ty, &path).unwrap_or_else(|error| {
            report(&path, error.to_string());
            let second = fallback.and_then(|fields| fields.get(name)).cloned();
            let second = second.and_then(|value| shape(value, &ty, &path).ok());
            second.unwrap_or(Value::Null)
        });
        fields.insert(name.clone(), shaped);
    }
    for extra in state.into_keys() {
        let path = AttributePath::from(extra.as_str());
        report(&path, format!("the schema has no attribute {extra:?}"));
    }
    strip_write_only(body, &mut fields);
    empty_blocks(body, &mut fields);
    Conformed { fields, problems }
}

/// A block that is not there is an empty collection, never null.
fn empty_blocks(body: &Body, fields: &mut Fields) {
    for (name, block) in &body.blocks {
        let value = fields.entry(name.clone()).or_insert(Value::Null);
        if value.is_null() {
            match block.nesting {
                Nesting::List => *value = Value::List(Vec::new()),
                Nesting::Set => *value = Value::Set(std::iter::empty().collect()),
                Nesting::Single | Nesting::Map => {}
            }
        }
        for_each_object(block.nesting, value, [], &mut |fields, []| {
            empty_blocks(&block.body, fields);
        });
    }
}
