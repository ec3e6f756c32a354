//! The program is killed at every step of a write, then started again and asked the same once more.

use crate::door::{Door, Step};
use crate::issuer::Issuer;
use crate::program::{Answer, Program, Request};
use crate::store::{Kind, Store};
use claim_store::ClaimStore;
use claims::EnvironmentName;
use serde_json::{Value, json};

/// A write that is sent until it is answered.
struct Write {
    method: &'static str,
    path: String,
    if_match: Option<String>,
    body: Option<Value>,
}

/// What a write must leave in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaves {
    Version(&'static str),
    Nothing,
}

struct Ground {
    store: Store,
    door: Door,
    issuer: Issuer,
    program: Program,
}

impl Ground {
    async fn start(kind: Kind) -> Self {
        let store = Store::start(kind).await;
        let door = Door::to(&store.endpoint).await;
        let issuer = Issuer::start().await;
        let program = Program::start(&door.endpoint, &issuer).await;
        Self {
            store,
            door,
            issuer,
            program,
        }
    }

    fn request(&self, write: &Write, key: &str) -> Request {
        let token = self.issuer.token("ada@example.com", &["platform-admins"]);
        let mut request = Request::new(write.method, &write.path)
            .header("authorization", &format!("Bearer {token}"))
            .header("idempotency-key", key);
        if let Some(state) = &write.if_match {
            request = request.header("if-match", state);
        }
        if let Some(body) = &write.body {
            request = request.json(body);
        }
        request
    }

    /// Sends a write and kills the program when the step is reached. `None`: it was killed.
    async fn send_and_kill(&mut self, write: &Write, key: &str) -> Option<Answer> {
        let request = self.request(write, key);
        let answered = tokio::select! {
            () = self.door.reached() => None,
            answer = self.program.send(&request) => Some(answer),
        };
        if answered.is_none() {
            self.program.kill().await;
        }
        answered
    }

    /// The claim as it stands in the store.
    async fn stored(&self, name: &str) -> Option<Value> {
        let name: EnvironmentName = name.parse().expect("a name");
        let stored = self
            .store
            .claims()
            .get(&name)
            .await
            .expect("it is readable")?;
        Some(serde_json::from_str(&stored.claim.to_json()).expect("JSON"))
    }
}

fn body(name: &str, version: &str) -> Value {
    json!({
        "environment_pool": "team1",
        "environment_name": name,
        "environment_type": "dev",
        "services": { "shop": version },
    })
}

fn create(name: &str) -> Write {
    Write {
        method: "POST",
        path: "/api/v1/environments".to_owned(),
        if_match: None,
        body: Some(body(name, "v1.0.0")),
    }
}

fn change(name: &str, state: &str, version: &str) -> Write {
    Write {
        method: "PUT",
        path: format!("/api/v1/environments/{name}"),
        if_match: Some(state.to_owned()),
        body: Some(body(name, version)),
    }
}

fn delete(name: &str, state: &str) -> Write {
    Write {
        method: "DELETE",
        path: format!("/api/v1/environments/{name}"),
        if_match: Some(state.to_owned()),
        body: None,
    }
}

/// What of an answer must be the same when the request is repeated.
fn essence(answer: &Answer) -> (u16, Option<String>, Value) {
    let environment = answer.json()["environment"].clone();
    (answer.status, answer.header("etag"), environment)
}

/// Kills the program at the first, second, … step of a write until one comes through; `prepare` makes what the write is
/// about and gives the write. Returns how often it was killed.
async fn sweep(
    ground: &mut Ground,
    kind: &str,
    leaves: Leaves,
    prepare: impl AsyncFn(&Ground, &str) -> (Write, usize),
) -> usize {
    for number in 0..20 {
        let (mut killed, mut passed) = (0, 0);
        for step in [Step::Before(number), Step::After(number)] {
            let side = if matches!(step, Step::Before(_)) {
                "before"
            } else {
                "after"
            };
            let name = format!("{kind}-{side}-{number}");
            let (write, versions) = prepare(ground, &name).await;
            ground.door.watch(
                &ClaimStore::key_of(&name.parse().expect("a name")),
                Some(step),
            );
            let first = ground.send_and_kill(&write, &name).await;
            let seen = ground.door.seen();
            ground.door.watch("", None);
            if first.is_none() {
                killed += 1;
                ground.program = ground
                    .program
                    .start_again(&ground.door.endpoint, &ground.issuer)
                    .await;
            } else {
                // It came through because it has no such step.
                assert!(seen.len() <= number, "{step:?} of {kind}: {seen:?}");
                passed += 1;
            }
            let request = ground.request(&write, &name);
            let again = ground.program.send(&request).await;
            assert!(
                (200..300).contains(&again.status),
                "{step:?} of {kind}: {again:?}"
            );
            if let Some(first) = &first {
                assert_eq!(essence(first), essence(&again), "{step:?} of {kind}");
            }
            // Once more, this time surely from memory.
            let third = ground.program.send(&request).await;
            assert_eq!(essence(&again), essence(&third), "{step:?} of {kind}");
            assert_eq!(
                third.header("idempotency-replayed").as_deref(),
                Some("true")
            );

            let found = ground.stored(&name).await;
            match (leaves, found) {
                (Leaves::Nothing, None) => {}
                (Leaves::Version(version), Some(claim)) => {
                    assert_eq!(claim["services"]["shop"], version, "{step:?} of {kind}");
                    let told = &again.json()["environment"]["claim"];
                    assert_eq!(told, &claim, "{step:?} of {kind}: told and stored");
                }
                (_, found) => panic!("{step:?} of {kind} left {found:?}"),
            }
            let key = ClaimStore::key_of(&name.parse().expect("a name"));
            assert_eq!(
                ground.store.versions(&key).await,
                versions,
                "{step:?} of {kind}: written more than once, or not at all"
            );
            ground
                .program
                .verify_audit(again.header("slipway-audit"))
                .await;
        }
        if passed == 2 {
            return 2 * number;
        }
        assert!(killed > 0);
    }
    panic!("{kind} has no end");
}

async fn every_step(kind: Kind) {
    let mut ground = Ground::start(kind).await;
    let made = async |ground: &Ground, name: &str| {
        let answer = ground
            .program
            .send(&ground.request(&create(name), &format!("{name}-made")))
            .await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.header("etag").expect("a state")
    };
    let creates = sweep(
        &mut ground,
        "create",
        Leaves::Version("v1.0.0"),
        async |_, name| (create(name), 1),
    )
    .await;
    let changes = sweep(
        &mut ground,
        "change",
        Leaves::Version("v2.0.0"),
        async |ground, name| {
            let state = made(ground, name).await;
            (change(name, &state, "v2.0.0"), 2)
        },
    )
    .await;
    let deletes = sweep(
        &mut ground,
        "delete",
        Leaves::Nothing,
        async |ground, name| {
            let state = made(ground, name).await;
            (delete(name, &state), 2)
        },
    )
    .await;
    // A write asks the store at least once and writes once: fewer steps would mean that the door saw nothing.
    for (kind, kills) in [
        ("create", creates),
        ("change", changes),
        ("delete", deletes),
    ] {
        eprintln!("{kind}: killed at {kills} places");
        assert!(kills >= 2, "{kind} was killed at {kills} places only");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_killed_at_any_step_happens_once_and_is_answered_alike_on_minio() {
    every_step(Kind::Minio).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_killed_at_any_step_happens_once_and_is_answered_alike_on_versitygw() {
    every_step(Kind::Versitygw).await;
}
