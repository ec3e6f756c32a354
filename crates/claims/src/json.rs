//! JSON as claims need it: fields in a chosen order on the way out, no field twice on the way in.

use crate::fault::{FaultKind, Faults, pointer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;

/// A value as indented JSON that continues on a line of the given depth. The fields of a service keep their order.
pub(crate) fn pretty(value: &Value, depth: usize) -> String {
    let Value::Object(object) = value else {
        return value.to_string();
    };
    let mut fields: Vec<_> = object.iter().collect();
    fields.sort_by_key(|(name, _)| FIELD_ORDER.iter().position(|known| known == name));
    pretty_object(
        fields
            .into_iter()
            .map(|(name, value)| (name.as_str(), pretty(value, depth + 1))),
        depth,
    )
}

/// The order of the fields inside a service and inside a tombstone.
const FIELD_ORDER: [&str; 5] = ["version", "docker_image", "ansible_artifact", "by", "at"];

/// An object of fields whose values are JSON already.
pub(crate) fn pretty_object<'a>(
    fields: impl Iterator<Item = (&'a str, String)>,
    depth: usize,
) -> String {
    let inner = "  ".repeat(depth + 1);
    let lines: Vec<_> = fields
        .map(|(name, json)| format!("{inner}{}: {json}", Value::from(name)))
        .collect();
    if lines.is_empty() {
        return "{}".to_owned();
    }
    format!("{{\n{}\n{}}}", lines.join(",\n"), "  ".repeat(depth))
}

/// A JSON document, with a fault for each field that stands in its object twice.
pub(crate) fn document(json: &[u8]) -> Result<(Value, Faults), Faults> {
    let value = serde_json::from_slice(json)
        .map_err(|error| Faults::one("", format!("is not JSON: {error}")))?;
    let mut faults = Faults::default();
    for place in repeated_fields(json) {
        faults.add(&place, FaultKind::Invalid, "stands there twice".to_owned());
    }
    Ok((value, faults))
}

/// Pointers to fields that stand in their object twice: readers disagree about which one counts.
fn repeated_fields(json: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    // A document that is no JSON at all is reported by whoever reads its values.
    let _ = Walk {
        place: String::new(),
        found: &mut found,
    }
    .deserialize(&mut deserializer);
    found
}

struct Walk<'a> {
    place: String,
    found: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let place = pointer(&self.place, &key);
            if !seen.insert(key) {
                self.found.push(place.clone());
            }
            map.next_value_seed(Walk {
                place,
                found: &mut *self.found,
            })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        while items
            .next_element_seed(Walk {
                place: format!("{}/{index}", self.place),
                found: &mut *self.found,
            })?
            .is_some()
        {
            index += 1;
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_stand_twice_are_found_at_any_depth() {
        let json =
            br#"{"a": 1, "b": {"c": null, "c": 2.5}, "d": [true, {"e": "x", "e": -1}], "a": ""}"#;
        assert_eq!(repeated_fields(json), ["/b/c", "/d/1/e", "/a"]);
        assert!(repeated_fields(b"{\"a\": 1, \"b\": {\"a\": 1}}").is_empty());
        assert!(repeated_fields(b"no json").is_empty());
    }
}
