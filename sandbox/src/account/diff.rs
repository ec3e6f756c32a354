//! What changed between two snapshots: what a run made, and what it left behind.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::state::{Object, Snapshot};

/// The difference between two snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Objects only in the second.
    pub added: Vec<Object>,
    /// Objects only in the first.
    pub removed: Vec<Object>,
    /// Objects of both that are not the same any more: before and after.
    pub changed: Vec<(Object, Object)>,
    /// Change of the monthly price.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub monthly_usd: Decimal,
}

impl Difference {
    /// Whether both show the same account.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Compares two snapshots, object by object.
#[must_use]
pub fn diff(before: &Snapshot, after: &Snapshot) -> Difference {
    let by_id = |snapshot: &'_ Snapshot| -> BTreeMap<String, Object> {
        snapshot
            .objects
            .iter()
            .map(|object| (object.id.clone(), object.clone()))
            .collect()
    };
    let (old, new) = (by_id(before), by_id(after));
    let only_in = |snapshot: &Snapshot, other: &BTreeMap<String, Object>| -> Vec<Object> {
        snapshot
            .objects
            .iter()
            .filter(|object| !other.contains_key(&object.id))
            .cloned()
            .collect()
    };
    let changed = after
        .objects
        .iter()
        .filter_map(|object| Some((old.get(&object.id)?.clone(), object.clone())))
        .filter(|(was, is)| was != is)
        .collect();
    Difference {
        added: only_in(after, &old),
        removed: only_in(before, &new),
        changed,
        monthly_usd: after.monthly_usd - before.monthly_usd,
    }
}
