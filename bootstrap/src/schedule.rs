//! Which component may start now. Pure: it is told what ended and answers what follows from it.

use std::collections::{BTreeMap, BTreeSet};

/// The components of a run, each with those that must have ended well before it may start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    waiting: BTreeMap<String, BTreeSet<String>>,
    running: BTreeSet<String>,
}

/// A component that will not start, and the one it builds on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blocked {
    /// The component.
    pub name: String,
    /// What did not end well.
    pub by: String,
}

impl Schedule {
    /// A schedule of these components; what they wait for must be among them.
    #[must_use]
    pub(crate) fn new(predecessors: BTreeMap<String, BTreeSet<String>>) -> Self {
        Self {
            waiting: predecessors,
            running: BTreeSet::new(),
        }
    }

    /// Takes out every component that waits for nothing any more; the caller starts them.
    pub(crate) fn start_ready(&mut self) -> Vec<String> {
        let ready: Vec<String> = self
            .waiting
            .iter()
            .filter(|(_, before)| before.is_empty())
            .map(|(name, _)| name.clone())
            .collect();
        for name in &ready {
            self.waiting.remove(name);
            self.running.insert(name.clone());
        }
        ready
    }

    /// A component ended well: nobody waits for it any more.
    pub(crate) fn succeeded(&mut self, name: &str) {
        self.running.remove(name);
        for before in self.waiting.values_mut() {
            before.remove(name);
        }
    }

    /// A component did not end well: everything that builds on it, directly or through others, will not start.
    pub(crate) fn failed(&mut self, name: &str) -> Vec<Blocked> {
        self.running.remove(name);
        let mut blocked = Vec::new();
        let mut causes = vec![name.to_owned()];
        while let Some(by) = causes.pop() {
            let followers: Vec<String> = self
                .waiting
                .iter()
                .filter(|(_, before)| before.contains(&by))
                .map(|(name, _)| name.clone())
                .collect();
            for name in followers {
                self.waiting.remove(&name);
                causes.push(name.clone());
                blocked.push(Blocked {
                    name,
                    by: by.clone(),
                });
            }
        }
        blocked
    }

    /// What has not started, for a run that ends early.
    pub(crate) fn abandon(&mut self) -> Vec<String> {
        std::mem::take(&mut self.waiting).into_keys().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn schedule(edges: &[(&str, &[&str])]) -> Schedule {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Schedule::new(
            edges
                .iter()
                .map(|(name, before)| ((*name).to_owned(), owned(before)))
                .collect(),
        )
    }

    #[test]
    fn what_is_independent_starts_together() {
        let mut schedule = schedule(&[("a", &[]), ("b", &[]), ("c", &["a", "b"])]);
        assert_eq!(schedule.start_ready(), ["a", "b"]);
        schedule.succeeded("a");
        assert!(schedule.start_ready().is_empty());
        schedule.succeeded("b");
        assert_eq!(schedule.start_ready(), ["c"]);
    }

    #[test]
    fn a_failure_blocks_what_builds_on_it_and_nothing_else() {
        let mut schedule = schedule(&[
            ("a", &[]),
            ("b", &["a"]),
            ("c", &["b"]),
            ("x", &[]),
            ("y", &["x"]),
        ]);
        schedule.start_ready();
        let blocked = schedule.failed("a");
        assert_eq!(
            blocked,
            [
                Blocked {
                    name: "b".into(),
                    by: "a".into()
                },
                Blocked {
                    name: "c".into(),
                    by: "b".into()
                }
            ]
        );
        schedule.succeeded("x");
        assert_eq!(schedule.start_ready(), ["y"]);
    }

    /// Graphs without cycles: a component waits only for earlier ones.
    fn any_graph() -> impl Strategy<Value = BTreeMap<String, BTreeSet<String>>> {
        proptest::collection::vec(proptest::collection::vec(any::<bool>(), 0..12), 1..12).prop_map(
            |rows| {
                let name = |index: usize| format!("c{index:02}");
                rows.iter()
                    .enumerate()
                    .map(|(index, row)| {
                        let before = (0..index)
                            .filter(|other| row.get(*other) == Some(&true))
                            .map(name)
                            .collect();
                        (name(index), before)
                    })
                    .collect()
            },
        )
    }

    proptest! {
        /// Whatever the graph, whatever fails and in whatever order runs end: a component starts once, never before
        /// everything it needs has ended well, and is never left behind.
        #[test]
        fn the_order_always_holds(graph in any_graph(), fates in proptest::collection::vec((any::<bool>(), any::<usize>()), 12)) {
            let mut schedule = Schedule::new(graph.clone());
            let (mut well, mut blocked, mut started) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
            let mut running: Vec<String> = Vec::new();
            for (fails, pick) in fates.iter().cycle() {
                for name in schedule.start_ready() {
                    prop_assert!(started.insert(name.clone()), "{} started twice", name);
                    prop_assert!(graph[&name].is_subset(&well), "{} started too early", name);
                    running.push(name);
                }
                if running.is_empty() {
                    break;
                }
                let ended = running.swap_remove(pick % running.len());
                if *fails {
                    blocked.extend(schedule.failed(&ended).into_iter().map(|blocked| blocked.name));
                } else {
                    schedule.succeeded(&ended);
                    well.insert(ended);
                }
            }
            prop_assert!(started.is_disjoint(&blocked));
            prop_assert_eq!(started.len() + blocked.len(), graph.len());
            prop_assert!(schedule.abandon().is_empty());
        }
    }
}
