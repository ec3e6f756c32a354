//! The real program, with settings, a log and an audit folder of its own.

use crate::issuer::{AUDIENCE, Issuer};
use crate::store::{ACCESS_KEY, PLATFORM, REGION, SECRET_KEY};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_platform-api");
const START_DEADLINE: Duration = Duration::from_mins(1);

/// The program. It is killed with the test.
pub(crate) struct Program {
    process: Child,
    pub(crate) url: String,
    folder: Arc<TempDir>,
    client: reqwest::Client,
}

/// A request that can be sent again.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: reqwest::header::HeaderMap,
    body: String,
}

impl Request {
    pub(crate) fn new(method: &'static str, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string());
        self.header("content-type", "application/json")
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?.to_str().expect("a text");
        Some(value.to_owned())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

impl Program {
    /// Starts it with a folder of its own and waits until it is ready.
    pub(crate) async fn start(store: &str, issuer: &Issuer) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Self::in_folder(folder, store, issuer).await
    }

    /// Starts it once more where it was.
    pub(crate) async fn start_again(&self, store: &str, issuer: &Issuer) -> Self {
        Self::in_folder(Arc::clone(&self.folder), store, issuer).await
    }

    async fn in_folder(folder: Arc<TempDir>, store: &str, issuer: &Issuer) -> Self {
        let path = folder.path();
        let address = free_address();
        let settings = settings(path, &address, store, issuer);
        let file = path.join("settings.json");
        std::fs::write(&file, settings.to_string()).expect("its settings");
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path.join("log"))
            .expect("a log");
        let process = Command::new(PROGRAM)
            .arg("serve")
            .arg("--settings")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let mut program = Self {
            process,
            url: format!("http://{address}"),
            folder,
            client: reqwest::Client::builder().no_proxy().build().expect("a client"),
        };
        program.ready().await;
        program
    }

    async fn ready(&mut self) {
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            let asked = self.client.get(format!("{}/readyz", self.url)).send().await;
            if asked.as_ref().is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            let ended = self.process.try_wait().expect("a state");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "it does not get ready ({ended:?}): {asked:?}\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// What stands under a path that everybody may read.
    pub(crate) async fn text(&self, path: &str) -> String {
        self.send(&Request::new("GET", path)).await.body
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id().expect("it runs")
    }

    pub(crate) async fn send(&self, request: &Request) -> Answer {
        let method = request.method.parse().expect("a method");
        let mut sent = self.client.request(method, format!("{}{}", self.url, request.path));
        for (name, value) in &request.headers {
            sent = sent.header(name, value);
        }
        if let Some(body) = &request.body {
            sent = sent.body(body.clone());
        }
        let answer = match sent.send().await {
            Ok(answer) => answer,
            Err(error) => panic!("no answer to {request:?}: {error:?}\n{}", self.log()),
        };
        Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().await.expect("a body"),
        }
    }

    /// Kills it as the kernel does when memory is short: nothing of it runs any more.
    pub(crate) async fn kill(&mut self) {
        self.process.kill().await.expect("it is killed");
    }

    /// Checks the audit log while it is written, as its operator does; `anchor` is a receipt of an answer.
    pub(crate) async fn verify_audit(&self, anchor: Option<String>) {
        let anchor = anchor.expect("an answer to a write carries its receipt");
        let output = Command::new(PROGRAM)
            .args(["audit", "verify"])
            .arg(self.folder.path().join("audit"))
            .args(["--anchor", &anchor])
            .output()
            .await
            .expect("it starts");
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

fn settings(folder: &Path, address: &str, store: &str, issuer: &Issuer) -> Value {
    let secret = |name: &str, value: &str| {
        let path = folder.join(name);
        std::fs::write(&path, value).expect("a file");
        path
    };
    json!({
        "platform": PLATFORM,
        "listen": address,
        "store": {
            "endpoint": store,
            "region": REGION,
            "access_key_file": secret("access-key", ACCESS_KEY),
            "secret_key_file": secret("secret-key", SECRET_KEY),
            "static_bucket": "static-environments",
            "status_bucket": "status",
        },
        "identity": { "issuers": [{
            "issuer": issuer.url,
            "audiences": [AUDIENCE],
            "people": { "roles": { "platform-admins": ["platform-admin"] } },
        }] },
        "audit": { "directory": folder.join("audit") },
        "rate": { "per_second": 1_000_000, "burst": 1_000_000 },
        "sweep_seconds": 1,
    })
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}
