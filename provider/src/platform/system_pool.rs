//! The first pool of a platform: what is wanted of it, and what of it has drifted.

use tfplugin::{Diagnostic, Object, ValueError};
use vultr::{Cluster, NodePool};

use super::read::bounds;
use super::settings::Settings;
use crate::mark::PlatformId;
use crate::pool_kind::{SYSTEM, same_taints, taints_of};
use crate::pool_mark::PoolTags;
use crate::stock;
use crate::surge::{Pair, PoolGoal};

/// The pool as it is wanted.
pub(super) fn goal(settings: &Settings) -> PoolGoal {
    let pool = &settings.system_pool;
    PoolGoal {
        name: SYSTEM.name.to_owned(),
        plans: pool.plans.clone(),
        min: pool.min,
        max: pool.max,
        autoscale: pool.min < pool.max,
        labels: SYSTEM.labels(),
        taints: SYSTEM.taints(),
        tags: tags(&settings.id),
    }
}

fn tags(id: &PlatformId) -> PoolTags {
    PoolTags::finished_as(id.mark())
}

/// The first pool of a cluster; while it is being replaced, the old one.
pub(super) fn of(cluster: &Cluster) -> Option<&NodePool> {
    Pair::of_name(&cluster.node_pools, SYSTEM.name).old
}

/// Writes what it is into a state.
pub(super) fn write(cluster: &Cluster, state: &mut Object) -> Result<(), ValueError> {
    let Some(pool) = of(cluster) else {
        state.set_null("system_pool");
        return Ok(());
    };
    let (min, max) = bounds(pool);
    let mut stored: Object = state.get::<Option<_>>("system_pool")?.unwrap_or_default();
    stock::write_seen(&pool.plan, &mut stored)?;
    stored.set("min_nodes", min).set("max_nodes", max);
    state.set("system_pool", stored);
    Ok(())
}

/// What of the pool the next apply mends and no attribute of the platform shows, in words.
pub(super) fn drift(cluster: &Cluster, id: &PlatformId) -> Vec<String> {
    let tags = tags(id);
    let pair = Pair::of_name(&cluster.node_pools, SYSTEM.name);
    let Some(pool) = pair.old else {
        return vec![format!("The pool {} is gone.", SYSTEM.name)];
    };
    let mut found = Vec::new();
    if let Some(heir) = pair.replacement {
        found.push(format!(
            "Pool {} is to replace pool {}, and that is unfinished.",
            heir.label, pool.label
        ));
    }
    if let Some(build) = tags.upgrade_of(pool) {
        found.push(format!("The upgrade to {build} is unfinished."));
    } else if pool.tag != tags.finished() {
        found.push(format!(
            "Pool {} is tagged {:?} and not {:?}.",
            pool.label,
            pool.tag,
            tags.finished()
        ));
    }
    if pool.labels != SYSTEM.labels() {
        found.push(format!(
            "Pool {} is labelled {:?} and not {:?}.",
            pool.label,
            pool.labels,
            SYSTEM.labels()
        ));
    }
    if !same_taints(&taints_of(pool), &SYSTEM.taints()) {
        let spelled: Vec<String> = pool
            .taints
            .iter()
            .map(|taint| format!("{}={}:{}", taint.key, taint.value, taint.effect))
            .collect();
        found.push(format!(
            "Pool {} has other taints than it was made with: {}.",
            pool.label,
            if spelled.is_empty() {
                "none".to_owned()
            } else {
                spelled.join(", ")
            }
        ));
    }
    found
}

/// Names the pools in a platform's cluster that nobody made with Slipway. They are never touched, and go with the cluster.
pub(super) fn warn_of_foreign(cluster: &Cluster, id: &PlatformId) -> Option<Diagnostic> {
    let tags = tags(id);
    let lines: Vec<String> = cluster
        .node_pools
        .iter()
        .filter(|pool| !tags.owns(pool))
        .filter(|pool| of(cluster).is_none_or(|first| first.id != pool.id))
        .map(|pool| {
            format!(
                "  {} ({} x {}, tag {:?})",
                pool.label, pool.node_quantity, pool.plan, pool.tag
            )
        })
        .collect();
    (!lines.is_empty()).then(|| {
        Diagnostic::warning(
            "Foreign node pools in the cluster",
            format!(
                "Cluster {} of platform {id} has node pools without the platform's mark. Slipway leaves them alone; they cost, and a destroy of the platform takes them along. A slipway_node_pool can take one over by import.\n{}",
                cluster.id,
                lines.join("\n")
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(pools: &[serde_json::Value]) -> Cluster {
        serde_json::from_value(serde_json::json!({
            "id": "c", "label": "slipway:acme", "date_created": "2026-07-07T22:57:01+00:00", "cluster_subnet": "", "service_subnet": "",
            "ip": "", "endpoint": "", "version": "v1.36.5+1", "region": "ams", "status": "active", "ha_controlplanes": false, "node_pools": pools,
        }))
        .unwrap()
    }

    fn pool(label: &str, tag: &str) -> serde_json::Value {
        serde_json::json!({
            "id": format!("{label}-id"), "date_created": "2026-07-07T22:57:01+00:00", "label": label, "plan": "p", "status": "active",
            "node_quantity": 1, "min_nodes": 1, "max_nodes": 1, "auto_scaler": false, "tag": tag, "nodes": [],
            "labels": { "slipway.dev/pool": "general-restricted" },
            "taints": [{ "key": "CriticalAddonsOnly", "value": "true", "effect": "NoSchedule" }],
        })
    }

    fn acme() -> PlatformId {
        PlatformId::parse("acme").unwrap()
    }

    #[test]
    fn an_untouched_pool_has_not_drifted_and_each_change_is_told() {
        let untouched = pool(SYSTEM.name, "slipway:acme");
        assert!(drift(&cluster(std::slice::from_ref(&untouched)), &acme()).is_empty());
        let told = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut pool = untouched.clone();
            change(&mut pool);
            drift(&cluster(&[pool]), &acme()).join(" ")
        };
        assert!(told(&|pool| pool["taints"] = serde_json::json!([])).contains("none"));
        assert!(told(&|pool| pool["labels"] = serde_json::json!({})).contains("labelled"));
        assert!(told(&|pool| pool["tag"] = "x".into()).contains("tagged"));
        let upgrading = told(&|pool| pool["tag"] = "slipway:acme (upgrading v1.36.5+1)".into());
        assert!(upgrading.contains("upgrade to v1.36.5+1"), "{upgrading}");
        assert_eq!(drift(&cluster(&[]), &acme()).len(), 1);
    }

    #[test]
    fn only_pools_without_the_mark_are_foreign() {
        let ours = [
            pool(SYSTEM.name, "slipway:acme"),
            pool("more", "slipway:acme (creating)"),
        ];
        assert!(warn_of_foreign(&cluster(&ours), &acme()).is_none());
        let theirs = [
            pool(SYSTEM.name, "slipway:acme"),
            pool("theirs", "slipway:acme2"),
        ];
        let told = warn_of_foreign(&cluster(&theirs), &acme()).unwrap();
        assert!(told.detail.contains("theirs"), "{told:?}");
    }
}
