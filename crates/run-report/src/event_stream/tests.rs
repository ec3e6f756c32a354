use super::*;
use crate::digest::Reason;
use crate::event::Planned;
use crate::outcome::{ComponentStatus, Failure, Outcome, TaskStatus};
use proptest::prelude::*;

fn now() -> Timestamp {
    "2026-01-02T03:04:05.678Z".parse().unwrap()
}

fn one_of_each() -> Vec<Event> {
    let planned = Planned {
        name: "flux".into(),
        digest: "d".into(),
        reason: Reason::New,
        after: vec!["kong".into()],
        typical_ms: Some(5),
    };
    let failure = Failure {
        play: Some("p".into()),
        task: None,
        host: None,
        cause: "c".into(),
        advice: "a".into(),
        code: "SLW-310".into(),
    };
    vec![
        Event::RunStarted {
            run: uuid::Uuid::nil(),
            platform: "acme".into(),
            components: vec![planned.clone()],
        },
        Event::HostConnected {
            address: "127.0.0.1".into(),
        },
        Event::BundleReady {
            digest: "b".into(),
            uploaded: true,
        },
        Event::ComponentStarted(planned),
        Event::Play {
            component: "flux".into(),
            name: "Flux".into(),
        },
        Event::TaskStarted {
            component: "flux".into(),
            name: "t".into(),
            host: "localhost".into(),
        },
        Event::Task {
            component: "flux".into(),
            name: "t".into(),
            host: "localhost".into(),
            status: TaskStatus::Retry,
            duration_ms: 7,
            msg: None,
        },
        Event::ComponentFinished {
            name: "flux".into(),
            status: ComponentStatus::Failed,
            duration_ms: 9,
            changed: 1,
            failure: Some(failure),
        },
        Event::RunFinished {
            outcome: Outcome::Failed,
            components: [("flux".to_owned(), ComponentStatus::Failed)].into(),
        },
    ]
}

#[test]
fn what_is_written_is_read_back() {
    let mut out = Vec::new();
    let mut writer = EventWriter::new(&mut out);
    let written: Vec<_> = one_of_each()
        .into_iter()
        .map(|e| writer.write(e, now()).unwrap())
        .collect();
    let mut reader = EventReader::default();
    let read: Vec<_> = String::from_utf8(out)
        .unwrap()
        .lines()
        .map(|l| reader.read(l).unwrap())
        .collect();
    assert_eq!(
        read,
        written.into_iter().map(Line::Known).collect::<Vec<_>>()
    );
    assert_eq!(reader.next_seq(), 10);
}

#[test]
fn the_names_of_all_events_are_known_to_the_reader() {
    let names: Vec<_> = one_of_each()
        .iter()
        .map(|e| {
            serde_json::to_value(e).unwrap()["event"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(names, EVENT_NAMES);
}

#[test]
fn the_line_is_the_one_of_the_contract() {
    let event = Event::BundleReady {
        digest: "abc".into(),
        uploaded: false,
    };
    let line: Value = serde_json::from_str(
        &Envelope {
            seq: 3,
            ts: now(),
            event,
        }
        .to_line(),
    )
    .unwrap();
    assert_eq!(
        line,
        serde_json::json!({"v":1,"seq":3,"ts":"2026-01-02T03:04:05.678Z","event":"bundle_ready","digest":"abc","uploaded":false})
    );
}

#[test]
fn a_later_releases_events_and_fields_are_passed_over() {
    let mut reader = EventReader::default();
    let strange = r#"{"v":1,"seq":1,"ts":"2026-01-02T03:04:05Z","event":"tea_ready","cups":2}"#;
    assert_eq!(
        reader.read(strange).unwrap(),
        Line::Unknown {
            seq: 1,
            event: "tea_ready".into()
        }
    );
    let more = r#"{"v":1,"seq":2,"ts":"2026-01-02T03:04:05Z","event":"host_connected","address":"a","mood":"good"}"#;
    assert!(matches!(reader.read(more).unwrap(), Line::Known(_)));
}

#[test]
fn gaps_repeats_versions_and_noise_are_errors() {
    let line = |v: u64, seq: u64| {
        format!(
            r#"{{"v":{v},"seq":{seq},"ts":"2026-01-02T03:04:05Z","event":"host_connected","address":"a"}}"#
        )
    };
    let mut reader = EventReader::default();
    assert!(matches!(
        reader.read(&line(1, 2)),
        Err(EventStreamError::Sequence {
            expected: 1,
            found: 2
        })
    ));
    reader.read(&line(1, 1)).unwrap();
    assert!(matches!(
        reader.read(&line(1, 1)),
        Err(EventStreamError::Sequence {
            expected: 2,
            found: 1
        })
    ));
    assert!(matches!(
        reader.read(&line(2, 2)),
        Err(EventStreamError::Version { found: 2, .. })
    ));
    for noise in [
        "",
        "PLAY [all] ***",
        "[1]",
        r#"{"v":1,"seq":2,"ts":"yesterday","event":"play"}"#,
    ] {
        assert!(
            matches!(reader.read(noise), Err(EventStreamError::NotAnEvent { .. })),
            "{noise}"
        );
    }
    assert_eq!(reader.next_seq(), 2, "a refused line does not count");
}

#[test]
fn an_error_never_quotes_the_line() {
    let line = r#"{"v":1,"seq":1,"ts":"2026-01-02T03:04:05Z","event":"play","component":"a","name":{"canary-7f":"x"}}"#;
    let error = EventReader::default().read(line).unwrap_err().to_string();
    assert!(!error.contains("canary-7f"), "{error}");
    let line = r#"{"v":1,"seq":1,"ts":"2026-01-02T03:04:05Z","event":"bundle_ready","digest":"d","uploaded":"canary-7f"}"#;
    let error = EventReader::default().read(line).unwrap_err().to_string();
    assert!(!error.contains("canary-7f"), "{error}");
}

proptest! {
    #[test]
    fn any_text_in_a_message_survives(msg in ".*", name in ".*", duration_ms: u64) {
        let event = Event::Task {
            component: "kong".into(), name, host: "h".into(), status: TaskStatus::Ok, duration_ms, msg: Some(msg),
        };
        let envelope = Envelope { seq: 1, ts: now(), event };
        let line = envelope.to_line();
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(EventReader::default().read(&line).unwrap(), Line::Known(envelope));
    }
}
