//! Checks of single values in a configuration.
//!
//! A validator sees known values only: null and unknown ones are never handed to it.

use std::fmt::Display;
use std::ops::{Bound, RangeBounds};

use crate::diagnostic::Diagnostics;
use crate::path::AttributePath;
use crate::value::Value;

/// Checks one known value.
pub trait Validator: Send + Sync {
    /// Adds an error for everything that is wrong with the value at this path.
    fn check(&self, value: &Value, path: &AttributePath, problems: &mut Diagnostics);
}

struct Check<F>(F);

impl<F> Validator for Check<F>
where
    F: Fn(&Value) -> Result<(), String> + Send + Sync,
{
    fn check(&self, value: &Value, path: &AttributePath, problems: &mut Diagnostics) {
        if let Err(detail) = (self.0)(value) {
            problems.error_at(path, "Invalid value", detail);
        }
    }
}

/// Any check that gives the reason why a value is refused.
pub fn check(check: impl Fn(&Value) -> Result<(), String> + Send + Sync) -> impl Validator {
    Check(check)
}

/// A check of text. Values that are not text pass; the schema's type keeps them out.
pub fn text(check: impl Fn(&str) -> Result<(), String> + Send + Sync) -> impl Validator {
    Check(move |value: &Value| value.as_str().map_or(Ok(()), &check))
}

/// Text of one of these values. The error lists them and names the nearest.
pub fn one_of<S: Into<String>>(allowed: impl IntoIterator<Item = S>) -> impl Validator {
    let allowed: Vec<String> = allowed.into_iter().map(Into::into).collect();
    text(move |given| {
        if allowed.iter().any(|candidate| candidate == given) {
            return Ok(());
        }
        let list = allowed
            .iter()
            .map(|a| format!("{a:?}"))
            .collect::<Vec<_>>()
            .join(", ");
        let hint = nearest(given, &allowed).map(|near| format!(" Did you mean {near:?}?"));
        Err(format!(
            "{given:?} is not one of {list}.{}",
            hint.unwrap_or_default()
        ))
    })
}

/// Text of so many characters, or a collection of so many elements.
pub fn length(range: impl RangeBounds<usize> + Send + Sync) -> impl Validator {
    check(move |value| {
        let (length, unit) = match value {
            Value::String(text) => (text.chars().count(), "characters"),
            Value::List(items) => (items.len(), "elements"),
            Value::Set(items) => (items.len(), "elements"),
            Value::Map(items) => (items.len(), "elements"),
            _ => return Ok(()),
        };
        if range.contains(&length) {
            return Ok(());
        }
        Err(format!(
            "It has {length} {unit}; {} {unit} are allowed.",
            words(&range)
        ))
    })
}

/// A whole number in this range.
pub fn integer(range: impl RangeBounds<i64> + Send + Sync) -> impl Validator {
    check(move |value| {
        let Value::Number(number) = value else {
            return Ok(());
        };
        match number.as_i64() {
            Some(integer) if range.contains(&integer) => Ok(()),
            Some(integer) => Err(format!(
                "{integer} is out of range; {} is allowed.",
                words(&range)
            )),
            None => Err(format!("{number} is not a whole number.")),
        }
    })
}

/// Every element of a list, set or map passes this check.
pub fn each(validator: impl Validator) -> impl Validator {
    Each(validator)
}

/// Every key of a map passes this check of text.
pub fn keys(check: impl Fn(&str) -> Result<(), String> + Send + Sync) -> impl Validator {
    Keys(check)
}

struct Each<V>(V);

impl<V: Validator> Validator for Each<V> {
    fn check(&self, value: &Value, path: &AttributePath, problems: &mut Diagnostics) {
        let mut one = |element: &Value, path: AttributePath| {
            if !element.is_null() && element.is_wholly_known() {
                self.0.check(element, &path, problems);
            }
        };
        match value {
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    one(item, path.index(index));
                }
            }
            Value::Set(items) => items.iter().for_each(|item| one(item, path.set_element())),
            Value::Map(items) => items
                .iter()
                .for_each(|(key, item)| one(item, path.key(key))),
            _ => {}
        }
    }
}

struct Keys<F>(F);

impl<F> Validator for Keys<F>
where
    F: Fn(&str) -> Result<(), String> + Send + Sync,
{
    fn check(&self, value: &Value, path: &AttributePath, problems: &mut Diagnostics) {
        let Value::Map(items) = value else { return };
        for key in items.keys() {
            if let Err(detail) = (self.0)(key) {
                problems.error_at(path.key(key), "Invalid key", detail);
            }
        }
    }
}

/// The candidate that is nearest to what was typed, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(given: &str, candidates: &'a [String]) -> Option<&'a str> {
    let furthest = (given.chars().count() / 3).max(1);
    candidates
        .iter()
        .map(|candidate| (distance(given, candidate), candidate.as_str()))
        .filter(|(distance, _)| *distance <= furthest)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edit distance (insert, delete, replace), ignoring case.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

fn words<T: Display>(range: &impl RangeBounds<T>) -> String {
    let low = match range.start_bound() {
        Bound::Included(low) => Some(format!("{low}")),
        Bound::Excluded(low) => Some(format!("more than {low}")),
        Bound::Unbounded => None,
    };
    let high = match range.end_bound() {
        Bound::Included(high) => Some(format!("{high}")),
        Bound::Excluded(high) => Some(format!("less than {high}")),
        Bound::Unbounded => None,
    };
    match (low, high) {
        (Some(low), Some(high)) => format!("{low} to {high}"),
        (Some(low), None) => format!("{low} or more"),
        (None, Some(high)) => format!("at most {high}"),
        (None, None) => "any number".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::IntoValue;

    fn problems(validator: &impl Validator, value: impl IntoValue) -> Vec<String> {
        let mut problems = Diagnostics::new();
        validator.check(
            &value.into_value(),
            &AttributePath::from("a"),
            &mut problems,
        );
        problems.into_iter().map(|p| p.detail).collect()
    }

    #[test]
    fn one_of_names_the_nearest() {
        let validator = one_of(["memory", "storage"]);
        assert!(problems(&validator, "memory").is_empty());
        let found = problems(&validator, "memmory");
        assert_eq!(
            found,
            [r#""memmory" is not one of "memory", "storage". Did you mean "memory"?"#]
        );
        assert!(!problems(&validator, "zzz")[0].contains("mean"));
    }

    #[test]
    fn ranges_say_what_is_allowed() {
        assert!(problems(&integer(1..=5), 5).is_empty());
        assert_eq!(
            problems(&integer(1..=5), 6),
            ["6 is out of range; 1 to 5 is allowed."]
        );
        assert_eq!(problems(&integer(1..), 1.5), ["1.5 is not a whole number."]);
        let found = problems(&length(3..=63), "ab");
        assert_eq!(
            found,
            ["It has 2 characters; 3 to 63 characters are allowed."]
        );
    }

    #[test]
    fn each_names_the_element() {
        let mut found = Diagnostics::new();
        let value = vec!["a", "b"].into_value();
        each(one_of(["a"])).check(&value, &AttributePath::from("l"), &mut found);
        assert_eq!(
            found.iter().next().unwrap().path,
            Some(AttributePath::from("l").index(1))
        );
    }
}
