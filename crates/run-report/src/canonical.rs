//! One spelling for every JSON value, so that equal values have equal digests in both binaries.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The value as compact JSON with sorted keys and one spelling per number.
///
/// Written here rather than left to `serde_json`: its key order and number type change with features that other
/// crates of a build may turn on, and the provider and `slipway-bootstrap` are built with different neighbours.
#[must_use]
pub fn to_canonical_json(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

/// SHA-256 of the canonical JSON, as 64 hex digits.
#[must_use]
pub fn sha256_of_json(value: &Value) -> String {
    sha256_hex(to_canonical_json(value).as_bytes())
}

/// SHA-256 as 64 hex digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => write_number(number, out),
        Value::Array(items) => write_sequence(items.iter(), out, '[', ']', write_value),
        Value::Object(map) => write_object(map, out),
        Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
    }
}

fn write_object(map: &Map<String, Value>, out: &mut String) {
    let mut fields: Vec<_> = map.iter().collect();
    fields.sort_by_key(|(key, _)| *key);
    write_sequence(fields.into_iter(), out, '{', '}', |(key, value), out| {
        out.push_str(&Value::from(key.as_str()).to_string());
        out.push(':');
        write_value(value, out);
    });
}

fn write_sequence<T>(
    items: impl Iterator<Item = T>,
    out: &mut String,
    open: char,
    close: char,
    write: impl Fn(T, &mut String),
) {
    out.push(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}

fn write_number(number: &serde_json::Number, out: &mut String) {
    let _ = if let Some(unsigned) = number.as_u64() {
        write!(out, "{unsigned}")
    } else if let Some(signed) = number.as_i64() {
        write!(out, "{signed}")
    } else if let Some(float) = number.as_f64() {
        write!(out, "{float:?}")
    } else {
        write!(out, "{number}")
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let value: Value =
            serde_json::from_str(r#"{"b":{"z":1,"a":[{"y":null,"x":true}]},"a":"é\n"}"#).unwrap();
        assert_eq!(
            to_canonical_json(&value),
            r#"{"a":"é\n","b":{"a":[{"x":true,"y":null}],"z":1}}"#
        );
    }

    #[test]
    fn whole_numbers_and_fractions_stay_apart() {
        assert_eq!(
            to_canonical_json(&json!([1, -1, 1.0, 1e300, u64::MAX])),
            "[1,-1,1.0,1e300,18446744073709551615]"
        );
    }

    proptest! {
        #[test]
        fn the_order_of_keys_does_not_matter(pairs in proptest::collection::btree_map(".{0,8}", any::<i64>(), 0..12), seed: u64) {
            let mut shuffled: Vec<_> = pairs.iter().collect();
            shuffled.sort_by_key(|(key, _)| sha256_hex(format!("{seed}{key}").as_bytes()));
            let one: Map<String, Value> = pairs.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
            let other: Map<String, Value> = shuffled.into_iter().map(|(k, v)| (k.clone(), json!(v))).collect();
            prop_assert_eq!(sha256_of_json(&Value::Object(one)), sha256_of_json(&Value::Object(other)));
        }

        #[test]
        fn canonical_json_is_the_same_value(pairs in proptest::collection::btree_map(".{0,8}", any::<i64>(), 0..12)) {
            let value = json!(pairs);
            let back: Value = serde_json::from_str(&to_canonical_json(&value)).unwrap();
            prop_assert_eq!(back, value);
        }
    }
}
