//! The six kinds of node pool: what each one is for, and its plan, labels and taints unless a pool says otherwise.

use std::collections::BTreeMap;

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
    /// Whether only workloads that ask for the kind are placed there.
    pub(crate) tainted: bool,
    /// What a reviewer should know about the kind before paying for it.
    pub(crate) caution: Option<&'static str>,
}

/// The kind of the pool that a platform is created with. It carries no taint: VKE's own pods need a place.
pub(crate) const SYSTEM: PoolKind = PoolKind {
    name: "general-restricted",
    purpose: "the platform's own components and internal services",
    plan: "vc2-4c-8gb",
    tainted: false,
    caution: None,
};

/// All kinds, in the order of the documentation.
pub(crate) const ALL: [PoolKind; 6] = [
    SYSTEM,
    PoolKind {
        name: "general-public",
        purpose: "services that answer requests from outside",
        plan: "vc2-2c-4gb",
        tainted: true,
        caution: None,
    },
    PoolKind {
        name: "memory",
        purpose: "caches and search, with much memory for each core",
        plan: "voc-m-2c-16gb-100s",
        tainted: true,
        caution: None,
    },
    PoolKind {
        name: "storage",
        purpose: "databases and object stores, with large local disks",
        plan: "voc-s-1c-8gb-150s",
        tainted: true,
        caution: None,
    },
    PoolKind {
        name: "spot",
        purpose: "work that may be interrupted at any time",
        plan: "vc2-2c-4gb",
        tainted: true,
        caution: Some(
            "Vultr sells no interruptible nodes for Kubernetes: the nodes of a spot pool cost the ordinary price. The kind keeps interruptible work apart, so that it can move once they are sold.",
        ),
    },
    PoolKind {
        name: "ai",
        purpose: "training and inference on GPUs",
        plan: "vcg-a16-2c-8g-2vram",
        tainted: true,
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
        if !self.tainted {
            return Vec::new();
        }
        vec![Taint {
            key: KIND_KEY.to_owned(),
            value: self.name.to_owned(),
            effect: "NoSchedule".to_owned(),
        }]
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
    fn the_system_pool_leaves_a_place_for_the_clusters_own_pods() {
        assert!(SYSTEM.taints().is_empty());
        assert!(
            ALL.iter()
                .filter(|kind| kind.name != SYSTEM.name)
                .all(|kind| kind.taints().len() == 1)
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
