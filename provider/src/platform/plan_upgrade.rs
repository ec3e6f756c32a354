//! The upgrade in the plan of a platform: whether there is one, to which build, and what stands in its way.

use tfplugin::{Diagnostics, Object, Plan};
use vultr::Cluster;

use super::plan::text;
use crate::fault::Fault;
use crate::kubernetes_version::Constraint;
use crate::session::Session;
use crate::upgrade;

/// The build that the cluster of a platform is to be raised to; nothing if the one that it runs will do. One that an
/// earlier run began is gone on with.
pub(super) async fn plan(
    op: &mut Plan<Session>,
    prior: &Object,
    constraint: &Constraint,
    build: &str,
) -> Result<Option<String>, Fault> {
    let running = running(op, prior).await?;
    let begun = running
        .as_ref()
        .and_then(upgrade::going_on)
        .filter(|begun| constraint.accepts(begun));
    let to = match begun {
        Some(begun) => begun.to_owned(),
        None if constraint.accepts(build) => return Ok(None),
        None => {
            let Some(cluster) = &running else {
                return Err(upgrade::unoffered(build, &constraint.to_string(), &[]));
            };
            upgrade::target(op.client.vultr().await?, cluster, constraint).await?
        }
    };
    op.warnings.push(upgrade::announcement(build, &to));
    if let Some(cluster) = &running {
        warn_of_full_budgets(op, &cluster.id).await;
    }
    Ok(Some(to))
}

async fn running(op: &Plan<Session>, prior: &Object) -> Result<Option<Cluster>, Fault> {
    let Some(id) = text(prior, "cluster_id").filter(|_| !op.client.is_unknown()) else {
        return Ok(None);
    };
    let clusters = op.client.clusters().await?;
    Ok(clusters.iter().find(|cluster| cluster.id == id).cloned())
}

/// Says that the first pool will be replaced, and which budgets would keep its pods.
pub(super) async fn warn_of_replacement(
    op: &mut Plan<Session>,
    prior: &Object,
    from: &str,
) -> Result<(), Diagnostics> {
    let pool: Object = op.planned.get("system_pool")?;
    let to = pool
        .value("chosen_plan")
        .as_str()
        .unwrap_or("(not known yet)");
    let name = crate::pool_kind::SYSTEM.name;
    let announcement =
        crate::surge::announcement(&format!("{name}, {from}"), &format!("{name}, {to}"));
    op.warnings.push(announcement.at("system_pool"));
    if let Some(cluster) = text(prior, "cluster_id") {
        warn_of_full_budgets(op, &cluster).await;
    }
    Ok(())
}

async fn warn_of_full_budgets(op: &mut Plan<Session>, cluster: &str) {
    if let Some(warning) = upgrade::warn_of_full_budgets(&op.client, cluster).await {
        op.warnings.push(warning);
    }
}
