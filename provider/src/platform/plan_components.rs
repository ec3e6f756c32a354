//! The components in the plan of a platform: what is wanted of them, and which playbooks will run and why.

use std::collections::BTreeMap;

use run_report::{Catalog, Reason, Wanted};
use tfplugin::value::Attr;
use tfplugin::{Change, Diagnostic, Diagnostics, Object, Plan};

use super::components::{self, ComponentSetting};
use super::plan::text;
use super::status::{self, Due, Statuses};
use crate::bootstrap_host;
use crate::fault::{self, Fault};
use crate::price::dollars;
use crate::session::Session;
use crate::stock::Market;

/// What is wanted of the components, and which of them have to run.
pub(super) struct Intent {
    wanted: BTreeMap<String, Wanted>,
    due: Due,
    stored: Statuses,
}

/// Resolves what is wanted of the components into the planned state; nothing while a part of it is not known.
pub(super) fn plan(
    catalog: &Catalog,
    op: &mut Plan<Session>,
) -> Result<Option<Intent>, Diagnostics> {
    let known = ["components", "component_secrets_wo_version"]
        .iter()
        .all(|name| op.planned.value(name).is_wholly_known());
    if !known {
        op.planned.set_unknown("component_status");
        return Ok(None);
    }
    let wanted = wanted(catalog, &op.planned)?;
    let stored: Statuses = match &op.prior {
        Some(prior) => prior
            .get::<Option<_>>("component_status")?
            .unwrap_or_default(),
        None => Statuses::new(),
    };
    let due = match op.change {
        Change::Create => status::all_new(&wanted),
        Change::Update => status::due_by_state(&wanted, &stored, &op.private),
    };
    op.planned.set(
        "component_status",
        status::planned(catalog, &wanted, &due, &stored),
    );
    Ok(Some(Intent {
        wanted,
        due,
        stored,
    }))
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

/// Says which playbooks will run and why, what is left installed, and which secrets nobody reads. `unfinished` is the
/// cluster of a create that was broken off: its journal tells what is done already.
pub(super) async fn warn(
    catalog: &Catalog,
    op: &mut Plan<Session>,
    intent: &Intent,
    unfinished: Option<&str>,
) -> Result<(), Diagnostics> {
    let Intent {
        wanted,
        due,
        stored,
    } = intent;
    let rest = match unfinished.filter(|_| !wanted.is_empty()) {
        Some(cluster) => op.client.journal(cluster).await.ok(),
        None => None,
    };
    let due = rest.map_or_else(|| due.clone(), |records| status::due(wanted, &records));
    if !due.is_empty() {
        let detail = list_runs(catalog, wanted, &due) + &host_price(op).await;
        op.warnings
            .push(Diagnostic::warning("Playbooks will run", detail));
    }
    let left: Vec<&str> = stored
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

fn list_runs(catalog: &Catalog, wanted: &BTreeMap<String, Wanted>, due: &Due) -> String {
    let line = |(name, reason): (&String, &Reason)| {
        let (component, wanted) = (catalog.get(name)?, wanted.get(name)?);
        let backend = component
            .backend(&wanted.values)
            .map(|backend| format!(", backend {backend}"))
            .unwrap_or_default();
        Some(format!(
            "  {name}  {} {}{backend}  ({})",
            component.chart.name,
            wanted.version,
            status::spell(*reason)
        ))
    };
    due.iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

/// What the server costs on which they run; nothing where the catalogue cannot be asked yet.
async fn host_price(op: &Plan<Session>) -> String {
    let Some(region) = text(&op.planned, "region").filter(|_| !op.client.is_unknown()) else {
        return String::new();
    };
    let Ok(market) = Market::of(&op.client, &region).await else {
        return String::new();
    };
    let Some(plan) = bootstrap_host::plan(&market) else {
        return format!(
            "\nThey run on a server of their own, and region {region} has none of the size in stock now."
        );
    };
    let rate = plan.rate_in(&region);
    let price = rate.hourly.map_or_else(
        || format!("{} USD a month", dollars(rate.monthly)),
        |hourly| format!("{} USD an hour", hourly.normalize()),
    );
    format!(
        "\nThey run on a server of their own, {} at {price}, which is removed when they have ended.",
        plan.id
    )
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
