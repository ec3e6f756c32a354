//! States after apply: what core refuses as "Provider produced inconsistent result after apply".

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::AttributePath;
use crate::planning::Fields;
use crate::value::Value;

/// Every value that was known in the plan and is another one now, and everything that is unknown still.
pub(crate) fn check_result(planned: &Fields, result: &Fields) -> Diagnostics {
    let mut problems = Diagnostics::new();
    compare_fields(planned, result, &AttributePath::root(), &mut problems);
    problems
}

fn refuse(path: &AttributePath, what: &str, problems: &mut Diagnostics) {
    let detail = format!("After apply, {path} {what}. The object exists and is kept in the state.");
    problems.push(Diagnostic::bug(detail).at(path));
}

fn compare_fields(
    planned: &Fields,
    result: &Fields,
    path: &AttributePath,
    problems: &mut Diagnostics,
) {
    for (name, planned) in planned {
        let result = result.get(name).unwrap_or(&Value::Null);
        compare(planned, result, &path.attribute(name), problems);
    }
}

fn compare(planned: &Value, result: &Value, path: &AttributePath, problems: &mut Diagnostics) {
    match (planned, result) {
        (_, Value::Unknown(_)) => refuse(path, "is not known still", problems),
        (Value::Unknown(promises), Value::Null) if promises.not_null => {
            refuse(path, "is null, though the plan promised a value", problems);
        }
        (Value::Unknown(_), result) if !result.is_wholly_known() => {
            refuse(path, "is not wholly known still", problems);
        }
        (Value::Unknown(_), _) => {}
        (Value::Object(planned), Value::Object(result)) => {
            compare_fields(planned, result, path, problems);
        }
        (Value::List(planned), Value::List(result))
        | (Value::Tuple(planned), Value::Tuple(result))
            if planned.len() == result.len() =>
        {
            for (index, (planned, result)) in planned.iter().zip(result).enumerate() {
                compare(planned, result, &path.index(index), problems);
            }
        }
        (Value::Map(planned), Value::Map(result)) if planned.keys().eq(result.keys()) => {
            for ((key, planned), result) in planned.iter().zip(result.values()) {
                compare(planned, result, &path.key(key), problems);
            }
        }
        // Elements that were unknown in part may have merged; core accepts fewer, never more.
        (Value::Set(planned), Value::Set(result))
            if !planned.iter().all(Value::is_wholly_known) && result.len() <= planned.len() => {}
        (Value::Dynamic(_, planned), Value::Dynamic(_, result)) => {
            compare(planned, result, path, problems);
        }
        (planned, result) if planned == result => {}
        _ => refuse(path, "is not what was planned", problems),
    }
}
