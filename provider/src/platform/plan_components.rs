//! The components in the plan of a platform: what is wanted of them, and which playbooks will run and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use run_report::{Catalog, JournalRecord, Reason, Wanted};
use tfplugin::value::Attr;
use tfplugin::{Change, Diagnostic, Diagnostics, Object, Plan};

use super::components::{self, ComponentSetting, Statuses};

use crate::fault::{self, Fault};
use crate::session::Session;

/// Resolves what is wanted of the components into the planned state; nothing while a part of it is not known.
pub(super) fn plan(
    catalog: &Catalog,
    op: &mut Plan<Session>,
) -> Result<Option<BTreeMap<String, Wanted>>, Diagnostics> {
    let known = ["components", "component_secrets_wo_version"]
        .iter()
        .all(|name| op.planned.value(name).is_wholly_known());
    if !known {
        op.planned.set_unknown("component_status");
        return Ok(None);
    }
    let wanted = wanted(catalog, &op.planned)?;
    op.planned.set(
        "component_status",
        components::planned_statuses(catalog, &wanted),
    );
    Ok(Some(wanted))
}

/// The enabled components of a planned state, with their digests.
pub(super) fn wanted(
    catalog: &Catalog,
    planned: &Object,
) -> Result<BTreeMap<String, Wanted>, Diagnostics> {
    let settings: Option<BTreeMap<String, ComponentSetting>> = planned.get("components")?;
    let version: Option<u64> = planned.get("component_secrets_wo_version")?;
    let requests = components::requests(catalog, &settings.unwrap_or_default());
    catalog
        .wanted(&requests, version.unwrap_or(0))
        .map_err(|error| {
            Fault::new(fault::BAD_COMPONENT, format!("components: {error}."))
                .at("components")
                .into()
        })
}

/// Says which playbooks will run and why, what is left installed, and which secrets nobody reads. `cluster` is the one
/// whose journal tells what is done already.
pub(super) async fn warn(
    catalog: &Catalog,
    op: &mut Plan<Session>,
    wanted: &BTreeMap<String, Wanted>,
    cluster: Option<&str>,
) -> Result<(), Diagnostics> {
    let before = match &op.prior {
        Some(prior) => prior
            .get::<Option<Statuses>>("component_status")?
            .unwrap_or_default(),
        None => Statuses::new(),
    };
    let due = match journal(op, wanted, cluster).await {
        Some(records) => components::due(wanted, &records),
        None => components::due_by_state(wanted, &before),
    };
    if !due.is_empty() {
        op.warnings.push(Diagnostic::warning(
            "Playbooks will run",
            list_runs(catalog, wanted, &due),
        ));
    }
    let left: Vec<&str> = before
        .keys()
        .filter(|name| !wanted.contains_key(*name))
        .map(String::as_str)
        .collect();
    if !left.is_empty() {
        op.warnings.push(Diagnostic::warning(
            "Components stay installed",
            format!("{} will no longer be managed. Slipway does not uninstall a component; remove its chart with Helm if it shall go.", left.join(", ")),
        ));
    }
    if op.changed_anything() {
        warn_of_secrets(catalog, op);
    }
    Ok(())
}

/// What the cluster records: as the refresh has read it, or, for a create that goes on, read now if it answers.
async fn journal(
    op: &Plan<Session>,
    wanted: &BTreeMap<String, Wanted>,
    cluster: Option<&str>,
) -> Option<Arc<BTreeMap<String, JournalRecord>>> {
    let cluster = cluster?;
    if op.change == Change::Create && !wanted.is_empty() {
        return op.client.journal(cluster).await.ok();
    }
    op.client.seen_journal(cluster)
}

fn list_runs(
    catalog: &Catalog,
    wanted: &BTreeMap<String, Wanted>,
    due: &BTreeMap<String, Reason>,
) -> String {
    let line = |(name, reason): (&String, &Reason)| {
        let chart = catalog
            .get(name)
            .map(|component| component.chart.name.as_str())
            .unwrap_or_default();
        let version = wanted
            .get(name)
            .map(|one| one.version.as_str())
            .unwrap_or_default();
        format!(
            "  {name}  {chart} {version}  ({})",
            components::spell(*reason)
        )
    };
    due.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn warn_of_secrets(catalog: &Catalog, op: &mut Plan<Session>) {
    let Ok(Attr::Known(secrets)) = op
        .config
        .get::<Attr<BTreeMap<String, tfplugin::Value>>>("component_secrets_wo")
    else {
        return;
    };
    let read: Vec<&str> = catalog
        .iter()
        .flat_map(|(_, component)| component.secrets.iter().map(String::as_str))
        .collect();
    let unread: Vec<&str> = secrets
        .keys()
        .map(String::as_str)
        .filter(|name| !read.contains(name))
        .collect();
    if !unread.is_empty() {
        op.warnings.push(Diagnostic::warning(
            format!(
                "{} ({})",
                fault::BAD_SECRETS.summary,
                fault::BAD_SECRETS.code
            ),
            format!(
                "No component reads {}. Read are: {}.",
                unread.join(", "),
                read.join(", ")
            ),
        ));
    }
}
