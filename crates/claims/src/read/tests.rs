use super::*;
use crate::claim::Claim;
use crate::claim::tests::{TEXT, sample};
use proptest::prelude::*;
use serde_json::json;

fn text() -> Value {
    serde_json::from_str(TEXT).unwrap()
}

fn with(field: &str, value: Value) -> Value {
    let mut claim = text();
    claim[field] = value;
    claim
}

fn faults(claim: &Value) -> Vec<(String, String)> {
    match Claim::read(claim.to_string().as_bytes()) {
        Ok(_) => Vec::new(),
        Err(Faults(faults)) => faults
            .into_iter()
            .map(|fault| (fault.pointer, fault.message))
            .collect(),
    }
}

/// The one fault that setting `field` to `value` brings.
fn fault(field: &str, value: Value) -> String {
    let mut faults = faults(&with(field, value));
    assert_eq!(faults.len(), 1, "{faults:?}");
    let (pointer, message) = faults.remove(0);
    assert!(pointer.starts_with(&format!("/{field}")), "{pointer}");
    message
}

#[test]
fn every_fault_is_reported_at_once_with_its_place() {
    let claim = json!({
        "user": 7, "environment_name": "Dev", "enviroment_type": "dev", "environment_type": "prd",
        "creation_date": "yesterday", "services": {"a/b": "1.0.0", "ok": "~1.2", "pair": {"version": "^1", "image": "x"}}
    });
    let found = faults(&claim);
    let places: Vec<_> = found.iter().map(|(place, _)| place.as_str()).collect();
    let expected = [
        "/enviroment_type",
        "/user",
        "/environment_pool",
        "/creation_date",
        "/environment_name",
        "/environment_type",
        "/services/a~1b",
        "/services/ok",
        "/services/pair/image",
        "/services/pair/docker_image",
        "/services/pair/ansible_artifact",
        "/services/pair/version",
    ];
    assert_eq!(places, expected, "{found:#?}");
    assert!(found[0].1.contains("did you mean `environment_type`?"));
    assert!(found[5].1.contains("did you mean `prod`?"));
}

#[test]
fn stage_is_staging() {
    let claim = Claim::read(
        with("environment_type", json!("stage"))
            .to_string()
            .as_bytes(),
    )
    .unwrap();
    assert_eq!(claim.environment_type, EnvironmentType::Staging);
    assert!(
        claim
            .to_json()
            .contains("\"environment_type\": \"staging\"")
    );
}

#[test]
fn what_is_not_an_object_of_json_is_refused() {
    for odd in ["", "{", "[]", "null", "\"claim\"", "{} {}", "\u{feff}{}"] {
        assert!(Claim::read(odd.as_bytes()).is_err(), "{odd:?}");
    }
    assert!(Claim::read(&[0xff, 0xfe]).is_err());
}

#[test]
fn a_field_that_stands_twice_is_refused() {
    let twice = TEXT.replacen("\"user\"", "\"environment_type\": \"prod\",\n  \"user\"", 1);
    let Faults(faults) = Claim::read(twice.as_bytes()).unwrap_err();
    assert_eq!(faults[0].pointer, "/environment_type");
    assert_eq!(faults[0].message, "stands there twice");
}

#[test]
fn dates_are_rfc3339_and_nothing_else() {
    for good in [
        "2024-01-15T10:30:00Z",
        "2024-01-15T10:30:00.250Z",
        "2024-01-15T12:30:00+02:00",
        "2024-01-15t10:30:00z",
    ] {
        assert_eq!(faults(&with("creation_date", json!(good))), [], "{good}");
    }
    for bad in [
        "2024-01-15",
        "2024-01-15 10:30:00Z",
        "20240115T103000Z",
        "2024-02-30T10:30:00Z",
        "2024-01-15T10:30Z",
        "",
    ] {
        assert!(
            fault("creation_date", json!(bad)).contains("is not a date"),
            "{bad}"
        );
    }
}

#[test]
fn only_an_evaluation_may_name_its_end_and_only_a_later_one() {
    assert!(
        fault("expiration_date", json!("2030-01-01T00:00:00Z"))
            .contains("a dev environment never expires")
    );
    let mut sue = with("environment_type", json!("sue"));
    sue["expiration_date"] = json!("2024-01-15T10:30:01Z");
    assert_eq!(faults(&sue), []);
    sue["expiration_date"] = json!("2024-01-15T10:30:00Z");
    assert!(faults(&sue)[0].1.contains("is not after creation_date"));
}

#[test]
fn users_and_pools_have_rules() {
    for bad in ["", "john doe", "a\nb", &"x".repeat(255)] {
        assert!(fault("user", json!(bad)).contains("1 to 254"), "{bad:?}");
    }
    assert!(fault("environment_pool", json!("Team 1")).contains("a pool's name"));
}

#[test]
fn git_claims_name_repository_and_branch() {
    assert!(fault("deployment_method", json!("gti")).contains("did you mean `git`?"));
    assert!(fault("branch", json!("main")).contains("only for claims with"));
    let half = faults(&with("deployment_method", json!("git")));
    assert_eq!(
        half.iter()
            .map(|(place, _)| place.as_str())
            .collect::<Vec<_>>(),
        ["/git_repository", "/branch"]
    );
}

#[test]
fn artifacts_need_one_version_and_whole_references() {
    let service = |version: &str, image: &str| {
        let pair = json!({"version": version, "docker_image": image, "ansible_artifact": "oci/a-ansible@sha256:0a"});
        faults(&with("services", json!({"a": pair})))
    };
    assert_eq!(service("v1.2.3", "docker/a:v1.2.3"), []);
    assert_eq!(
        service("dev-snapshot", "registry.example:5000/a:dev-snapshot"),
        []
    );
    assert!(
        service("1.x", "docker/a:v1")[0]
            .1
            .contains("one exact version")
    );
    for image in [
        "",
        "docker/a",
        "registry.example:5000/a",
        "docker/a:",
        "docker/:v1",
        "docker/a b:v1",
    ] {
        assert!(
            service("v1.2.3", image)[0].1.contains("is not a reference"),
            "{image}"
        );
    }
}

#[test]
fn a_draft_is_completed_with_who_and_when() {
    let now: Timestamp = "2026-05-01T12:00:00.987Z".parse().unwrap();
    let asked = json!({"environment_name": "sue-poc", "environment_type": "sue", "environment_pool": "team1", "services": {}});
    let claim = Draft::from_value(&asked)
        .unwrap()
        .complete("jane@company.com", now)
        .unwrap();
    assert_eq!(claim.user, "jane@company.com");
    assert_eq!(claim.creation_date.to_string(), "2026-05-01T12:00:00Z");
    assert_eq!(
        claim.expiration_date.unwrap().to_string(),
        "2026-05-02T12:00:00Z"
    );
    let incomplete = Claim::read(asked.to_string().as_bytes()).unwrap_err();
    assert!(
        incomplete
            .0
            .iter()
            .all(|fault| fault.kind == FaultKind::Missing)
    );
    assert_eq!(incomplete.0.len(), 2);
}

#[test]
fn an_evaluation_with_an_old_date_still_lives_a_day() {
    let now = "2026-05-01T12:00:00Z".parse().unwrap();
    let old = with("environment_type", json!("sue"));
    let claim = Draft::from_value(&old)
        .unwrap()
        .complete("x@y", now)
        .unwrap();
    assert_eq!(claim.creation_date.to_string(), "2024-01-15T10:30:00Z");
    assert_eq!(
        claim.expiration_date.unwrap().to_string(),
        "2026-05-02T12:00:00Z"
    );
}

#[test]
fn a_draft_that_is_over_already_is_refused() {
    let mut over = with("environment_type", json!("sue"));
    over["expiration_date"] = json!("2024-01-16T00:00:00Z");
    let now = "2024-01-16T00:00:00Z".parse().unwrap();
    let Faults(faults) = Draft::from_value(&over)
        .unwrap()
        .complete("x@y", now)
        .unwrap_err();
    assert_eq!(faults[0].pointer, "/expiration_date");
}

fn any_claim() -> impl Strategy<Value = Claim> {
    let constraint = prop_oneof![
        Just("v1.2.3"),
        Just("^1.0.0.0"),
        Just("1.x.x.x"),
        Just(">=1.2.0, <2.0.0"),
        Just("*"),
        Just("latest")
    ];
    let service = prop_oneof![
        constraint.prop_map(|text| Service::Constraint(text.parse().unwrap())),
        "[a-z]{1,9}".prop_map(|name| Service::Artifacts {
            version: Box::new("v1.2.3".parse().unwrap()),
            docker_image: format!("docker/{name}:v1.2.3"),
            ansible_artifact: format!("oci/{name}-ansible:v1.2.3"),
        }),
    ];
    let git = proptest::option::of(("[!-~]{1,20}", "[!-~]{1,20}"));
    (
        (
            "[^\\s\\p{Cc}]{1,40}",
            "[a-z]([a-z0-9-]{0,20}[a-z0-9])?",
            "[a-z][a-z0-9-]{1,48}[a-z0-9]",
        ),
        proptest::sample::select(EnvironmentType::ALL.to_vec()),
        (0i64..4_000_000_000, proptest::option::of(1i64..1_000_000)),
        proptest::collection::btree_map("[a-z]([a-z0-9-]{0,20}[a-z0-9])?", service, 0..5),
        git,
    )
        .prop_map(
            |((user, environment_pool, name), environment_type, (start, lasts), services, git)| {
                Claim {
                    user,
                    environment_pool,
                    creation_date: Timestamp::from_second(start).unwrap(),
                    environment_name: name.parse().unwrap(),
                    environment_type,
                    expiration_date: lasts
                        .filter(|_| environment_type == EnvironmentType::Sue)
                        .map(|lasts| Timestamp::from_second(start + lasts).unwrap()),
                    services: services.into(),
                    git: git.map(|(repository, branch)| GitSource { repository, branch }),
                }
            },
        )
}

proptest! {
    #[test]
    fn a_claim_is_read_as_it_was_written(claim in any_claim()) {
        let written = claim.to_json();
        prop_assert_eq!(Claim::read(written.as_bytes()).unwrap(), claim);
        prop_assert!(written.ends_with('\n'));
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Claim::read(&bytes);
    }

    #[test]
    fn a_changed_field_never_passes_unseen(field in 0usize..7, odd in prop_oneof![Just(json!(1)), Just(json!([])), Just(json!(true))]) {
        prop_assert_eq!(faults(&with(FIELDS[field], odd)).len(), 1);
    }
}

#[test]
fn the_sample_is_good() {
    assert_eq!(sample().environment_name.as_str(), "dev-team1-feature-x");
}
