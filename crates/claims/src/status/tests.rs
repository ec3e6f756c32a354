use super::*;
use proptest::prelude::*;
use serde_json::json;

fn whole() -> Value {
    json!({
        "environment_name": "dev-x",
        "source": {"bucket": "environments", "key": "dev-x.json", "etag": "\"abc\""},
        "phase": "Blocked",
        "since": "2026-05-01T12:00:00Z",
        "deadline": "2026-05-01T12:30:00Z",
        "reason": "the account has no room for another cluster",
        "blocker": {"kind": "KubernetesCluster", "name": "dev-x", "external_id": "cb676a46"},
        "expires_at": "2026-05-02T12:00:00Z",
        "services": {"user-service": {"constraint": "^1.0.0", "tag": "v1.2.0", "ready": true}},
        "monthly_price": "86.40"
    })
}

fn places(value: &Value) -> Vec<String> {
    Status::from_value(value)
        .err()
        .into_iter()
        .flat_map(|faults| faults.0)
        .map(|fault| fault.pointer)
        .collect()
}

#[test]
fn a_whole_status_is_read_as_it_is_written() {
    let status = Status::from_value(&whole()).unwrap();
    assert_eq!(status.phase, Phase::Blocked);
    assert_eq!(status.monthly_price, Some(Decimal::new(8640, 2)));
    assert_eq!(Status::read(status.to_json().as_bytes()), Ok(status));
}

#[test]
fn a_status_that_says_little_leaves_the_rest_out() {
    let little = json!({
        "environment_name": "dev-x",
        "source": {"bucket": "environments", "key": "dev-x.json", "etag": "1"},
        "phase": "Pending",
        "since": "2026-05-01T12:00:00Z"
    });
    let status = Status::from_value(&little).unwrap();
    let written: Value = serde_json::from_str(&status.to_json()).unwrap();
    assert_eq!(written, little);
}

#[test]
fn every_fault_is_reported_at_once_with_its_place() {
    let bad = json!({
        "environment_name": "Dev", "source": {"bucket": "b", "key": 7}, "phase": "redy", "phases": [],
        "since": "now", "blocker": {"kind": "Vpc"}, "monthly_price": "-1",
        "services": {"a/b": {"constraint": "^1"}, "ok": {"constraint": "~1", "ready": "yes"}, "none": 1}
    });
    let expected = [
        "/phases",
        "/environment_name",
        "/source/key",
        "/source/etag",
        "/phase",
        "/since",
        "/blocker/name",
        "/services/a~1b",
        "/services/none",
        "/services/ok/constraint",
        "/services/ok/ready",
        "/monthly_price",
    ];
    assert_eq!(places(&bad), expected);
    assert!(
        Status::read(br#"{"phase": "Ready", "phase": "Blocked"}"#)
            .unwrap_err()
            .0
            .iter()
            .any(|fault| fault.message.contains("twice"))
    );
}

#[test]
fn who_stands_still_says_why() {
    for phase in Phase::ALL {
        let mut status = whole();
        status["phase"] = json!(phase.as_str());
        status["reason"] = Value::Null;
        let expected = if phase.must_say_why() {
            vec!["/reason".to_owned()]
        } else {
            Vec::new()
        };
        assert_eq!(places(&status), expected, "{phase}");
    }
}

#[test]
fn only_ready_ends_a_wait_well() {
    let of = |prospect| {
        Phase::ALL
            .into_iter()
            .filter(move |phase| phase.prospect() == prospect)
            .collect::<Vec<_>>()
    };
    assert_eq!(of(Prospect::Reached), [Phase::Ready]);
    assert_eq!(
        of(Prospect::Lost),
        [
            Phase::Expired,
            Phase::Draining,
            Phase::Deleted,
            Phase::Rejected,
            Phase::Blocked
        ]
    );
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0i64..4_000_000_000).prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn words() -> impl Strategy<Value = String> {
    "[ -~äé\\n]{1,20}"
}

fn any_status() -> impl Strategy<Value = Status> {
    let service = (
        prop::sample::select(vec!["*", "latest", "^1.0.0", "1.x.x.x", "v1.2.3"]),
        prop::option::of("[a-z0-9.]{1,8}"),
        any::<bool>(),
    )
        .prop_map(|(constraint, tag, ready)| ServiceStatus {
            constraint: constraint.parse().unwrap(),
            tag,
            ready,
        });
    let blocker = (
        words(),
        words(),
        prop::option::of(words()),
        prop::option::of(words()),
    )
        .prop_map(|(kind, name, finalizer, external_id)| Blocker {
            kind,
            name,
            finalizer,
            external_id,
        });
    let source =
        (words(), words(), words()).prop_map(|(bucket, key, etag)| Source { bucket, key, etag });
    let dates = (
        moment(),
        prop::option::of(moment()),
        prop::option::of(moment()),
    );
    let price = prop::option::of((0i64..10_000_000, 0u32..4));
    (
        "[a-z][a-z0-9]{2,20}",
        source,
        prop::sample::select(Phase::ALL.to_vec()),
        dates,
        words(),
        prop::option::of(blocker),
        prop::collection::btree_map("[a-z][a-z0-9]{0,9}", service, 0..4),
        price,
    )
        .prop_map(
            |(name, source, phase, dates, reason, blocker, services, price)| Status {
                environment_name: name.parse().unwrap(),
                source,
                phase,
                since: dates.0,
                deadline: dates.1,
                reason: Some(reason),
                blocker,
                expires_at: dates.2,
                services,
                monthly_price: price.map(|(units, scale)| Decimal::new(units, scale)),
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(status in any_status()) {
        let written = status.to_json();
        let read = Status::read(written.as_bytes());
        prop_assert_eq!(read.as_ref(), Ok(&status));
        prop_assert_eq!(read.unwrap().to_json(), written);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Err(faults) = Status::read(&bytes) {
            prop_assert!(!faults.0.is_empty());
        }
    }
}
