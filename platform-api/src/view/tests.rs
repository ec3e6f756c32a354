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
        removed: vec![(name.parse().unwrap(), Origin::Bucket)],
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
fn a_look_that_began_before_a_write_does_not_undo_it() {
    let view = View::default();
    let begun = Instant::now();
    let mut own = environment("dev-x", "team1");
    own.claim.user = "joe@acme.example".into();
    view.put(own);
    view.take(begun, removed("dev-x"));
    // What it found may as well be newer than the write: it is to be read again.
    let passed_over = view.take(begun, observed(&["dev-x", "dev-y"]));
    assert_eq!(passed_over, ["dev-x.json"]);
    assert_eq!(view.get("dev-x").unwrap().claim.user, "joe@acme.example");
    view.take(Instant::now(), removed("dev-x"));
    assert_eq!(names(&view), ["dev-y"]);
}

#[test]
fn listeners_hear_of_changes_only() {
    let view = View::default();
    let mut changes = view.changes();
    view.take(Instant::now(), observed(&["dev-a"]));
    view.take(Instant::now(), observed(&["dev-a"]));
    view.take(Instant::now(), removed("dev-a"));
    let heard: Vec<ChangeKind> = std::iter::from_fn(|| changes.try_recv().ok())
        .map(|change| change.kind)
        .collect();
    assert_eq!(heard, [ChangeKind::Added, ChangeKind::Removed]);
}

#[test]
fn a_second_claim_of_a_name_does_not_harm_the_first() {
    let view = View::default();
    view.take(Instant::now(), observed(&["dev-a"]));
    let mut second = environment("dev-a", "team2");
    second.origin = Origin::Git;
    let both = Observed {
        environments: vec![second],
        removed: vec![("dev-a".parse().unwrap(), Origin::Git)],
    };
    assert_eq!(view.take(Instant::now(), both), ["dev-a.json"]);
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
    view.take(
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

#[test]
fn a_status_goes_when_the_controller_says_nothing_any_more() {
    let view = View::default();
    assert!(view.swept().is_none());
    view.take(Instant::now(), observed(&["dev-a"]));
    assert!(view.swept().is_none(), "parts are no complete look");
    let text = r#"{"environment_name":"dev-a","source":{"bucket":"environments","key":"dev-a.json","etag":"1"},
        "phase":"Ready","since":"2026-01-01T00:00:00Z","reason":"why"}"#;
    let status = Arc::new(Status::read(text.as_bytes()).unwrap());
    let phase = || view.get("dev-a").unwrap().phase().as_str().to_owned();
    view.looked(Instant::now(), &[("dev-a", &status)].into());
    assert_eq!(phase(), "Ready");
    view.take(Instant::now(), observed(&["dev-a"]));
    assert_eq!(phase(), "Ready");
    view.looked(Instant::now(), &Statuses::default());
    assert_eq!(phase(), "Pending");
    assert!(view.swept().is_some());
}
