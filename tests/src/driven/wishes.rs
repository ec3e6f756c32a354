//! What a user asks for, as data that a test can change, and the configuration that says so.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tfcore::Config;

use crate::configuration::COMPONENTS;

/// A platform and its further pools.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// The platform.
    pub platform: PlatformWish,
    /// Pools by name.
    pub pools: BTreeMap<String, PoolWish>,
}

/// A platform without components.
#[derive(Clone, Debug, PartialEq)]
pub struct PlatformWish {
    /// Name.
    pub name: String,
    /// Constraint, such as `1.36`.
    pub version: String,
    /// Plan of the first pool.
    pub plan: String,
    /// Its fewest and most nodes.
    pub nodes: (u32, u32),
}

/// A further pool.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolWish {
    /// Kind.
    pub kind: String,
    /// Plan of its nodes.
    pub plan: String,
    /// Fewest and most nodes.
    pub nodes: (u32, u32),
    /// Labels of its nodes.
    pub labels: BTreeMap<String, String>,
    /// Keys of its taints.
    pub taints: Vec<String>,
}

/// Effect of every taint that a wish names.
pub(super) const EFFECT: &str = "NoSchedule";

impl PlatformWish {
    /// The smallest platform.
    #[must_use]
    pub fn small(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: "1.36".to_owned(),
            plan: "vc2-4c-8gb".to_owned(),
            nodes: (1, 2),
        }
    }

    /// Its mark in the account.
    #[must_use]
    pub fn mark(&self) -> String {
        format!("slipway:{}", self.name)
    }

    pub(super) fn config(&self) -> Config {
        let off = |name: &&str| ((*name).to_owned(), json!({"enabled": false}));
        let components: BTreeMap<String, Value> = COMPONENTS.iter().map(off).collect();
        Config::from(json!({
            "name": self.name,
            "region": "ams",
            "domain": format!("{}.example", self.name),
            "kubernetes_version": self.version,
            "network_cidr": "10.20.0.0/20",
            "system_pool": {"plan": self.plan, "min_nodes": self.nodes.0, "max_nodes": self.nodes.1},
            "deletion_protection": false,
            "on_destroy": {"environments": "refuse", "volumes": "delete", "load_balancers": "delete"},
            "components": components,
        }))
    }
}

impl PoolWish {
    /// The smallest pool.
    #[must_use]
    pub fn small() -> Self {
        Self {
            kind: "general-public".to_owned(),
            plan: "vc2-2c-4gb".to_owned(),
            nodes: (1, 1),
            labels: BTreeMap::from([("team".to_owned(), "one".to_owned())]),
            taints: Vec::new(),
        }
    }

    pub(super) fn config(&self, name: &str, cluster_id: &Value) -> Config {
        let taint = |key: &String| json!({"key": key, "value": "yes", "effect": EFFECT});
        let taints: Vec<Value> = self.taints.iter().map(taint).collect();
        Config::from(json!({
            "cluster_id": cluster_id,
            "kind": self.kind,
            "name": name,
            "plan": self.plan,
            "min_nodes": self.nodes.0,
            "max_nodes": self.nodes.1,
            "labels": self.labels,
            "taints": taints,
        }))
    }
}
