//! A list shows exactly what would be shown one by one, for any policies that are accepted and any environments.

use std::collections::BTreeMap;

use authz::{
    AccountKind, Action, Channel, Circumstances, Environment, Origin, PolicySet, PolicySource,
    Principal, Resource,
};
use claims::EnvironmentType;
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const PEOPLE: [&str; 3] = ["ada@example.org", "bob@example.org", "Cay@Example.org"];
const POOLS: [&str; 3] = ["shop", "bank", "web"];
const TEAMS: [&str; 3] = ["shop", "retail", "web"];

/// Conditions of every kind that a rule for reading may have, and some that it may not.
const CONDITIONS: [&str; 16] = [
    "true",
    "resource.protected",
    r#"resource.type == Slipway::Type::"prod""#,
    r#"resource.type != Slipway::Type::"dev""#,
    r#"resource.origin == Slipway::Origin::"git""#,
    r#"context.channel == Slipway::Channel::"api""#,
    r#"resource in Slipway::Pool::"shop""#,
    r#"resource.pool == Slipway::Pool::"bank""#,
    "principal in resource.pool.team",
    r#"resource.pool.team == Slipway::Team::"retail""#,
    r#"principal in Slipway::Role::"auditor""#,
    "principal is Slipway::User && resource.owner == principal",
    "principal is Slipway::User && resource.owner != principal",
    r#"principal is Slipway::User && principal.groups.contains("g")"#,
    // Finer than a class: refused, so never part of an accepted set.
    r#"resource.owner == Slipway::User::"bob@example.org""#,
    r#"resource == Slipway::Environment::"e1""#,
];

fn policy() -> impl Strategy<Value = String> {
    let effect = select(vec!["permit", "forbid"]);
    let principal = select(vec![
        "principal",
        "principal is Slipway::User",
        r#"principal in Slipway::Team::"web""#,
    ]);
    let action = select(vec![
        "action",
        r#"action == Slipway::Action::"ReadEnvironment""#,
        r#"action in Slipway::Action::"Read""#,
    ]);
    let condition = (
        select(CONDITIONS.to_vec()),
        select(vec!["&&", "||"]),
        select(CONDITIONS.to_vec()),
        any::<bool>(),
    );
    (effect, principal, action, condition).prop_map(|(effect, principal, action, (left, joint, right, negated))| {
        let clause = if negated { "unless" } else { "when" };
        format!("{effect} ({principal}, {action}, resource is Slipway::Environment) {clause} {{ ({left}) {joint} ({right}) }};")
    })
}

fn environment() -> impl Strategy<Value = Environment> {
    let name = select(vec!["e1", "e2", "e3"]);
    let origin = select(Origin::ALL.to_vec());
    (
        name,
        select(POOLS.to_vec()),
        select(EnvironmentType::ALL.to_vec()),
        select(PEOPLE.to_vec()),
        origin,
        any::<bool>(),
    )
        .prop_map(
            |(name, pool, environment_type, owner, origin, protected)| Environment {
                name: name.to_owned(),
                pool: pool.to_owned(),
                environment_type,
                owner: owner.to_owned(),
                origin,
                protected,
            },
        )
}

fn principal() -> impl Strategy<Value = Principal> {
    let teams = proptest::collection::btree_set(select(TEAMS.to_vec()), 0..3);
    (
        select(PEOPLE.to_vec()),
        any::<bool>(),
        teams,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(name, person, teams, auditor, group)| {
            let mut principal = if person {
                Principal::user(name)
            } else {
                Principal::service_account(name, AccountKind::Terraform)
            };
            principal = principal.in_teams(teams);
            if auditor {
                principal = principal.with_roles(["auditor"]);
            }
            if group {
                principal.groups.insert("g".to_owned());
            }
            principal
        })
}

fn data() -> impl Strategy<Value = Value> {
    let pools =
        proptest::collection::btree_map(select(POOLS.to_vec()), select(TEAMS.to_vec()), 0..3);
    pools.prop_map(|pools: BTreeMap<&str, &str>| {
        let pools = pools.into_iter().map(|(pool, team)| {
            json!({
                "uid": {"type": "Slipway::Pool", "id": pool},
                "attrs": {"team": {"__entity": {"type": "Slipway::Team", "id": team}}},
                "parents": [],
            })
        });
        pools.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_global_rejects: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_list_is_what_would_be_decided_one_by_one(
        policies in proptest::collection::vec(policy(), 1..5),
        data in data(),
        askers in proptest::collection::vec((principal(), select(Channel::ALL.to_vec())), 1..4),
        environments in proptest::collection::vec(environment(), 1..24),
    ) {
        let sources: Vec<PolicySource> =
            policies.iter().enumerate().map(|(number, text)| PolicySource::new(format!("p{number}.cedar"), text.clone())).collect();
        let set = PolicySet::build(&sources, &data);
        prop_assume!(set.is_ok());
        let set = set.expect("assumed");
        // Twice, so that remembered answers are compared too.
        for (asker, channel) in askers.iter().chain(&askers) {
            let circumstances = Circumstances { channel: *channel, ..Circumstances::api(Timestamp::UNIX_EPOCH) };
            let listed = set.readable(asker, &circumstances, &environments);
            for (environment, shown) in environments.iter().zip(listed) {
                let resource = Resource::Environment(environment.clone());
                let verdict = set.decide(asker, Action::ReadEnvironment, &resource, &circumstances);
                prop_assert_eq!(shown, verdict.allowed, "{:?} sees {:?} under {:#?}: {}", asker, environment, policies, verdict);
            }
        }
    }
}
