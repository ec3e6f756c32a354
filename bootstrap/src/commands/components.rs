//! `components`: what a platform can have, in which versions and sizes, and what waits for what.

use crate::arguments::ComponentsArguments;
use crate::commands::{open_bundle, say};
use run_report::{Catalog, Component, Size};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Says what the catalogue holds.
pub(crate) fn run(arguments: &ComponentsArguments) -> ExitCode {
    let bundle = match open_bundle(arguments.bundle.as_deref()) {
        Ok(bundle) => bundle,
        Err(refused) => return refused,
    };
    if arguments.json {
        say(&to_json(&bundle.catalog).to_string());
    } else {
        say(to_text(&bundle.catalog).trim_end());
    }
    ExitCode::SUCCESS
}

fn to_json(catalog: &Catalog) -> Value {
    let all = all_of(catalog);
    let components: Map<String, Value> = catalog
        .iter()
        .map(|(name, component)| (name.to_owned(), one_to_json(component)))
        .collect();
    json!({"components": components, "waves": catalog.waves(&all)})
}

fn one_to_json(component: &Component) -> Value {
    json!({
        "summary": component.summary,
        "default": component.default,
        "namespace": component.namespace,
        "chart": component.chart,
        "sizes": component.sizes,
        "needs": component.needs,
        "uses": component.uses,
        "secrets": component.secrets,
        "backends": component.backends,
    })
}

/// In the order in which they run; those of a group run at the same time.
fn to_text(catalog: &Catalog) -> String {
    let mut text = format!(
        "{:<20} {:<4} {:<14} {:<14} {:<8} {:<34} PURPOSE\n",
        "COMPONENT", "ON", "CHART", "APP", "SIZES", "AFTER"
    );
    for wave in catalog.waves(&all_of(catalog)) {
        for name in wave {
            if let Some(component) = catalog.get(&name) {
                let _ = writeln!(text, "{}", row(&name, component));
            }
        }
    }
    text.push_str("\nON: part of a platform that lists no components. AFTER: runs after these; those with * are read, so a change there runs it again.");
    text
}

fn row(name: &str, component: &Component) -> String {
    let sizes: Vec<&str> = component.sizes.iter().copied().map(Size::as_str).collect();
    let used = component.uses.iter().map(|name| format!("{name}*"));
    let after: Vec<String> = component.needs.iter().cloned().chain(used).collect();
    let on = if component.default { "yes" } else { "no" };
    let (chart, app) = (&component.chart.version, &component.chart.app_version);
    format!(
        "{name:<20} {on:<4} {chart:<14} {app:<14} {:<8} {:<34} {}",
        sizes.join(","),
        after.join(", "),
        component.summary
    )
}

fn all_of(catalog: &Catalog) -> BTreeSet<String> {
    catalog.iter().map(|(name, _)| name.to_owned()).collect()
}
