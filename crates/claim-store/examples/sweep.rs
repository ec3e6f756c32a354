//! How long it takes to look at a bucket of many claims, how many calls that is, and what it takes of memory.
//!
//! `cargo run --release -p claim-store --example sweep`, with the folder of engines in `SLIPWAY_TOOLS`, measures 10,000
//! and 100,000 claims in a real `MinIO` of its own; other counts may be given. The look is a process of its own, so that
//! its memory is not that of whoever wrote the claims, and it keeps every claim, as a reader does who answers from memory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measurement that cannot go on ends"
)]

#[path = "../tests/store/servers.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod servers;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::pin::pin;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use claim_store::{ClaimStore, Ledger, Limits, Settings, Stored};
use claims::{Claim, EnvironmentName};
use futures::TryStreamExt as _;
use futures::stream::{self, StreamExt as _};
use servers::{ACCESS_KEY, SECRET_KEY, Server};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use uuid::Uuid;

const PLATFORM: &str = "sweep";
/// Claims that are written at the same time.
const AT_ONCE: usize = 32;
const COUNTS: [usize; 2] = [10_000, 100_000];
/// The argument of the process that looks.
const LOOK: &str = "--look";

/// Requests that were sent, repetitions included.
static CALLS: AtomicU64 = AtomicU64::new(0);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [LOOK, endpoint, bucket] = arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        tracing::subscriber::set_global_default(Calls)?;
        return look(&settings(endpoint, bucket)).await;
    }
    let given = arguments.iter().map(|count| count.parse());
    let given = given.collect::<Result<Vec<usize>, _>>()?;
    for count in if given.is_empty() {
        COUNTS.to_vec()
    } else {
        given
    } {
        measure(count).await?;
    }
    Ok(())
}

/// Fills a server of its own and lets another process look at it.
async fn measure(count: usize) -> Result<(), Box<dyn Error>> {
    let server = Server::minio().await;
    server.stranger().put(".platform-id", PLATFORM).await;
    let settings = server.settings();
    let store = ClaimStore::new(&settings)?;
    let began = Instant::now();
    let writes = (0..count).map(|index| {
        let store = &store;
        async move {
            store.put_new(&claim(index)?, Uuid::new_v4()).await?;
            Ok::<_, Box<dyn Error>>(())
        }
    });
    stream::iter(writes)
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    let took = began.elapsed().as_secs_f64();
    writeln!(
        std::io::stdout(),
        "{count} claims, written in {took:.1} s; {}",
        memory()
    )?;
    let status = Command::new(std::env::current_exe()?)
        .args([LOOK, &settings.endpoint, &settings.bucket])
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err("the look failed".into())
    }
}

/// Looks twice: at everything, and at what has changed since, which is nothing.
async fn look(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let store = ClaimStore::new(settings)?;
    let mut ledger = Ledger::new(PLATFORM);
    let mut view: BTreeMap<EnvironmentName, Arc<Stored>> = BTreeMap::new();
    for what in ["first look", "second look"] {
        let (began, calls) = (Instant::now(), CALLS.load(Ordering::Relaxed));
        let (mut listed, mut read) = (0, 0);
        let mut parts = pin!(store.changes(&mut ledger));
        while let Some(part) = parts.try_next().await? {
            listed += part.listed;
            read += part.claims.len();
            for stored in part.claims {
                view.insert(stored.claim.environment_name.clone(), Arc::new(stored));
            }
        }
        writeln!(
            std::io::stdout(),
            "  {what}: {listed} listed, {read} read in {:.1} s by {} calls; {}",
            began.elapsed().as_secs_f64(),
            CALLS.load(Ordering::Relaxed) - calls,
            memory()
        )?;
    }
    Ok(())
}

fn settings(endpoint: &str, bucket: &str) -> Settings {
    Settings {
        endpoint: endpoint.to_owned(),
        region: "us-east-1".to_owned(),
        bucket: bucket.to_owned(),
        access_key: ACCESS_KEY.into(),
        secret_key: SECRET_KEY.into(),
        ca_pem: None,
        limits: Limits::default(),
    }
}

fn claim(index: usize) -> Result<Claim, claims::Faults> {
    let text = format!(
        r#"{{"user": "john.doe@company.com", "environment_pool": "team{}", "creation_date": "2024-01-15T10:30:00Z",
            "environment_name": "dev-team-{index:06}", "environment_type": "dev",
            "services": {{"user-service": "v1.2.3", "auth-service": "^1.0.0.0", "api-gateway": "1.x.x.x"}}}}"#,
        index % 40
    );
    Claim::read(text.as_bytes())
}

fn memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let line = line.map_or("", |line| line.trim_start_matches(name).trim());
        line.trim_end_matches(" kB").parse().unwrap_or(0) / 1000
    };
    format!("memory {} MB, at most {} MB", of("VmRSS:"), of("VmHWM:"))
}

/// Counts the requests of the S3 client, which opens a span for each.
struct Calls;

impl Subscriber for Calls {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.name() == "try_attempt"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(CALLS.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
