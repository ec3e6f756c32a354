//! Claims by the thousand, written past the program.

use crate::agent::Question;
use crate::store::{CLAIMS, Store};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const POOLS: usize = 100;
const WRITERS: usize = 32;

/// What stands in the bucket.
pub(crate) struct Seeded {
    count: usize,
}

impl Seeded {
    /// Writes so many claims.
    pub(crate) async fn write(store: &Store, count: usize) -> Self {
        let client = store.client();
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let client = client.clone();
            writers.spawn(async move {
                for number in (writer..count).step_by(WRITERS) {
                    let name = name(number);
                    let mut claim = Self::claim_of(&name, "v1.0.0");
                    claim["user"] = owner(number).into();
                    claim["creation_date"] = "2026-01-15T10:30:00Z".into();
                    let body = serde_json::to_vec_pretty(&claim).expect("JSON");
                    let put = client
                        .put_object()
                        .bucket(CLAIMS)
                        .key(format!("{name}.json"));
                    put.body(body.into()).send().await.expect("it is written");
                }
            });
        }
        while let Some(writer) = writers.join_next().await {
            writer.expect("it ends");
        }
        Self { count }
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The claim of an environment, as somebody sends it who changes a version.
    pub(crate) fn claim_of(name: &str, version: &str) -> Value {
        let number: usize = name
            .trim_start_matches("dev-load-")
            .parse()
            .expect("a number");
        json!({
            "environment_pool": pool(number),
            "environment_name": name,
            "environment_type": "dev",
            "services": { "shop": version, "billing": "^1.2.0", "search": "2.x.x" },
        })
    }

    pub(crate) fn half_of_the_teams() -> Vec<String> {
        (0..POOLS / 2).map(pool).collect()
    }

    /// The names of what these teams may see.
    pub(crate) fn readable_names(&self) -> Vec<String> {
        (0..self.count)
            .filter(|number| number % POOLS < POOLS / 2)
            .map(name)
            .collect()
    }

    /// What an agent would be asked for a list of everything.
    pub(crate) fn questions(&self, principal: &str) -> Vec<Question> {
        let question = |number: usize| Question {
            principal: principal.to_owned(),
            teams: Self::half_of_the_teams(),
            name: name(number),
            pool: pool(number),
            environment_type: "dev".to_owned(),
            owner: owner(number),
        };
        (0..self.count).map(question).collect()
    }
}

fn name(number: usize) -> String {
    format!("dev-load-{number}")
}

/// A pool belongs to the team of its name.
fn pool(number: usize) -> String {
    format!("team{}", number % POOLS)
}

fn owner(number: usize) -> String {
    format!("user{}@example.com", number % 500)
}
