//! Holds what the roles set against the charts: keys that a chart does not know, pods that do not keep to the rules, and
//! what all of it asks for.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use slipway_tests::charts::{Component, Known, SIZES, components, render, table};

use crate::tools;

/// Arguments of `cargo xtask charts`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folder with real charts, as folders or archives named after the chart, to render instead of our stand-ins.
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let helm = tools::ensure()?.join("helm");
    let mut faults = Vec::new();
    for component in components()? {
        if !component.is_our_own() {
            faults.extend(component.unknown_to(&Known::everything(&component.upstream())?)?);
        }
        let Some(chart) = chart(arguments, &component)? else {
            eprintln!("not rendered: {} {}", component.name, component.chart);
            continue;
        };
        for size in SIZES {
            faults.extend(render(&helm, &chart, &component, size)?.faults());
        }
    }
    for row in table(&helm)? {
        writeln!(std::io::stdout(), "{row}")?;
    }
    if !faults.is_empty() {
        bail!("the charts do not fit:\n{}", faults.join("\n"));
    }
    Ok(())
}

/// The chart to render: ours, or the one in the folder, if there is one.
fn chart(arguments: &Arguments, component: &Component) -> Result<Option<PathBuf>> {
    match &arguments.from {
        Some(folder) if !component.is_our_own() => real_chart(folder, &component.chart),
        _ => Ok(Some(component.stand_in())),
    }
}

fn real_chart(folder: &Path, name: &str) -> Result<Option<PathBuf>> {
    let unpacked = folder.join(name);
    if unpacked.join("Chart.yaml").is_file() {
        return Ok(Some(unpacked));
    }
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("the folder {} cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let version = file
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('-'))
            .and_then(|rest| rest.strip_suffix(".tgz"));
        // `kong-operator-1.0.0.tgz` is no archive of `kong`.
        if version.is_some_and(|version| {
            version
                .trim_start_matches('v')
                .starts_with(|first: char| first.is_ascii_digit())
        }) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
