use super::*;
use run_report::Reason;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn planned(name: &str, after: &[&str], typical_s: Option<u64>) -> Planned {
    Planned {
        name: name.into(),
        digest: "d".into(),
        reason: Reason::New,
        after: after.iter().map(|name| (*name).to_owned()).collect(),
        typical_ms: typical_s.map(|seconds| seconds * 1000),
    }
}

/// kong and flux at the same time, infisical after kong, opal after both.
fn graph(typical: Option<u64>) -> Vec<Planned> {
    vec![
        planned("flux", &[], Some(5)),
        planned("kong", &[], Some(40)),
        planned("infisical", &["kong"], typical),
        planned("opal", &["flux", "infisical"], Some(10)),
    ]
}

fn told(components: &[Planned], events: Vec<(i64, Event)>) -> Progress {
    let mut progress = Progress::default();
    let started = Event::RunStarted {
        run: uuid::Uuid::nil(),
        platform: "acme".into(),
        components: components.to_vec(),
    };
    for (seq, (second, event)) in std::iter::once((0, started)).chain(events).enumerate() {
        progress.take(&Envelope {
            seq: seq as u64 + 1,
            ts: at(second),
            event,
        });
    }
    progress
}

fn text(progress: &Progress, second: i64) -> String {
    console::strip_ansi_codes(&progress.lines(at(second)).join("\n")).into_owned()
}

fn ok(name: &str) -> Event {
    Event::ComponentFinished {
        name: name.into(),
        status: ComponentStatus::Ok,
        duration_ms: 9000,
        changed: 3,
        failure: None,
    }
}

#[test]
fn each_component_stands_below_what_it_waits_for() {
    let shown = text(&told(&graph(Some(20)), vec![]), 1);
    let order: Vec<&str> = shown
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().find(|word| *word != "└").unwrap())
        .collect();
    assert_eq!(order, ["flux", "kong", "infisical", "opal"]);
    assert!(shown.contains("\n  └ infisical"), "{shown}");
    assert!(shown.contains("\n    └ opal"), "{shown}");
    assert!(shown.contains("after flux, infisical"), "{shown}");
}

#[test]
fn what_is_left_is_the_longest_way_through_what_has_not_ended() {
    let begun = vec![(0, Event::ComponentStarted(planned("kong", &[], Some(40))))];
    assert_eq!(
        told(&graph(Some(20)), vec![]).left(at(0)),
        Ok(Duration::from_secs(70))
    );
    let mut progress = told(&graph(Some(20)), begun);
    assert_eq!(progress.left(at(30)), Ok(Duration::from_secs(40)));
    progress.take(&Envelope {
        seq: 3,
        ts: at(31),
        event: ok("kong"),
    });
    assert_eq!(progress.left(at(31)), Ok(Duration::from_secs(30)));
    assert!(text(&progress, 31).contains("about 30 s left"));
    assert_eq!(
        told(&graph(None), vec![]).left(at(0)),
        Err(vec!["infisical"])
    );
}

#[test]
fn what_is_slow_is_pointed_out() {
    let begun = vec![
        (0, Event::ComponentStarted(planned("kong", &[], Some(40)))),
        (
            5,
            Event::TaskStarted {
                component: "kong".into(),
                name: "Wait for everything".into(),
                host: "localhost".into(),
            },
        ),
    ];
    let progress = told(&graph(Some(20)), begun);
    let quick = text(&progress, 20);
    assert!(
        quick.contains("20 s  Wait for everything") && !quick.contains("slow"),
        "{quick}"
    );
    let slow = text(&progress, 80);
    assert!(
        slow.contains("slow: at it for 1 m 15 s") && slow.contains("usually done after 40 s"),
        "{slow}"
    );
}

#[test]
fn a_run_that_ended_stands_still() {
    let failure = Failure {
        play: None,
        task: Some("Install the chart".into()),
        host: None,
        cause: "no room".into(),
        advice: "raise max_nodes".into(),
        code: "SLW-370".into(),
    };
    let events = vec![
        (1, Event::ComponentStarted(planned("kong", &[], Some(40)))),
        (
            9,
            Event::ComponentFinished {
                name: "kong".into(),
                status: ComponentStatus::Failed,
                duration_ms: 8000,
                changed: 0,
                failure: Some(failure),
            },
        ),
        (
            10,
            Event::RunFinished {
                outcome: Outcome::Failed,
                components: BTreeMap::new(),
            },
        ),
    ];
    let progress = told(&graph(Some(20)), events);
    assert_eq!(progress.outcome(), Some(Outcome::Failed));
    assert!(
        text(&progress, 4000).contains("failed  10 s"),
        "{}",
        text(&progress, 4000)
    );
    let failures = progress.failures().join("\n");
    assert!(
        failures.contains("SLW-370")
            && failures.contains("no room")
            && failures.contains("max_nodes"),
        "{failures}"
    );
}
