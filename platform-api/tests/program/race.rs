//! Two programs over one store, and everybody wants the same environment: exactly one wins, and the others are told.

use crate::issuer::Issuer;
use crate::program::{Answer, Program, Request};
use crate::store::{Kind, Store};
use claim_store::{ClaimStore, StoreError};
use claims::{EnvironmentName, Gone, Tombstone};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

const ROUNDS: usize = 8;

/// Makes a test of each rule for each kind of store.
macro_rules! on_every_store {
    ($($rule:ident),+ $(,)?) => {
        mod minio {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $rule() {
                super::$rule(super::Kind::Minio).await;
            })+
        }
        mod versitygw {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $rule() {
                super::$rule(super::Kind::Versitygw).await;
            })+
        }
    };
}

on_every_store!(
    of_many_creators_one_gets_the_name_and_the_others_are_told,
    one_request_sent_to_both_programs_at_once_is_one_write,
    of_a_change_and_a_deletion_of_one_state_one_wins,
    of_an_extension_and_the_end_of_time_one_wins,
    a_list_holds_exactly_what_can_be_read_one_by_one,
);

struct Ground {
    store: Store,
    issuer: Issuer,
    programs: [Program; 2],
}

impl Ground {
    async fn start(kind: Kind) -> Self {
        let store = Store::start(kind).await;
        let issuer = Issuer::start().await;
        let programs = [
            Program::start(&store.endpoint, &issuer).await,
            Program::start(&store.endpoint, &issuer).await,
        ];
        Self {
            store,
            issuer,
            programs,
        }
    }

    fn request(&self, who: &str, method: &'static str, path: &str) -> Request {
        let token = self.issuer.token(who, &["platform-admins"]);
        Request::new(method, path).header("authorization", &format!("Bearer {token}"))
    }

    fn create(&self, who: &str, name: &str, kind: &str) -> Request {
        self.request(who, "POST", "/api/v1/environments")
            .json(&body(name, kind, "v1.0.0"))
    }

    /// Makes an environment and gives its state.
    async fn made(&self, name: &str, kind: &str) -> String {
        let answer = self.programs[0]
            .send(&self.create("ada@example.com", name, kind))
            .await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.header("etag").expect("a state")
    }

    /// Sends requests at once, to one program and the other by turns.
    async fn at_once(&self, requests: &[Request]) -> Vec<Answer> {
        let sent = requests
            .iter()
            .enumerate()
            .map(|(number, request)| self.programs[number % 2].send(request));
        join_all(sent).await
    }

    async fn versions(&self, name: &str) -> usize {
        self.store
            .versions(&ClaimStore::key_of(&parsed(name)))
            .await
    }
}

fn parsed(name: &str) -> EnvironmentName {
    name.parse().expect("a name")
}

fn body(name: &str, kind: &str, version: &str) -> Value {
    json!({
        "environment_pool": "team1",
        "environment_name": name,
        "environment_type": kind,
        "services": { "shop": version },
    })
}

/// The only answer that says yes; all others must say no in one of these ways.
fn only_winner<'a>(answers: &'a [Answer], losers: &[u16]) -> &'a Answer {
    let winners: Vec<&Answer> = answers
        .iter()
        .filter(|answer| answer.status == 202)
        .collect();
    assert_eq!(winners.len(), 1, "{answers:#?}");
    for loser in answers.iter().filter(|answer| answer.status != 202) {
        assert!(losers.contains(&loser.status), "{loser:?}");
        let code = &loser.json()["code"];
        assert!(
            code.as_str().is_some_and(|code| code.starts_with("SLW-")),
            "{loser:?}"
        );
    }
    winners[0]
}

async fn of_many_creators_one_gets_the_name_and_the_others_are_told(kind: Kind) {
    let ground = Ground::start(kind).await;
    for round in 0..ROUNDS {
        let name = format!("dev-race-{round}");
        let requests: Vec<Request> = (0..8)
            .map(|number| ground.create(&format!("user{number}@example.com"), &name, "dev"))
            .collect();
        let answers = ground.at_once(&requests).await;
        let winner = only_winner(&answers, &[409]);
        let stored = ground
            .store
            .claims()
            .get(&parsed(&name))
            .await
            .expect("readable")
            .expect("it is there");
        assert_eq!(
            winner.json()["environment"]["claim"]["user"],
            stored.claim.user.as_str()
        );
        assert_eq!(ground.versions(&name).await, 1);
    }
}

async fn one_request_sent_to_both_programs_at_once_is_one_write(kind: Kind) {
    let ground = Ground::start(kind).await;
    for round in 0..ROUNDS {
        let name = format!("dev-twin-{round}");
        let request = ground
            .create("ada@example.com", &name, "dev")
            .header("idempotency-key", &name);
        let answers = ground.at_once(&[request.clone(), request]).await;
        let states: Vec<_> = answers
            .iter()
            .map(|answer| {
                (
                    answer.status,
                    answer.header("etag"),
                    answer.json()["environment"].clone(),
                )
            })
            .collect();
        assert_eq!(states[0].0, 202, "{answers:#?}");
        assert_eq!(states[0], states[1]);
        assert_eq!(ground.versions(&name).await, 1);
    }
}

async fn of_a_change_and_a_deletion_of_one_state_one_wins(kind: Kind) {
    let ground = Ground::start(kind).await;
    for round in 0..ROUNDS {
        let name = format!("dev-fight-{round}");
        let state = ground.made(&name, "dev").await;
        let path = format!("/api/v1/environments/{name}");
        let change = ground
            .request("ada@example.com", "PUT", &path)
            .header("if-match", &state)
            .json(&body(&name, "dev", "v2.0.0"));
        let delete = ground
            .request("bob@example.com", "DELETE", &path)
            .header("if-match", &state);
        // By turns the one or the other is sent first.
        let mut requests = [change, delete];
        requests.rotate_left(round % 2);
        let answers = ground.at_once(&requests).await;
        let winner = only_winner(&answers, &[404, 409, 410, 412]);
        let changed = winner.json()["environment"]["claim"]["services"]["shop"] == "v2.0.0";
        let stored = ground
            .store
            .claims()
            .get(&parsed(&name))
            .await
            .expect("readable");
        assert_eq!(stored.is_some(), changed, "{winner:?}");
        assert_eq!(ground.versions(&name).await, 2);
    }
}

async fn of_an_extension_and_the_end_of_time_one_wins(kind: Kind) {
    let ground = Ground::start(kind).await;
    for round in 0..ROUNDS {
        let name = format!("sue-late-{round}");
        ground.made(&name, "sue").await;
        let store = ground.store.claims();
        let stored = store
            .get(&parsed(&name))
            .await
            .expect("readable")
            .expect("it is there");
        let now = Timestamp::now();
        let until = now + SignedDuration::from_hours(72);
        let extend = ground
            .request(
                "ada@example.com",
                "POST",
                &format!("/api/v1/environments/{name}/extend"),
            )
            .json(&json!({ "until": until.to_string() }));
        // As the controller ends it: a tombstone in the place of the state that it saw.
        let tombstone = Tombstone {
            environment_name: parsed(&name),
            gone: Gone::Expired { at: now },
        };
        let expire = store.withdraw(&stored.place, &tombstone, Uuid::new_v4());
        let (extended, expired) = tokio::join!(ground.programs[round % 2].send(&extend), expire);
        let left = store.get(&parsed(&name)).await.expect("readable");
        match (extended.status, expired) {
            (202, Err(StoreError::Lost { .. })) => {
                assert!(
                    left.is_some_and(|left| left
                        .claim
                        .expiration_date
                        .is_some_and(|end| end >= now))
                );
            }
            (404 | 409 | 410 | 412, Ok(_)) => assert_eq!(left, None),
            (status, expired) => panic!("both or none won: {status} {expired:?} {extended:?}"),
        }
        assert_eq!(ground.versions(&name).await, 2);
    }
}

/// What the policies see of somebody's list is what they say of each environment in it.
async fn a_list_holds_exactly_what_can_be_read_one_by_one(kind: Kind) {
    let ground = Ground::start(kind).await;
    for (number, (pool, kind)) in [
        ("team1", "dev"),
        ("team2", "staging"),
        ("team3", "prod"),
        ("team1", "sue"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut claim = body(&format!("{kind}-seen-{number}"), kind, "v1.0.0");
        claim["environment_pool"] = pool.into();
        let request = ground
            .request("ada@example.com", "POST", "/api/v1/environments")
            .json(&claim);
        let answer = ground.programs[0].send(&request).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    let names = |answer: &Answer| -> Vec<String> {
        let page = answer.json();
        let environments = page["environments"].as_array().expect("a list");
        environments
            .iter()
            .map(|seen| {
                seen["claim"]["environment_name"]
                    .as_str()
                    .expect("a name")
                    .to_owned()
            })
            .collect()
    };
    let program = &ground.programs[0];
    let all = names(
        &program
            .send(&ground.request("ada@example.com", "GET", "/api/v1/environments"))
            .await,
    );
    assert_eq!(all.len(), 4);
    for groups in [
        &["team1"][..],
        &["team2", "team3"],
        &["nobody"],
        &[],
        &["platform-admins"],
    ] {
        let token = format!("Bearer {}", ground.issuer.token("eve@example.com", groups));
        let ask = |path: String| {
            let request = Request::new("GET", &path).header("authorization", &token);
            async move { program.send(&request).await }
        };
        let listed = names(&ask("/api/v1/environments".to_owned()).await);
        for name in &all {
            let status = ask(format!("/api/v1/environments/{name}")).await.status;
            let expected = if listed.contains(name) { 200 } else { 404 };
            assert_eq!(status, expected, "{name} for {groups:?}");
        }
    }
}
