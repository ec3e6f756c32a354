//! When an upgrade has come to its end: every node runs the new kubelet and is ready.

use std::collections::{BTreeMap, BTreeSet};

use vultr::NodePool;

use crate::nodes::ClusterNode;

/// The version without the vendor's number: `v1.36.5` of `v1.36.5+1`.
pub(super) fn kubelet_of(build: &str) -> &str {
    build.split_once('+').map_or(build, |(version, _)| version)
}

/// What keeps the nodes from being all at a build and ready; nothing if they are. Nodes that the account knows and the
/// cluster does not are still to come.
pub(super) fn late(pools: &[NodePool], nodes: &[ClusterNode], build: &str) -> Option<String> {
    let wanted = kubelet_of(build);
    let known: BTreeMap<&str, &ClusterNode> = nodes
        .iter()
        .filter_map(|node| Some((node.instance.as_deref()?, node)))
        .collect();
    let mut waits = BTreeSet::new();
    for node in pools.iter().flat_map(|pool| &pool.nodes) {
        if !known.contains_key(node.id.as_str()) {
            waits.insert(format!("node {} has not joined", node.label));
        }
    }
    for node in nodes {
        if kubelet_of(&node.kubelet) != wanted {
            waits.insert(format!("node {} is at {}", node.name, node.kubelet));
        } else if !node.ready {
            waits.insert(format!("node {} is not ready", node.name));
        }
    }
    let total = nodes.len();
    let first = waits.first()?;
    let more = waits.len() - 1;
    Some(if more == 0 {
        format!("{first}; {total} nodes in all")
    } else {
        format!("{first}, and {more} more wait; {total} nodes in all")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool_mark::PoolTags;

    fn node(name: &str, kubelet: &str, ready: bool) -> ClusterNode {
        ClusterNode {
            name: name.to_owned(),
            pool: Some("system".to_owned()),
            instance: Some(format!("id-{name}")),
            kubelet: kubelet.to_owned(),
            ready,
            open: true,
        }
    }

    fn pool(nodes: &[&str]) -> NodePool {
        let nodes: Vec<_> = nodes
            .iter()
            .map(|name| serde_json::json!({ "id": format!("id-{name}"), "label": name, "status": "active" }))
            .collect();
        serde_json::from_value(serde_json::json!({
            "id": "p", "date_created": "2026-07-07T22:57:01+00:00", "label": "system", "plan": "p", "status": "active",
            "node_quantity": 2, "min_nodes": 2, "max_nodes": 2, "auto_scaler": false, "tag": "slipway:acme (upgrading v1.36.5+1)",
            "labels": {}, "taints": [], "nodes": nodes,
        }))
        .unwrap()
    }

    #[test]
    fn an_upgrade_is_done_when_every_node_has_it_and_is_ready() {
        let pools = [pool(&["a", "b"])];
        let at = |a: ClusterNode, b: ClusterNode| late(&pools, &[a, b], "v1.36.5+1");
        let new = "v1.36.5";
        assert_eq!(at(node("a", new, true), node("b", new, true)), None);
        let told = at(node("a", new, true), node("b", "v1.35.8", true)).unwrap();
        assert!(told.contains("node b is at v1.35.8"), "{told}");
        let told = at(node("a", new, false), node("b", new, true)).unwrap();
        assert!(told.contains("node a is not ready"), "{told}");
        let told = late(&pools, &[node("a", new, true)], "v1.36.5+1").unwrap();
        assert!(told.contains("node b has not joined"), "{told}");
    }

    #[test]
    fn the_first_pools_tag_tells_that_an_upgrade_is_going_on() {
        let tags = PoolTags::finished_as("slipway:acme");
        assert_eq!(tags.upgrade_of(&pool(&[])), Some("v1.36.5+1"));
        assert!(tags.owns(&pool(&[])));
    }
}
