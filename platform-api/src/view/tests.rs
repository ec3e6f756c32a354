use super::*;
use crate::environment::tests::environment;
use claims::Gone;

fn observed(names: &[&str]) -> Observed {
    Observed {
        environments: names
            .iter()
            .map(|name| environment(name, "team1"))
            .collect(),
        ..Observed::default()
    }
}

fn removed(name: &str) -> Observed {
    Observed {
        removed: vec![(name.to_owned(), Origin::Bucket)],
        ..Observed::default()
    }
}

fn names(view: &View) -> Vec<String> {
    view.all()
        .iter()
        .map(|seen| seen.name().to_owned())
        .collect()
}

#[test]
fn a_sweep_that_began_before_a_write_does_not_undo_it() {
    let view = View::default();
    let begun = Instant::now();
    let mut own = environment("dev-x", "team1");
    own.claim.user = "joe@acme.example".into();
    view.put(own);
    view.sweep(begun, removed("dev-x"));
    view.sweep(begun, observed(&["dev-x", "dev-y"]));
    assert_eq!(view.get("dev-x").unwrap().claim.user, "joe@acme.example");
    view.sweep(Instant::now(), removed("dev-x"));
    assert_eq!(names(&view), ["dev-y"]);
}

#[test]
fn listeners_hear_of_changes_only() {
    let view = View::default();
    let mut changes = view.changes();
    view.sweep(Instant::now(), observed(&["dev-a"]));
    view.sweep(Instant::now(), observed(&["dev-a"]));
    view.sweep(Instant::now(), removed("dev-a"));
    let heard: Vec<ChangeKind> = std::iter::from_fn(|| changes.try_recv().ok())
        .map(|change| change.kind)
        .collect();
    assert_eq!(heard, [ChangeKind::Added, ChangeKind::Removed]);
}

#[test]
fn a_second_claim_of_a_name_does_not_harm_the_first() {
    let view = View::default();
    view.sweep(Instant::now(), observed(&["dev-a"]));
    let mut second = environment("dev-a", "team2");
    second.origin = Origin::Git;
    let both = Observed {
        environments: vec![second],
        removed: vec![("dev-a".to_owned(), Origin::Git)],
        ..Observed::default()
    };
    view.sweep(Instant::now(), both);
    assert_eq!(view.get("dev-a").unwrap().claim.environment_pool, "team1");
}

#[test]
fn a_change_makes_the_version_grow() {
    let view = View::default();
    let first = view.put(environment("dev-a", "team1")).version;
    let mut other = environment("dev-a", "team1");
    other.claim.user = "joe@acme.example".into();
    assert!(view.put(other).version > first);
}

#[test]
fn of_two_who_ask_at_once_the_second_counts_the_first() {
    let view = View::default();
    view.put(environment("dev-a", "team1"));
    view.put(Environment {
        gone: Some(Gone::Expired {
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
        }),
        ..environment("dev-gone", "team1")
    });
    let first = view.reserve("team1", "dev-b");
    let second = view.reserve("team1", "dev-c");
    assert_eq!((first.live, second.live), (1, 2));
    assert_eq!(view.reserve("team2", "dev-d").live, 0);
    drop((first, second));
    assert_eq!(view.reserve("team1", "dev-a").live, 0);
    assert_eq!(view.live_in_pool("team1"), 1);
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    let view = View::default();
    view.sweep(
        Instant::now(),
        observed(&["dev-a", "dev-b", "dev-c", "dev-d"]),
    );
    let wanted = |seen: &Environment| seen.name() != "dev-b";
    let (first, more) = view.page(None, 2, wanted);
    assert!(more && first.len() == 2);
    let (second, more) = view.page(Some(first[1].name()), 2, wanted);
    assert_eq!(second[0].name(), "dev-d");
    assert!(!more);
}
