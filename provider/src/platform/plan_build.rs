//! The Kubernetes build in the plan of a platform: what the constraint resolves to, what runs, and how long it can be had.

use tfplugin::{Change, Diagnostic, Diagnostics, Object, Plan};
use vultr::Cluster;

use super::plan::{has_no_cluster, text};
use super::plan_upgrade;
use crate::catalogue::Catalogue;
use crate::fault::Fault;
use crate::kubernetes_version::{Constraint, Standing};
use crate::session::Session;

/// Resolves the constraint of a new platform, or keeps the build of the cluster that an unfinished create has made.
pub(super) fn choose(
    op: &mut Plan<Session>,
    running: Option<&Cluster>,
    catalogue: &Catalogue,
) -> Option<Fault> {
    let Some(text) = text(&op.planned, "kubernetes_version") else {
        op.planned.set_unknown("kubernetes_build");
        return None;
    };
    let constraint = Constraint::parse(&text).ok()?;
    let kept = running
        .map(|cluster| cluster.version.clone())
        // From Terraform 1.16 on the first plan's choice comes back, so a build that appears in between changes nothing.
        .or_else(|| op.private.get::<String>("build"))
        .filter(|build| constraint.accepts(build));
    let build = match kept.map_or_else(|| catalogue.build(&constraint).map(str::to_owned), Ok) {
        Ok(build) => build,
        Err(fault) => return Some(fault),
    };
    op.planned.set("kubernetes_build", build.as_str());
    // A text always has a JSON form.
    let _ = op.private.set("build", &build);
    warn(op, &build, &catalogue.builds);
    None
}

/// The running build stays while it satisfies the constraint; else the cluster is raised to one on offer for it.
pub(super) async fn keep(
    op: &mut Plan<Session>,
    prior: &Object,
) -> Result<Option<Fault>, Diagnostics> {
    let Some(written) = text(&op.planned, "kubernetes_version") else {
        return Ok(None);
    };
    let Ok(constraint) = Constraint::parse(&written) else {
        return Ok(None);
    };
    let running = text(prior, "kubernetes_build").filter(|_| !has_no_cluster(prior));
    let Some(build) = running.filter(|_| !op.replacing()) else {
        let catalogue = op.client.catalogue().await?;
        return Ok(choose(op, None, &catalogue));
    };
    match plan_upgrade::plan(op, prior, &constraint, &build).await {
        Ok(Some(to)) => {
            op.planned.set("kubernetes_build", to);
            Ok(None)
        }
        Ok(None) => {
            op.planned.set("kubernetes_build", build.as_str());
            if !op.client.is_unknown() {
                let builds = op.client.builds().await?;
                warn(op, &build, &builds);
            }
            Ok(None)
        }
        Err(fault) => Ok(Some(fault.at("kubernetes_version"))),
    }
}

/// Says what a build's place among those on offer means. That it is withdrawn is said in every plan, since something has
/// to be done; that it is the oldest, only in a plan that changes something.
fn warn(op: &mut Plan<Session>, build: &str, offered: &[String]) {
    let changes = op.change == Change::Create || op.changed_anything();
    let (summary, why) = match Standing::of(build, offered) {
        Standing::Withdrawn => (
            "Kubernetes build is withdrawn",
            "is no longer offered by Vultr. The cluster goes on with it; a new cluster could not be made with it, and fixes come only with an upgrade.",
        ),
        Standing::Oldest if changes => (
            "Kubernetes build is near its end",
            "is of the oldest minor version that Vultr still offers, which is the next to be withdrawn. Vultr publishes no dates for that in its API.",
        ),
        Standing::Oldest | Standing::Good => return,
    };
    let detail = format!("{build} {why} Offered now: {}.", offered.join(", "));
    op.warnings
        .push(Diagnostic::warning(summary, detail).at("kubernetes_version"));
}
