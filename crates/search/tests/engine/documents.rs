//! Environments that tests put into the index.

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use search::{Document, ServiceState, Sighting, Version};
use serde_json::json;

/// When all of it happens.
pub(crate) fn now() -> Timestamp {
    "2026-05-01T12:00:00Z".parse().expect("a time")
}

pub(crate) fn second(number: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + number).expect("a time")
}

/// The version of what was written at a second and read long after.
pub(crate) fn version(number: i64) -> Version {
    Version::of([Sighting {
        modified: second(number),
        answered: second(number + 1000),
    }])
}

/// An ordinary environment.
pub(crate) fn document(name: &str, phase: &str, number: i64) -> Document {
    Document {
        name: name.to_owned(),
        pool: "team1".to_owned(),
        environment_type: "dev".to_owned(),
        owner: "jane@acme.example".to_owned(),
        origin: "bucket".to_owned(),
        protected: false,
        phase: phase.to_owned(),
        since: Some(second(number)),
        reason: None,
        blocker: None,
        region: Some("ams".to_owned()),
        created: second(0),
        expires: None,
        price: Some("182.40".to_owned()),
        services: vec![ServiceState {
            name: "api-gateway".to_owned(),
            constraint: "^1.0.0.0".to_owned(),
            version: Some("v1.4.2".to_owned()),
            digest: None,
            ready: Some(true),
        }],
        claim: json!({"environment_name": name, "services": {"api-gateway": "^1.0.0.0", "odd.name": {"version": "v1"}}}),
        etag: Some("3f0a".to_owned()),
        version: version(number),
    }
}

/// An environment of few words, so that questions hit some and miss some; a few of the words are awkward.
pub(crate) fn any_document() -> impl Strategy<Value = Document> {
    let words = (
        select(vec!["team1", "team2", "Team-1", "a|b"]),
        select(vec!["dev", "staging", "prod", "sue"]),
        select(vec![
            "jane@acme.example",
            "JOE@acme.example",
            "Łukasz",
            "ci*?\\",
        ]),
        select(vec!["bucket", "git"]),
        any::<bool>(),
        select(vec!["Ready", "Blocked", "Deleted", "Pending"]),
        select(vec![
            None,
            Some("no vc2-4c-8gb in stock"),
            Some("pool \"x\" is full"),
            Some("Überlauf"),
        ]),
    );
    let moments = (-200_000_i64..0, proptest::option::of(-90_000_i64..90_000));
    let service = (
        select(vec!["api-gateway", "auth-service", "user-service"]),
        select(vec!["^1.0.0.0", "v1.2.3", "1.x.x.x", "*"]),
        proptest::option::of(select(vec!["v1.2.3", "v1.4.2", "V2.0.0"])),
    )
        .prop_map(|(name, constraint, version)| ServiceState {
            name: name.to_owned(),
            constraint: constraint.to_owned(),
            version: version.map(str::to_owned),
            digest: None,
            ready: version.map(|_| true),
        });
    (words, moments, proptest::collection::vec(service, 0..3)).prop_map(
        |((pool, kind, owner, origin, protected, phase, reason), (created, expires), services)| {
            Document {
                pool: pool.to_owned(),
                environment_type: kind.to_owned(),
                owner: owner.to_owned(),
                origin: origin.to_owned(),
                protected,
                reason: reason.map(str::to_owned),
                created: second(created),
                expires: expires.map(second),
                services,
                ..document("unnamed", phase, 1)
            }
        },
    )
}
