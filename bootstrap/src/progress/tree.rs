//! The order and depth in which a run's components are shown.

use super::{Component, State};
use run_report::Planned;
use std::collections::{BTreeMap, BTreeSet};

/// The components so that each one stands below the deepest of those that it waits for.
pub(super) fn as_tree(planned: &[Planned]) -> Vec<Component> {
    let mut depths: BTreeMap<&str, usize> = BTreeMap::new();
    for one in planned {
        let before = one
            .after
            .iter()
            .filter_map(|name| depths.get(name.as_str()));
        let depth = before.max().map_or(0, |deepest| deepest + 1);
        depths.insert(&one.name, depth);
    }
    let parent = |one: &Planned| {
        let depth = |name: &String| depths.get(name.as_str()).copied();
        one.after.iter().max_by_key(|name| depth(name)).cloned()
    };
    let mut children: BTreeMap<Option<String>, Vec<&Planned>> = BTreeMap::new();
    for one in planned {
        children.entry(parent(one)).or_default().push(one);
    }
    let mut tree = Vec::new();
    let mut placed = BTreeSet::new();
    let mut open: Vec<&Planned> = children.remove(&None).unwrap_or_default();
    open.reverse();
    while let Some(one) = open.pop() {
        if placed.insert(&one.name) {
            tree.push(Component {
                planned: one.clone(),
                depth: depths.get(one.name.as_str()).copied().unwrap_or_default(),
                state: State::Waiting,
            });
            let below = children.remove(&Some(one.name.clone())).unwrap_or_default();
            open.extend(below.into_iter().rev());
        }
    }
    tree
}
