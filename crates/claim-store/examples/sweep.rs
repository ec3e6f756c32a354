//! How long it takes to look at a bucket of many claims, and what it takes of memory.
//!
//! `cargo run -p claim-store --example sweep -- http://127.0.0.1:9000 KEYS.json 10000`, with `{"access_key": …,
//! "secret_key": …}` in KEYS.json, on a server of one's own: it makes a bucket `sweep-10000` and leaves it there.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use claim_store::{ClaimStore, Ledger, Limits, Settings};
use claims::Claim;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use secrecy::ExposeSecret;
use serde::Deserialize;
use uuid::Uuid;

const PLATFORM: &str = "sweep";
/// Claims that are written at the same time.
const AT_ONCE: usize = 16;

#[derive(Deserialize)]
struct Keys {
    access_key: String,
    secret_key: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, keys, count] = arguments.as_slice() else {
        return Err("give the server's address, a file with keys, and how many claims".into());
    };
    let count: usize = count.parse()?;
    let keys: Keys = serde_json::from_slice(&fs::read(keys)?)?;
    let settings = Settings {
        endpoint: endpoint.clone(),
        region: "us-east-1".to_owned(),
        bucket: format!("sweep-{count}"),
        access_key: keys.access_key.into(),
        secret_key: keys.secret_key.into(),
        ca_pem: None,
        limits: Limits {
            operation: Duration::from_mins(5),
            attempt: Duration::from_mins(1),
            ..Limits::default()
        },
    };
    let store = ClaimStore::new(&settings)?;
    make_bucket(&settings).await?;

    let began = Instant::now();
    let listed = store.list().await?.len();
    let missing = listed..count;
    let writes = missing.map(|index| {
        let store = &store;
        async move {
            let claim = claim(index)?;
            store.put_new(&claim, Uuid::new_v4()).await?;
            Ok::<_, Box<dyn Error>>(())
        }
    });
    stream::iter(writes)
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    told("written", count - listed.min(count), began);

    let mut ledger = Ledger::new(PLATFORM);
    for what in ["first look", "second look, nothing changed"] {
        let began = Instant::now();
        let changes = store.refresh(&mut ledger).await?;
        told(
            &format!("{what}: {} listed, read", changes.listed),
            changes.claims.len(),
            began,
        );
    }
    Ok(())
}

/// A bucket that says whose it is; one from an earlier run will do.
async fn make_bucket(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let keys = Credentials::new(
        settings.access_key.expose_secret(),
        settings.secret_key.expose_secret(),
        None,
        None,
        "sweep",
    );
    let client = Client::from_conf(
        Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&settings.endpoint)
            .region(Region::new(settings.region.clone()))
            .force_path_style(true)
            .credentials_provider(keys)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build(),
    );
    let (bucket, mark) = (&settings.bucket, ".platform-id");
    if client.head_bucket().bucket(bucket).send().await.is_err() {
        client.create_bucket().bucket(bucket).send().await?;
    }
    let body = ByteStream::from_static(PLATFORM.as_bytes());
    client
        .put_object()
        .bucket(bucket)
        .key(mark)
        .body(body)
        .send()
        .await?;
    Ok(())
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

fn told(what: &str, count: usize, began: Instant) {
    let memory = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = memory.lines().find(|line| line.starts_with(name));
        line.map_or("", |line| line.trim_start_matches(name).trim())
    };
    let _ = writeln!(
        std::io::stdout(),
        "{what} {count} in {:.1} s; resident {}, at most {}",
        began.elapsed().as_secs_f64(),
        of("VmRSS:"),
        of("VmHWM:")
    );
}
