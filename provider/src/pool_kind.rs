//! The six kinds of node pool: what each one is for, and its plan, labels and taints unless a pool says otherwise.

use std::collections::BTreeMap;

use vultr::{Effect, NodePool};

/// The key of the label and taint that tell the kinds apart.
pub(crate) const KIND_KEY: &str = "slipway.dev/pool";

/// One of the six kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PoolKind {
    /// The word that users write.
    pub(crate) name: &'static str,
    /// What runs there, for the documentation.
    pub(crate) purpose: &'static str,
    /// The plan of its nodes unless the pool names one.
    pub(crate) plan: &'static str,
    /// Key and value of the taint that keeps other workloads away; none for the pool that takes everything else.
    pub(crate) taint: Option<(&'static str, &'static str)>,
    /// What a reviewer should know about the kind before paying for it.
    pub(crate) caution: Option<&'static str>,
}

/// The kind of the pool that a platform is created with. Its taint is the one that the add-ons of every cluster tolerate:
/// with one of our own `CoreDNS` would have no place.
pub(crate) const SYSTEM: PoolKind = PoolKind {
    name: "general-restricted",
    purpose: "the platform's own components and internal services",
    plan: "vc2-4c-8gb",
    taint: Some(("CriticalAddonsOnly", "true")),
    caution: None,
};

/// All kinds, in the order of the documentation.
pub(crate) const ALL: [PoolKind; 6] = [
    SYSTEM,
    PoolKind {
        name: "general-public",
        purpose: "services that answer requests from outside",
        plan: "vc2-2c-4gb",
        taint: None,
        caution: None,
    },
    PoolKind {
        name: "memory",
        purpose: "caches and search, with much memory for each core",
        plan: "voc-m-2c-16gb-100s",
        taint: Some((KIND_KEY, "memory")),
        caution: None,
    },
    PoolKind {
        name: "storage",
        purpose: "databases and object stores, with large local disks",
        plan: "voc-s-1c-8gb-150s",
        taint: Some((KIND_KEY, "storage")),
        caution: None,
    },
    PoolKind {
        name: "spot",
        purpose: "work that may be interrupted at any time",
        plan: "vc2-2c-4gb",
        taint: Some((KIND_KEY, "spot")),
        caution: Some(
            "Vultr sells no interruptible nodes for Kubernetes: the nodes of a spot pool cost the ordinary price. The kind keeps interruptible work apart, so that it can move once they are sold.",
        ),
    },
    PoolKind {
        name: "ai",
        purpose: "training and inference on GPUs",
        plan: "vcg-a40-2c-10g-4vram",
        taint: Some((KIND_KEY, "ai")),
        caution: None,
    },
];

/// A taint as Kubernetes knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Taint {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) effect: String,
}

impl From<&Taint> for vultr::Taint {
    fn from(taint: &Taint) -> Self {
        Self {
            key: taint.key.clone(),
            value: taint.value.clone(),
            effect: Effect::from(taint.effect.clone()),
        }
    }
}

impl From<&vultr::Taint> for Taint {
    fn from(taint: &vultr::Taint) -> Self {
        Self {
            key: taint.key.clone(),
            value: taint.value.clone(),
            effect: taint.effect.to_string(),
        }
    }
}

/// The taints of a pool that is there.
pub(crate) fn taints_of(pool: &NodePool) -> Vec<Taint> {
    pool.taints.iter().map(Taint::from).collect()
}

/// Whether two lists of taints mean the same: they have no order.
pub(crate) fn same_taints(one: &[Taint], other: &[Taint]) -> bool {
    let sorted = |taints: &[Taint]| {
        let mut taints = taints.to_vec();
        taints.sort();
        taints
    };
    sorted(one) == sorted(other)
}

/// The effects that Kubernetes knows.
pub(crate) const TAINT_EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

impl PoolKind {
    /// The kind of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|kind| kind.name == name)
    }

    /// The labels of its nodes unless the pool names others.
    pub(crate) fn labels(self) -> BTreeMap<String, String> {
        BTreeMap::from([(KIND_KEY.to_owned(), self.name.to_owned())])
    }

    /// The taints of its nodes unless the pool names others.
    pub(crate) fn taints(self) -> Vec<Taint> {
        let taint = |(key, value): (&str, &str)| Taint {
            key: key.to_owned(),
            value: value.to_owned(),
            effect: "NoSchedule".to_owned(),
        };
        self.taint.map(taint).into_iter().collect()
    }
}

/// The words that users may write.
pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
    ALL.iter().map(|kind| kind.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_takes_what_asks_for_none() {
        let open: Vec<&str> = ALL
            .iter()
            .filter(|kind| kind.taint.is_none())
            .map(|kind| kind.name)
            .collect();
        assert_eq!(open, ["general-public"]);
        assert_eq!(SYSTEM.taints()[0].key, "CriticalAddonsOnly");
        assert_eq!(
            PoolKind::named("memory").unwrap().taints()[0].value,
            "memory"
        );
    }

    #[test]
    fn names_are_found_and_unique() {
        for kind in ALL {
            assert_eq!(PoolKind::named(kind.name), Some(kind));
            assert_eq!(
                kind.labels().get(KIND_KEY).map(String::as_str),
                Some(kind.name)
            );
        }
        assert_eq!(names().count(), 6);
    }
}
