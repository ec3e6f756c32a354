//! Paths that need a new object: what core refuses if they lead nowhere.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::{AttributePath, Step};
use crate::planning::Fields;
use crate::value::Value;

/// Every path that leads nowhere, in the prior as in the planned state.
pub(crate) fn check_replacement(
    paths: &[AttributePath],
    prior: &Fields,
    planned: &Fields,
) -> Diagnostics {
    let nowhere = paths.iter().filter(|path| {
        let found = |fields| follow(fields, path).is_some();
        !found(prior) && !found(planned)
    });
    let refuse = |path: &AttributePath| {
        let detail = format!("{path} is to force a replacement, and there is no such value.");
        Diagnostic::bug(detail).at(path)
    };
    nowhere.map(refuse).collect()
}

fn follow<'a>(fields: &'a Fields, path: &AttributePath) -> Option<&'a Value> {
    let (Step::Attribute(name), rest) = path.steps().split_first()? else {
        return None;
    };
    rest.iter()
        .try_fold(fields.get(name)?, |value, step| match (step, value) {
            (Step::Attribute(name), Value::Object(fields)) => fields.get(name),
            (Step::Key(key), Value::Map(items)) => items.get(key),
            (Step::Index(index), Value::List(items) | Value::Tuple(items)) => {
                items.get(usize::try_from(*index).ok()?)
            }
            // The path ends here on the wire.
            (Step::SetElement, value) => Some(value),
            _ => None,
        })
}
