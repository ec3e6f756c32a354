//! The plan of a destroy: what refuses it, what goes along, what stays.

use tfplugin::{Diagnostic, Diagnostics, Object, PlanDestroy};

use super::Phase;
use super::plan::text;
use super::settings::on_destroy;
use crate::fault::{self, Fault};
use crate::session::{Session, cloud};

/// Plans a destroy: refuses while the platform is protected, and says what goes and what stays.
pub(super) async fn plan_destroy(op: &mut PlanDestroy<Session>) -> Result<(), Diagnostics> {
    refuse_protected(&op.prior)?;
    let Some(cluster) = text(&op.prior, "cluster_id") else {
        return Ok(());
    };
    let linked = op
        .client
        .vultr()
        .await?
        .linked_resources(&cluster)
        .await
        .map_err(|error| cloud(&format!("listing what cluster {cluster} made"), &error))?;
    let Some(linked) = linked else {
        return Ok(());
    };
    let policy = on_destroy(&op.prior)?;
    let balancers = linked
        .load_balancer
        .iter()
        .map(|one| format!("  load balancer {} {} {}", one.id, one.label, one.ipv4));
    let volumes = linked.block_storage.iter().map(|one| {
        format!(
            "  volume {} {} {} GB",
            one.id,
            one.label,
            one.size_gb.unwrap_or_default()
        )
    });
    let (mut go, mut stay) = (Vec::new(), Vec::new());
    for (deleted, lines) in [
        (policy.delete_load_balancers, balancers.collect::<Vec<_>>()),
        (policy.delete_volumes, volumes.collect()),
    ] {
        if deleted {
            go.extend(lines);
        } else {
            stay.extend(lines);
        }
    }
    for (summary, lines) in [
        ("Destroy takes along", go),
        ("Destroy leaves behind, and it goes on costing", stay),
    ] {
        if !lines.is_empty() {
            op.warnings
                .push(Diagnostic::warning(summary, lines.join("\n")));
        }
    }
    Ok(())
}

/// Refuses to destroy a finished platform that is protected.
pub(super) fn refuse_protected(state: &Object) -> Result<(), Diagnostics> {
    let protected = state
        .get::<Option<bool>>("deletion_protection")?
        .unwrap_or(true);
    if !protected || Phase::of(state) == Phase::Incomplete {
        return Ok(());
    }
    let name = text(state, "name").unwrap_or_default();
    Err(Fault::new(
        fault::PROTECTED,
        format!("Platform {name} has deletion_protection. Set deletion_protection = false, apply that, then destroy."),
    )
    .at("deletion_protection")
    .into())
}
