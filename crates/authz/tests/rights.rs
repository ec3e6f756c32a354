//! The rights that the program comes with, as a committed table: who reviews a change of policies reads what it changes.

use authz::{
    Action, Channel, Circumstances, DEFAULTS, Environment, FLOOR, Origin, PolicySet, PolicySource,
    Principal, Resource, rights,
};
use claims::EnvironmentType;
use jiff::Timestamp;
use serde_json::json;

fn environment(pool: &str, environment_type: EnvironmentType) -> Environment {
    Environment {
        name: "x".to_owned(),
        pool: pool.to_owned(),
        environment_type,
        owner: "owner@example.org".to_owned(),
        origin: Origin::Bucket,
        protected: false,
    }
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn permit_all() -> PolicySource {
    PolicySource::new(
        "all.cedar",
        r#"@id("all") permit (principal, action, resource);"#,
    )
}

#[test]
fn the_table_of_rights_is_the_one_that_was_reviewed() {
    let set = PolicySet::defaults().expect("our own policies are valid");
    assert_eq!(set.warnings(), [], "every policy of ours can apply");
    insta::assert_snapshot!("rights", rights::table(&set));
}

#[test]
fn every_policy_of_ours_says_its_id_and_its_reason() {
    for source in FLOOR.iter().chain(DEFAULTS) {
        let file = source.name.trim_end_matches(".cedar");
        let id = file.strip_prefix("default/").unwrap_or(file);
        assert!(
            source.text.contains(&format!("@id(\"{id}\")\n@reason(\"")),
            "{}",
            source.name
        );
    }
}

#[test]
fn no_policy_lifts_the_floor() {
    let set = PolicySet::build(&[permit_all()], &json!(null)).expect("a valid set");
    let admin = Principal::user("a@b")
        .with_roles(["platform-admin"])
        .authenticated(now());
    let circumstances = Circumstances::api(now()).with_live_in_pool(0);
    let in_git = Environment {
        origin: Origin::Git,
        ..environment("shop", EnvironmentType::Dev)
    };
    let verdict = set.decide(
        &admin,
        Action::UpdateEnvironment,
        &Resource::Environment(in_git),
        &circumstances,
    );
    assert!(!verdict.allowed);
    assert_eq!(
        verdict.deciding[0].policy,
        "floor/static-environments-belong-to-git"
    );
    assert!(verdict.to_string().contains("managed in Git"), "{verdict}");

    let protected = Environment {
        protected: true,
        ..environment("shop", EnvironmentType::Prod)
    };
    let verdict = set.decide(
        &admin,
        Action::DeleteEnvironment,
        &Resource::Environment(protected),
        &circumstances,
    );
    assert_eq!(
        verdict.deciding[0].policy,
        "floor/protected-environments-stay"
    );

    let production = Resource::Environment(environment("shop", EnvironmentType::Prod));
    let uploaded = Circumstances {
        channel: Channel::Bucket,
        ..circumstances
    };
    for action in Action::ALL
        .into_iter()
        .filter(|action| !matches!(action, Action::Drain | Action::ReleaseBrake))
    {
        let verdict = set.decide(
            &Principal::unsigned_upload(),
            action,
            &production,
            &uploaded,
        );
        assert_eq!(
            verdict.deciding[0].policy, "floor/unsigned-uploads-never-prod",
            "{action}"
        );
    }
}

#[test]
fn what_nobody_permits_is_denied_and_says_so() {
    let set = PolicySet::defaults().expect("valid");
    let resource = Resource::Environment(environment("shop", EnvironmentType::Dev));
    let stranger = Principal::user("stranger@example.org").authenticated(now());
    let verdict = set.decide(
        &stranger,
        Action::ReadEnvironment,
        &resource,
        &Circumstances::api(now()),
    );
    assert!(!verdict.allowed && verdict.deciding.is_empty() && verdict.errors.is_empty());
    assert_eq!(verdict.to_string(), "no policy permits it");
}

#[test]
fn a_policy_that_fails_denies_although_another_permits() {
    let overflow = PolicySource::new(
        "overflow.cedar",
        r#"forbid (principal, action == Slipway::Action::"UpdateEnvironment", resource)
           when { context.authn_age_s + 9223372036854775807 < 0 };"#,
    );
    let set = PolicySet::build(&[permit_all(), overflow], &json!(null)).expect("valid");
    let resource = Resource::Environment(environment("shop", EnvironmentType::Dev));
    let asker = Principal::user("a@b").authenticated(now());
    let later = Timestamp::from_second(60).expect("a time");
    let verdict = set.decide(
        &asker,
        Action::UpdateEnvironment,
        &resource,
        &Circumstances::api(later),
    );
    assert!(!verdict.allowed, "{verdict:?}");
    assert!(verdict.errors[0].contains("overflow"), "{verdict:?}");
    assert!(
        set.decide(
            &asker,
            Action::ReadEnvironment,
            &resource,
            &Circumstances::api(later)
        )
        .allowed
    );
}

#[test]
fn a_full_pool_is_a_limit_and_not_a_lack_of_rights() {
    let data = json!([{
        "uid": {"type": "Slipway::Pool", "id": "shop"},
        "attrs": {"team": {"__entity": {"type": "Slipway::Team", "id": "retail"}}, "max_environments": 3},
        "parents": [],
    }]);
    let set = PolicySet::build(DEFAULTS, &data).expect("valid");
    let member = Principal::user("m@b")
        .in_teams(["retail"])
        .authenticated(now());
    let resource = Resource::Environment(environment("shop", EnvironmentType::Dev));
    let create = |live: Option<u32>| {
        let circumstances = Circumstances {
            live_in_pool: live,
            ..Circumstances::api(now())
        };
        set.decide(
            &member,
            Action::CreateEnvironment,
            &resource,
            &circumstances,
        )
    };
    assert!(create(Some(2)).allowed);
    let full = create(Some(3));
    assert!(full.is_over_limit());
    assert_eq!(full.code(), "SLW-576");
    assert!(
        !create(None).allowed,
        "a limit that cannot be counted is not passed over"
    );
    let namesake = Principal::user("n@b")
        .in_teams(["shop"])
        .authenticated(now());
    let verdict = set.decide(
        &namesake,
        Action::ReadEnvironment,
        &resource,
        &Circumstances::api(now()),
    );
    assert!(!verdict.allowed, "the data give the pool to another team");
}

#[test]
fn a_change_is_held_against_both_ends() {
    let set = PolicySet::defaults().expect("valid");
    let member = Principal::user("m@b")
        .in_teams(["shop"])
        .authenticated(now());
    let circumstances = Circumstances::api(now());
    let dev = Resource::Environment(environment("shop", EnvironmentType::Dev));
    let prod = Resource::Environment(environment("shop", EnvironmentType::Prod));
    let elsewhere = Resource::Environment(environment("bank", EnvironmentType::Dev));
    let change = |before: &Resource, after: &Resource| {
        set.decide_change(
            &member,
            Action::UpdateEnvironment,
            before,
            after,
            &circumstances,
        )
        .allowed
    };
    assert!(change(&dev, &dev));
    assert!(!change(&dev, &prod) && !change(&prod, &dev));
    assert!(!change(&dev, &elsewhere) && !change(&elsewhere, &dev));
}

#[test]
fn a_broken_set_is_refused_with_every_fault_at_once() {
    let sources = [
        PolicySource::new(
            "typo.cedar",
            r#"permit (principal, action, resource) when { resource.typ == Slipway::Type::"dev" };"#,
        ),
        PolicySource::new(
            "word.cedar",
            r#"permit (principal, action, resource is Slipway::Environment) when { resource.type == Slipway::Type::"produ" };"#,
        ),
        PolicySource::new("half.cedar", "permit (principal"),
        PolicySource::new(
            "two.cedar",
            "permit (principal, action, resource); permit (principal, action, resource);",
        ),
        PolicySource::new(
            "thief.cedar",
            r#"@id("floor/mine") permit (principal, action, resource);"#,
        ),
        PolicySource::new(
            "one.cedar",
            r#"@id("same") permit (principal, action, resource);"#,
        ),
        PolicySource::new(
            "other.cedar",
            r#"@id("same") permit (principal, action, resource);"#,
        ),
        PolicySource::new(
            "named.cedar",
            r#"permit (principal, action, resource == Slipway::Environment::"x");"#,
        ),
    ];
    let error = PolicySet::build(&sources, &json!([{"uid": "nonsense"}])).expect_err("broken");
    let at: Vec<&str> = error.faults.iter().map(|fault| fault.at.as_str()).collect();
    for file in [
        "typo.cedar",
        "word.cedar",
        "half.cedar",
        "two.cedar",
        "thief.cedar",
        "other.cedar",
        "named.cedar",
        "data",
    ] {
        assert!(at.contains(&file), "{file}: {error}");
    }
    assert!(!at.contains(&"one.cedar"));
}
