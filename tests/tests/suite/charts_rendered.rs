//! What the roles' values make of the charts: pods that keep to the rules, and sums that the documentation tells.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use slipway_tests::charts::{SIZES, components, render, table};
use slipway_tests::{engines, workspace};

#[test]
fn every_component_keeps_to_the_rules_in_both_sizes() {
    let helm = engines().unwrap().join("helm");
    let mut faults = Vec::new();
    for component in components().unwrap() {
        for size in SIZES {
            let rendered = render(&helm, &component.stand_in(), &component, size).unwrap();
            faults.extend(rendered.faults());
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_documentation_tells_what_is_asked_for() {
    let rows = table(&engines().unwrap().join("helm")).unwrap();
    let page = std::fs::read_to_string(workspace().join("docs/components.md")).unwrap();
    let missing: Vec<&String> = rows
        .iter()
        .filter(|row| !page.lines().any(|line| line.starts_with(row.as_str())))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/components.md has not these rows, as `cargo xtask charts` prints them:\n{}",
        missing
            .iter()
            .map(|row| row.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn the_lock_names_every_chart_and_image() {
    let lock = std::fs::read_to_string(workspace().join("playbooks/components.lock")).unwrap();
    let helm = engines().unwrap().join("helm");
    let mut missing = Vec::new();
    let mut look_for = |what: String| {
        if !lock.contains(&format!("  {what:?}: ")) {
            missing.push(what);
        }
    };
    for component in components().unwrap() {
        if !component.is_our_own() {
            look_for(format!("{} {}", component.chart, component.version));
        }
        for size in SIZES {
            let rendered = render(&helm, &component.stand_in(), &component, size).unwrap();
            rendered
                .images()
                .unwrap()
                .into_iter()
                .for_each(&mut look_for);
        }
    }
    assert!(
        missing.is_empty(),
        "write the lock anew with `cargo xtask lock`, it does not name {}",
        missing.join(", ")
    );
}
