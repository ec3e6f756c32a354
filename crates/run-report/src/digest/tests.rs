use super::*;
use crate::graph::tests::catalog;
use proptest::prelude::*;

fn graph() -> Catalog {
    let mut graph = catalog(&[
        ("base", &[], &[]),
        ("app", &["other"], &["base"]),
        ("other", &[], &[]),
    ]);
    graph.components.get_mut("base").unwrap().secrets = vec!["token".to_owned()];
    graph
}

fn request(name: &str) -> ComponentRequest {
    ComponentRequest {
        name: name.into(),
        enabled: true,
        version: None,
        size: Size::Dev,
        values: None,
    }
}

fn all() -> Vec<ComponentRequest> {
    ["base", "app", "other"].map(request).into()
}

fn record(wanted: &Wanted) -> JournalRecord {
    let graph = graph();
    let component = graph.get(&wanted.name).unwrap();
    JournalRecord::running(
        wanted,
        component,
        uuid::Uuid::nil(),
        None,
        jiff::Timestamp::UNIX_EPOCH,
    )
    .finished(None, 0, jiff::Timestamp::UNIX_EPOCH)
}

/// The reasons after a first, good run of everything, when the request or the catalogue was then changed.
fn reasons(
    change: impl Fn(&mut Catalog, &mut Vec<ComponentRequest>, &mut u64),
) -> Vec<(String, Reason)> {
    let (mut graph, mut components, mut secrets_version) = (graph(), all(), 1);
    let before = graph.wanted(&components, secrets_version).unwrap();
    change(&mut graph, &mut components, &mut secrets_version);
    let after = graph.wanted(&components, secrets_version).unwrap();
    after
        .into_iter()
        .filter_map(|(name, wanted)| {
            Some((
                Reason::to_run(&wanted, before.get(&name).map(record).as_ref())?,
                name,
            ))
        })
        .map(|(reason, name)| (name, reason))
        .collect()
}

fn named(reasons: &[(&str, Reason)]) -> Vec<(String, Reason)> {
    reasons
        .iter()
        .map(|(name, reason)| ((*name).to_owned(), *reason))
        .collect()
}

#[test]
fn nothing_changed_nothing_runs() {
    assert_eq!(reasons(|_, _, _| {}), []);
    assert_eq!(reasons(|_, components, _| components.reverse()), []);
    assert_eq!(
        reasons(|_, components, _| components[0].values = Some("{}".into())),
        []
    );
}

#[test]
fn a_change_runs_the_component_and_what_uses_it_but_not_what_only_waits_for_it() {
    let changed = named(&[("app", Reason::Inputs), ("base", Reason::Values)]);
    assert_eq!(
        reasons(|_, components, _| components[0].values = Some("a: 1".into())),
        changed
    );
    let only_itself = named(&[("other", Reason::Values)]);
    assert_eq!(
        reasons(|_, components, _| components[2].values = Some("a: 1".into())),
        only_itself
    );
}

#[test]
fn each_kind_of_change_has_its_reason() {
    let of_other = |reason| named(&[("other", reason)]);
    assert_eq!(
        reasons(|_, c, _| c[2].version = Some("2.0.0".into())),
        of_other(Reason::Version)
    );
    assert_eq!(
        reasons(|_, c, _| c[2].size = Size::Ha),
        of_other(Reason::Size)
    );
    let moved = |graph: &mut Catalog| {
        graph.components.get_mut("other").unwrap().namespace = "elsewhere".into();
    };
    assert_eq!(
        reasons(|graph, _, _| moved(graph)),
        of_other(Reason::Playbook)
    );
    let secrets = named(&[("app", Reason::Inputs), ("base", Reason::Secrets)]);
    assert_eq!(reasons(|_, _, version| *version = 2), secrets);
}

#[test]
fn a_summary_or_an_order_changes_nothing() {
    let reworded = |graph: &mut Catalog| {
        let other = graph.components.get_mut("other").unwrap();
        other.summary = "better words".into();
        other.needs = vec!["base".into()];
    };
    assert_eq!(reasons(|graph, _, _| reworded(graph)), []);
}

#[test]
fn a_run_that_did_not_end_well_is_run_again() {
    let wanted = graph().wanted(&all(), 1).unwrap().remove("other").unwrap();
    assert_eq!(Reason::to_run(&wanted, None), Some(Reason::New));
    for outcome in [Progress::Running, Progress::Failed] {
        let before = JournalRecord {
            outcome,
            ..record(&wanted)
        };
        assert_eq!(
            Reason::to_run(&wanted, Some(&before)),
            Some(Reason::FailedBefore)
        );
    }
}

#[test]
fn what_is_disabled_is_not_wanted() {
    let mut components = all();
    components[2].enabled = false;
    assert_eq!(
        graph()
            .wanted(&components, 1)
            .unwrap()
            .into_keys()
            .collect::<Vec<_>>(),
        ["app", "base"]
    );
}

#[test]
fn mistakes_name_the_component() {
    let mut broken = request("other");
    broken.values = Some("[".into());
    let error = graph().wanted(&[broken], 1).unwrap_err().to_string();
    assert!(
        error.starts_with("component `other`: the values are not YAML"),
        "{error}"
    );
    let error = graph()
        .wanted(&[request("othr")], 1)
        .unwrap_err()
        .to_string();
    assert!(error.contains("did you mean `other`?"), "{error}");
}

proptest! {
    #[test]
    fn the_order_of_keys_in_the_values_does_not_matter(pairs in proptest::collection::btree_map("[a-z]{1,6}", any::<i32>(), 1..8)) {
        let text = |lines: Vec<String>| Some(lines.join("\n"));
        let forward: Vec<String> = pairs.iter().map(|(k, v)| format!("k{k}: {v}")).collect();
        let backward: Vec<String> = forward.iter().rev().cloned().collect();
        let digest = |values| {
            let mut one = request("other");
            one.values = values;
            graph().wanted(&[one], 1).unwrap().remove("other").unwrap().digests
        };
        prop_assert_eq!(digest(text(forward)), digest(text(backward)));
    }
}
