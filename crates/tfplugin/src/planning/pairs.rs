//! Walks the objects of a nested value together with their counterparts in other values.

use super::Fields;
use crate::schema::Nesting;
use crate::value::Value;

/// Calls `each` with every object that a nested value holds and the objects at the same places in `peers`: the same
/// index of a list, the same key of a map. In a set the counterpart is the element that agrees in everything it has set.
pub(crate) fn for_each_object<const N: usize>(
    nesting: Nesting,
    value: &mut Value,
    peers: [Option<&Value>; N],
    each: &mut dyn FnMut(&mut Fields, [Option<&Fields>; N]),
) {
    match (nesting, value) {
        (Nesting::Single, Value::Object(fields)) => {
            each(fields, peers.map(|peer| peer.and_then(as_object)));
        }
        (Nesting::List, Value::List(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                let Value::Object(fields) = item else {
                    continue;
                };
                each(fields, peers.map(|peer| element_at(peer, index)));
            }
        }
        (Nesting::Map, Value::Map(items)) => {
            for (key, item) in items {
                let Value::Object(fields) = item else {
                    continue;
                };
                each(fields, peers.map(|peer| element_of(peer, key)));
            }
        }
        (Nesting::Set, Value::Set(items)) => {
            let changed = std::mem::take(items).into_iter().map(|mut item| {
                if let Value::Object(fields) = &mut item {
                    let counterparts = peers.map(|peer| matching_element(peer, fields));
                    each(fields, counterparts);
                }
                item
            });
            *items = changed.collect();
        }
        _ => {}
    }
}

fn as_object(value: &Value) -> Option<&Fields> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

fn element_at(list: Option<&Value>, index: usize) -> Option<&Fields> {
    match list? {
        Value::List(items) => items.get(index).and_then(as_object),
        _ => None,
    }
}

fn element_of<'a>(map: Option<&'a Value>, key: &str) -> Option<&'a Fields> {
    match map? {
        Value::Map(items) => items.get(key).and_then(as_object),
        _ => None,
    }
}

fn matching_element<'a>(set: Option<&'a Value>, fields: &Fields) -> Option<&'a Fields> {
    let Value::Set(items) = set? else { return None };
    let agrees = |candidate: &&Fields| {
        candidate
            .iter()
            .all(|(name, value)| value.is_null() || fields.get(name) == Some(value))
    };
    items.iter().filter_map(as_object).find(agrees)
}
