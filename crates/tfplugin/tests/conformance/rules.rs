//! Every rule has a test that bears its name.

use std::collections::BTreeSet;

const SOURCES: [&str; 8] = [
    include_str!("schema.rs"),
    include_str!("plan.rs"),
    include_str!("apply.rs"),
    include_str!("read.rs"),
    include_str!("values.rs"),
    include_str!("wire.rs"),
    include_str!("logs.rs"),
    include_str!("stops.rs"),
];

/// The rules that the tests of a source are named by.
fn tested(source: &str) -> BTreeSet<String> {
    let mut tested = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim_start) {
        let name = line.trim_start_matches("async ").strip_prefix("fn ");
        if let (true, Some(name)) = (is_test, name) {
            tested.extend(name.split('_').next().map(str::to_owned));
        }
        is_test = line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    }
    tested
}

#[test]
fn every_rule_has_a_test_of_its_name() {
    let tested: BTreeSet<String> = SOURCES.into_iter().flat_map(tested).collect();
    let core = (1..=46).map(|number| format!("c{number:02}"));
    let wire = (1..=24).map(|number| format!("w{number:02}"));
    let rules = core.chain(wire).chain(["c08b".to_owned()]);
    let missing: Vec<String> = rules.filter(|rule| !tested.contains(rule)).collect();
    assert!(missing.is_empty(), "no test for {missing:?}");
}
