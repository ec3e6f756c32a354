//! Helm ignores a value that a chart does not know. So every key that a role sets is held against the values of the
//! real chart, and the charts that stand in for the real ones offline are held against both.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use serde_json::Value;
use slipway_tests::charts::{Component, Known, components};

#[test]
fn every_value_a_role_sets_is_known_to_the_real_chart() {
    let faults = faults_of(|component| {
        let known = Known::everything(&component.upstream()).unwrap();
        component.unknown_to(&known).unwrap()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_value_a_role_sets_is_known_to_the_stand_in() {
    let faults = faults_of(|component| {
        let known = Known::values_only(&component.stand_in()).unwrap();
        component.unknown_to(&known).unwrap()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_stand_in_knows_no_value_that_the_real_chart_does_not() {
    let faults = faults_of(|component| {
        let known = Known::everything(&component.upstream()).unwrap();
        let faults = known.unknown(&yaml(&component.stand_in().join("values.yaml")));
        faults
            .into_iter()
            .map(|fault| format!("stand-in for {}: {fault}", component.chart))
            .collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_stand_in_has_the_pinned_version() {
    for component in foreign() {
        let chart = yaml(&component.stand_in().join("Chart.yaml"));
        assert_eq!(chart["name"], component.chart);
        assert_eq!(
            chart["version"], component.version,
            "version of {}",
            component.chart
        );
        assert_eq!(
            chart["appVersion"], component.app_version,
            "app version of {}",
            component.chart
        );
    }
}

#[test]
fn the_charts_of_our_own_know_what_their_roles_set() {
    let own: Vec<Component> = all().into_iter().filter(Component::is_our_own).collect();
    assert!(!own.is_empty(), "MinIO's chart is ours");
    for component in own {
        let known = Known::values_only(&component.stand_in()).unwrap();
        let faults = component.unknown_to(&known).unwrap();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}

#[test]
fn a_mistyped_key_and_a_wrong_kind_are_found() {
    let of = |chart: &str| {
        let component = foreign()
            .into_iter()
            .find(|component| component.chart == chart);
        Known::everything(&component.unwrap().upstream()).unwrap()
    };
    let wrong = serde_json::json!({
        "proxy": { "tpye": "LoadBalancer", "http": [] },
        "env": { "anything": "goes" },
        "nodeSelector": { "any": "label" },
        "topologySpreadConstraints": [],
    });
    assert_eq!(
        of("kong").unknown(&wrong),
        [
            "proxy.http is a map in the values",
            "proxy.tpye is not in the values"
        ]
    );
    let wrong = serde_json::json!({ "master": { "tolerations": [] } });
    assert_eq!(
        of("seaweedfs").unknown(&wrong),
        ["master.tolerations is text in the values"]
    );
}

fn faults_of(check: impl Fn(&Component) -> Vec<String>) -> Vec<String> {
    let components = foreign();
    assert!(
        components.len() > 5,
        "{} charts are no catalogue",
        components.len()
    );
    components.iter().flat_map(check).collect()
}

fn all() -> Vec<Component> {
    components().unwrap()
}

/// The components that are installed from charts of others.
fn foreign() -> Vec<Component> {
    all()
        .into_iter()
        .filter(|component| !component.is_our_own())
        .collect()
}

fn yaml(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
