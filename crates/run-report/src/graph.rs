//! The order of components: what must come before what, what may go together, what the longest wait is.

use crate::catalog::Catalog;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A way through the graph on which each component waits for the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// The components, first one first.
    pub components: Vec<String>,
    /// How long they take one after the other.
    pub duration: Duration,
}

impl Catalog {
    /// The chosen components that must have ended well before `name` may start.
    ///
    /// The order holds through components that were not chosen: if a waits for b and b for c, then a waits for c
    /// also in a run without b.
    #[must_use]
    pub fn predecessors(&self, name: &str, chosen: &BTreeSet<String>) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = self.before(name).collect();
        while let Some(other) = open.pop() {
            if !seen.insert(other) {
                continue;
            }
            if chosen.contains(other) {
                found.insert(other.to_owned());
            } else {
                open.extend(self.before(other));
            }
        }
        found
    }

    /// The chosen components in groups: the members of a group wait only for members of earlier groups.
    #[must_use]
    pub fn waves(&self, chosen: &BTreeSet<String>) -> Vec<BTreeSet<String>> {
        let mut waiting: BTreeMap<&String, BTreeSet<String>> = chosen
            .iter()
            .filter(|name| self.get(name).is_some())
            .map(|name| (name, self.predecessors(name, chosen)))
            .collect();
        let mut waves = Vec::new();
        while !waiting.is_empty() {
            let wave: BTreeSet<String> = waiting
                .iter()
                .filter(|(_, before)| !before.iter().any(|other| waiting.contains_key(other)))
                .map(|(name, _)| (*name).clone())
                .collect();
            if wave.is_empty() {
                break;
            }
            waiting.retain(|name, _| !wave.contains(*name));
            waves.push(wave);
        }
        waves
    }

    /// The chain of chosen components that takes longest: no run can be faster. A missing duration counts as zero.
    #[must_use]
    pub fn longest_chain(
        &self,
        chosen: &BTreeSet<String>,
        durations: &BTreeMap<String, Duration>,
    ) -> Chain {
        let mut ending_at: BTreeMap<String, Chain> = BTreeMap::new();
        for name in self.waves(chosen).into_iter().flatten() {
            let mut chain = self
                .predecessors(&name, chosen)
                .iter()
                .filter_map(|before| ending_at.get(before))
                .max_by_key(|chain| chain.duration)
                .cloned()
                .unwrap_or_default();
            chain.duration += durations.get(&name).copied().unwrap_or_default();
            chain.components.push(name.clone());
            ending_at.insert(name, chain);
        }
        ending_at
            .into_values()
            .max_by_key(|chain| chain.duration)
            .unwrap_or_default()
    }

    /// Names that wait for each other in a circle, the first one repeated at the end.
    pub(crate) fn find_cycle(&self) -> Option<Vec<String>> {
        let mut done = BTreeSet::new();
        self.components
            .keys()
            .find_map(|name| self.walk(name, &mut Vec::new(), &mut done))
    }

    fn walk<'a>(
        &'a self,
        name: &'a str,
        path: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<String>> {
        if let Some(start) = path.iter().position(|other| *other == name) {
            return Some(
                path[start..]
                    .iter()
                    .copied()
                    .chain([name])
                    .map(str::to_owned)
                    .collect(),
            );
        }
        if done.contains(name) {
            return None;
        }
        path.push(name);
        let cycle = self
            .before(name)
            .find_map(|other| self.walk(other, path, done));
        path.pop();
        done.insert(name);
        cycle
    }

    fn before(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get(name)
            .into_iter()
            .flat_map(|c| c.needs.iter().chain(&c.uses))
            .map(String::as_str)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::catalog::{Chart, Component};
    use crate::request::Size;
    use proptest::prelude::*;

    /// A catalogue of components that differ only in what they wait for.
    pub(crate) fn catalog(edges: &[(&str, &[&str], &[&str])]) -> Catalog {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let components = edges
            .iter()
            .map(|(name, needs, uses)| {
                let component = Component {
                    summary: String::new(),
                    playbook: format!("{name}.yml"),
                    roles: vec![(*name).to_owned()],
                    namespace: (*name).to_owned(),
                    chart: Chart {
                        name: (*name).to_owned(),
                        repository: "https://charts.example".to_owned(),
                        version: "1.0.0".to_owned(),
                        app_version: "1".to_owned(),
                    },
                    default: true,
                    sizes: vec![Size::Dev, Size::Ha],
                    needs: owned(needs),
                    uses: owned(uses),
                    secrets: Vec::new(),
                    backends: Vec::new(),
                };
                ((*name).to_owned(), component)
            })
            .collect();
        Catalog {
            components,
            files: BTreeMap::new(),
        }
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn waves_go_together_and_in_order() {
        let catalog = catalog(&[
            ("a", &[], &[]),
            ("b", &["a"], &[]),
            ("c", &[], &["a"]),
            ("d", &["b"], &["c"]),
            ("e", &[], &[]),
        ]);
        let all = set(&["a", "b", "c", "d", "e"]);
        assert_eq!(
            catalog.waves(&all),
            [set(&["a", "e"]), set(&["b", "c"]), set(&["d"])]
        );
    }

    #[test]
    fn order_holds_through_what_is_not_chosen() {
        let catalog = catalog(&[("a", &["b"], &[]), ("b", &["c"], &[]), ("c", &[], &[])]);
        assert_eq!(catalog.predecessors("a", &set(&["a", "c"])), set(&["c"]));
        assert_eq!(catalog.predecessors("a", &set(&["a"])), set(&[]));
    }

    #[test]
    fn the_longest_chain_is_the_slowest_not_the_deepest() {
        let catalog = catalog(&[
            ("a", &[], &[]),
            ("b", &["a"], &[]),
            ("c", &["b"], &[]),
            ("slow", &[], &[]),
        ]);
        let all = set(&["a", "b", "c", "slow"]);
        let seconds = |n| Duration::from_secs(n);
        let mut durations: BTreeMap<String, Duration> =
            all.iter().map(|n| (n.clone(), seconds(2))).collect();
        let chain = catalog.longest_chain(&all, &durations);
        assert_eq!(
            (chain.components, chain.duration),
            (vec!["a".into(), "b".into(), "c".into()], seconds(6))
        );
        durations.insert("slow".into(), seconds(7));
        assert_eq!(catalog.longest_chain(&all, &durations).components, ["slow"]);
    }

    /// Catalogues without cycles: a component waits only for earlier ones.
    fn any_catalog() -> impl Strategy<Value = (Catalog, BTreeSet<String>)> {
        let edges = proptest::collection::vec(proptest::collection::vec(any::<bool>(), 0..8), 1..8);
        (edges, proptest::collection::vec(any::<bool>(), 8)).prop_map(|(edges, picks)| {
            let names: Vec<String> = (0..edges.len()).map(|i| format!("c{i}")).collect();
            let mut made = catalog(&[]);
            for (index, row) in edges.iter().enumerate() {
                let needs: Vec<&str> = row
                    .iter()
                    .zip(&names[..index])
                    .filter(|(edge, _)| **edge)
                    .map(|(_, n)| n.as_str())
                    .collect();
                made.components
                    .extend(catalog(&[(names[index].as_str(), needs.as_slice(), &[])]).components);
            }
            let chosen = names
                .into_iter()
                .zip(picks)
                .filter(|(_, pick)| *pick)
                .map(|(name, _)| name)
                .collect();
            (made, chosen)
        })
    }

    proptest! {
        #[test]
        fn every_chosen_component_is_in_one_wave_after_all_it_waits_for((catalog, chosen) in any_catalog()) {
            prop_assert_eq!(catalog.find_cycle(), None);
            let waves = catalog.waves(&chosen);
            let flat: Vec<&String> = waves.iter().flatten().collect();
            prop_assert_eq!(flat.len(), chosen.len());
            let mut earlier = BTreeSet::new();
            for wave in &waves {
                prop_assert!(!wave.is_empty());
                for name in wave {
                    prop_assert!(catalog.predecessors(name, &chosen).is_subset(&earlier));
                }
                earlier.extend(wave.iter().cloned());
            }
        }

        #[test]
        fn the_longest_chain_has_as_many_members_as_there_are_waves_when_all_take_the_same((catalog, chosen) in any_catalog()) {
            let durations = chosen.iter().map(|n| (n.clone(), Duration::from_secs(1))).collect();
            let chain = catalog.longest_chain(&chosen, &durations);
            prop_assert_eq!(chain.components.len(), catalog.waves(&chosen).len());
        }
    }
}
