//! What a plan says of an upgrade, and why one is refused.

use tfplugin::Diagnostic;

use crate::fault::{self, Fault};
use crate::nodes::FullBudget;
use crate::session::Session;

/// What a plan says of an upgrade to come.
pub(crate) fn announcement(from: &str, to: &str) -> Diagnostic {
    Diagnostic::warning(
        "Kubernetes will be upgraded",
        format!(
            "{from} -> {to}. Vultr replaces every node of every pool: what runs on one moves, nodes get new addresses, and local data of nodes is lost. Apply waits until every node has the new version and is ready."
        ),
    )
}

/// What a plan says of budgets that would keep an upgrade or a replacement from beginning; nothing if there are none, or
/// the cluster does not answer.
pub(crate) async fn warn_of_full_budgets(session: &Session, cluster: &str) -> Option<Diagnostic> {
    let access = session.access(cluster).await.ok()?;
    let full = access.full_budgets().await.ok()?;
    (!full.is_empty()).then(|| {
        Diagnostic::warning(
            format!("{} ({})", fault::FULL_BUDGETS.summary, fault::FULL_BUDGETS.code),
            format!(
                "Nodes will be replaced, and at present these budgets let no pod leave a node. Apply will not go against them:\n{}",
                spell(&full)
            ),
        )
    })
}

/// A build that a cluster cannot be raised to.
pub(crate) fn unoffered(from: &str, wanted: &str, offered: &[String]) -> Fault {
    let offers = if offered.is_empty() {
        "Vultr offers no other build for it at present.".to_owned()
    } else {
        format!("Vultr offers for it: {}.", offered.join(", "))
    };
    Fault::new(
        fault::BUILD_CHANGE,
        format!(
            "The cluster runs {from}, and {wanted} is asked for. {offers} A cluster is never lowered, and raised one minor at a time: write a constraint that {from} or one of these satisfies."
        ),
    )
}

/// Budgets, a line each.
pub(super) fn spell(budgets: &[FullBudget]) -> String {
    let lines: Vec<String> = budgets.iter().map(|one| format!("  {one}")).collect();
    lines.join("\n")
}
