//! New states, and second plans: what was known stays, what was not becomes known.

use tfplugin::Value;
use tfplugin::value::{Refinements, Set};

use super::{Broken, Rule};
use crate::values::joined;

/// What core refuses as "Provider produced inconsistent result after apply".
pub(crate) fn check_result(planned: &Value, result: &Value) -> Vec<Broken> {
    let mut broken = Vec::new();
    compare(Rule::C21, planned, result, "", &mut broken);
    unknowns(result, "", &mut broken);
    broken
}

/// What core refuses as "Provider produced inconsistent final plan".
pub(crate) fn check_agreement(first: &Value, second: &Value) -> Vec<Broken> {
    let mut broken = Vec::new();
    compare(Rule::C9, first, second, "", &mut broken);
    broken
}

fn compare(rule: Rule, before: &Value, after: &Value, path: &str, broken: &mut Vec<Broken>) {
    let mut report = |what: &str| broken.push(Broken::new(rule, path, what));
    match (before, after) {
        (Value::Unknown(promises), after) => {
            if let Some(what) = promise_broken(promises, after) {
                report(what);
            }
        }
        (Value::Object(before), Value::Object(after)) => {
            for (name, before) in before {
                let after = after.get(name).unwrap_or(&Value::Null);
                compare(rule, before, after, &joined(path, name), broken);
            }
        }
        (Value::List(before), Value::List(after)) | (Value::Tuple(before), Value::Tuple(after))
            if before.len() == after.len() =>
        {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                compare(rule, before, after, &format!("{path}[{index}]"), broken);
            }
        }
        (Value::Map(before), Value::Map(after)) if before.keys().eq(after.keys()) => {
            for ((key, before), after) in before.iter().zip(after.values()) {
                compare(rule, before, after, &format!("{path}[{key:?}]"), broken);
            }
        }
        (Value::Set(before), Value::Set(after)) => {
            if !sets_compatible(before, after) {
                report("holds other elements than before");
            }
        }
        (Value::Dynamic(_, before), Value::Dynamic(_, after)) => {
            compare(rule, before, after, path, broken);
        }
        (before, after) if before == after => {}
        (_, Value::Unknown(_)) => report("was known and is unknown now"),
        (Value::Null, _) => report("was null and has a value now"),
        (_, Value::Null) => report("had a value and is null now"),
        _ => report("is another value than before"),
    }
}

/// Elements that were unknown in part may have become equal, so that there are fewer of them, never more.
fn sets_compatible(before: &Set, after: &Set) -> bool {
    if before.iter().all(Value::is_wholly_known) {
        return before == after;
    }
    let fits = |before: &Value, after: &Value| {
        let mut broken = Vec::new();
        compare(Rule::C21, before, after, "", &mut broken);
        broken.is_empty()
    };
    after.len() <= before.len()
        && before.iter().all(|b| after.iter().any(|a| fits(b, a)))
        && after.iter().all(|a| before.iter().any(|b| fits(b, a)))
}

/// Which promise about an unknown value is not kept.
fn promise_broken(promises: &Refinements, value: &Value) -> Option<&'static str> {
    let value = match value {
        Value::Dynamic(_, inner) => inner,
        value => value,
    };
    if value.is_unknown() {
        return None;
    }
    if promises.not_null && value.is_null() {
        return Some("is null, though it was promised not to be");
    }
    let number = |bound: &tfplugin::Number| bound.to_f64();
    match value {
        Value::String(text) => {
            let prefix = promises.prefix.as_deref().unwrap_or_default();
            (!text.starts_with(prefix)).then_some("does not begin as promised")
        }
        Value::Number(found) => {
            let found = number(found);
            let low = promises.lower.as_ref().is_some_and(|(bound, inclusive)| {
                found < number(bound) || (!inclusive && found <= number(bound))
            });
            let high = promises.upper.as_ref().is_some_and(|(bound, inclusive)| {
                found > number(bound) || (!inclusive && found >= number(bound))
            });
            (low || high).then_some("is out of the promised bounds")
        }
        Value::List(items) => wrong_length(promises, items.len()),
        Value::Set(items) => wrong_length(promises, items.len()),
        Value::Map(items) => wrong_length(promises, items.len()),
        _ => None,
    }
}

fn wrong_length(promises: &Refinements, length: usize) -> Option<&'static str> {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    let fewer = promises.min_length.is_some_and(|least| length < least);
    let more = promises.max_length.is_some_and(|most| length > most);
    (fewer || more).then_some("has another length than promised")
}

fn unknowns(value: &Value, path: &str, broken: &mut Vec<Broken>) {
    match value {
        Value::Unknown(_) => broken.push(Broken::new(Rule::C22, path, "is unknown after apply")),
        Value::Object(fields) => {
            for (name, value) in fields {
                unknowns(value, &joined(path, name), broken);
            }
        }
        Value::Map(items) => {
            for (key, value) in items {
                unknowns(value, &format!("{path}[{key:?}]"), broken);
            }
        }
        Value::List(items) | Value::Tuple(items) => {
            for (index, value) in items.iter().enumerate() {
                unknowns(value, &format!("{path}[{index}]"), broken);
            }
        }
        Value::Set(items) => {
            for value in items {
                unknowns(value, &format!("{path}[...]"), broken);
            }
        }
        Value::Dynamic(_, inner) => unknowns(inner, path, broken),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
