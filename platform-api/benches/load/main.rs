//! How fast the program answers with policies on and many environments, beside the plain alternative: one call to a
//! policy agent for each item. `cargo xtask bench --api` runs it; everything is real but the identity provider.
//!
//! The requests are made on the same machine, so what sends them takes its part of the processors too.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot go on ends, and its figures are its output"
)]

mod agent;
mod generator;
mod ground;
mod seed;

#[path = "../../tests/program/store.rs"]
#[allow(dead_code, reason = "the tests look at it more closely")]
mod store;

use generator::Figures;
use ground::{Issuer, Program};
use reqwest::header::{AUTHORIZATION, ETAG, IF_MATCH};
use reqwest::{Method, StatusCode};
use seed::Seeded;
use serde_json::Value;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Kind, Store};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const CONNECTIONS: usize = 16;
const LASTING: Duration = Duration::from_secs(10);
const ENVIRONMENTS: &str = "SLIPWAY_BENCH_ENVIRONMENTS";
const AGENT: &str = "agent";
const READER: &str = "reader@example.com";

#[tokio::main]
async fn main() {
    // `cargo bench` says `--bench` itself.
    if std::env::args().any(|argument| argument == AGENT) {
        agent::serve().await;
        return;
    }
    let environments =
        std::env::var(ENVIRONMENTS).map_or(10_000, |count| count.parse().expect("a number"));
    let store = Store::start(Kind::Versitygw).await;
    let issuer = Issuer::start().await;
    let begun = Instant::now();
    let seeded = Seeded::write(&store, environments).await;
    println!(
        "{environments} claims written in {:.1} s",
        begun.elapsed().as_secs_f64()
    );

    let begun = Instant::now();
    let program = Arc::new(Program::start(&store.endpoint, &issuer).await);
    println!(
        "start to ready, first sweep included: {:.2} s",
        begun.elapsed().as_secs_f64()
    );
    println!("memory after the first sweep: {}", program.memory());
    let bench = Bench {
        program,
        issuer,
        seeded: Arc::new(seeded),
    };
    bench.sweeps().await;
    println!("reads of one environment: {}", bench.reads().await);
    bench.lists().await;
    println!("changes: {}", bench.writes().await);
    println!("memory after all: {}", bench.program.memory());
    bench.alternative().await;
}

struct Bench {
    program: Arc<Program>,
    issuer: Issuer,
    seeded: Arc<Seeded>,
}

impl Bench {
    /// Somebody of half of all teams.
    fn reader(&self) -> String {
        self.issuer.bearer(READER, &Seeded::half_of_the_teams())
    }

    /// What the metrics say of the sweeps so far.
    async fn sweeps(&self) {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let answer = self.program.request(Method::GET, "/metrics").send().await;
        let text = answer.expect("figures").text().await.expect("a text");
        for line in text.lines() {
            let wanted = line.starts_with("platform_api_call_duration_seconds_sum")
                || line.starts_with("platform_api_call_duration_seconds_count");
            if wanted && line.contains("sweep") {
                println!("{line}");
            }
        }
    }

    async fn reads(&self) -> Figures {
        let bearer = self.reader();
        let names = self.seeded.readable_names();
        let program = Arc::clone(&self.program);
        generator::run(CONNECTIONS, LASTING, move |connection, number| {
            let name = &names[(connection * 7919 + number) % names.len()];
            let path = format!("/api/v1/environments/{name}");
            let request = program
                .request(Method::GET, &path)
                .header(AUTHORIZATION, &bearer);
            async move {
                let answer = request.send().await.expect("an answer");
                assert_eq!(answer.status(), StatusCode::OK);
                answer.bytes().await.expect("a body");
            }
        })
        .await
    }

    /// Everything that somebody may see, in pages of the largest size; and that which they may not see is not there.
    async fn lists(&self) {
        let bearer = self.reader();
        let readable = self.seeded.readable_names().len();
        let mut latencies = Vec::new();
        for _ in 0..5 {
            let begun = Instant::now();
            let (mut found, mut cursor) = (0, String::new());
            loop {
                let path = format!("/api/v1/environments?limit=1000{cursor}");
                let request = self
                    .program
                    .request(Method::GET, &path)
                    .header(AUTHORIZATION, &bearer);
                let page: Value = request
                    .send()
                    .await
                    .expect("an answer")
                    .json()
                    .await
                    .expect("a page");
                found += page["environments"].as_array().expect("a page").len();
                match page["next"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            latencies.push(begun.elapsed());
            assert_eq!(found, readable);
        }
        latencies.sort_unstable();
        println!(
            "list of all {} filtered by rights to {}: median {:.1} ms, longest {:.1} ms",
            self.seeded.len(),
            readable,
            latencies[2].as_secs_f64() * 1000.0,
            latencies[4].as_secs_f64() * 1000.0
        );
    }

    /// Each connection changes environments of its own, one after another: it reads the state and then writes.
    async fn writes(&self) -> Figures {
        let bearer = self.reader();
        let program = Arc::clone(&self.program);
        let names = self.seeded.readable_names();
        generator::run(CONNECTIONS, LASTING, move |connection, number| {
            let name = &names[(connection + CONNECTIONS * number) % names.len()];
            let path = format!("/api/v1/environments/{name}");
            let read = program
                .request(Method::GET, &path)
                .header(AUTHORIZATION, &bearer);
            let write = program
                .request(Method::PUT, &path)
                .header(AUTHORIZATION, &bearer)
                .json(&Seeded::claim_of(name, &format!("v2.0.{number}")));
            async move {
                let seen = read.send().await.expect("an answer");
                let state = seen.headers().get(ETAG).expect("a state").clone();
                let answer = write
                    .header(IF_MATCH, state)
                    .send()
                    .await
                    .expect("an answer");
                assert_eq!(answer.status(), StatusCode::ACCEPTED);
            }
        })
        .await
    }

    /// The same list, with one call to a policy agent for each environment.
    async fn alternative(&self) {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .arg(AGENT)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the agent starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let address = lines
            .next_line()
            .await
            .expect("a line")
            .expect("an address");
        let url = format!("http://{address}/v1/is_authorized");
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let questions = Arc::new(self.seeded.questions(READER));

        let begun = Instant::now();
        let mut allowed = 0;
        let mut running = tokio::task::JoinSet::new();
        for worker in 0..CONNECTIONS {
            let (client, url, questions) = (client.clone(), url.clone(), Arc::clone(&questions));
            running.spawn(async move {
                let mut allowed = 0;
                for question in questions.iter().skip(worker).step_by(CONNECTIONS) {
                    let answer = client
                        .post(&url)
                        .json(question)
                        .send()
                        .await
                        .expect("an answer");
                    let answer: agent::Answer = answer.json().await.expect("a decision");
                    allowed += usize::from(answer.allowed);
                }
                allowed
            });
        }
        while let Some(worker) = running.join_next().await {
            allowed += worker.expect("it ends");
        }
        println!(
            "the same list by one call to an agent for each: {:.1} ms on {CONNECTIONS} connections",
            begun.elapsed().as_secs_f64() * 1000.0
        );
        assert_eq!(
            allowed,
            self.seeded.readable_names().len(),
            "both decide alike"
        );
    }
}
