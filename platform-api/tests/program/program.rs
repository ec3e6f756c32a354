//! The real program, with settings, a log and an audit folder of its own.

use crate::console::sign_in::CLIENT;
use crate::events::Events;
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
    more: Value,
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

    /// A body as it is, whatever its type.
    pub(crate) fn text(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
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

    pub(crate) fn text(&self) -> &str {
        &self.body
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

impl Program {
    /// Starts it with a folder of its own and waits until it is ready.
    pub(crate) async fn start(store: &str, issuer: &Issuer) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Self::with_settings(folder, store, issuer, &json!({})).await
    }

    /// The same, with settings beside or instead of the usual ones.
    pub(crate) async fn start_with(store: &str, issuer: &Issuer, more: &Value) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Self::with_settings(folder, store, issuer, more).await
    }

    /// The same, without waiting until it is ready.
    pub(crate) async fn spawn(store: &str, issuer: &Issuer, more: &Value) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let program = Self::spawned(folder, store, issuer, more);
        let asked = || {
            program
                .client
                .get(format!("{}/healthz", program.url))
                .send()
        };
        let deadline = Instant::now() + START_DEADLINE;
        while asked().await.is_err() {
            assert!(Instant::now() < deadline, "{}", program.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        program
    }

    /// Starts it once more where it was.
    pub(crate) async fn start_again(&self, store: &str, issuer: &Issuer) -> Self {
        Self::with_settings(Arc::clone(&self.folder), store, issuer, &self.more).await
    }

    async fn with_settings(
        folder: Arc<TempDir>,
        store: &str,
        issuer: &Issuer,
        more: &Value,
    ) -> Self {
        let mut program = Self::spawned(folder, store, issuer, more);
        program.ready().await;
        program
    }

    fn spawned(folder: Arc<TempDir>, store: &str, issuer: &Issuer, more: &Value) -> Self {
        let path = folder.path();
        let address = free_address();
        let mut settings = settings(path, &address, store, issuer);
        for (name, value) in more.as_object().into_iter().flatten() {
            settings[name] = value.clone();
        }
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
        Self {
            process,
            url: format!("http://{address}"),
            folder,
            more: more.clone(),
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
        }
    }

    async fn ready(&mut self) {
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            let asked = self.client.get(format!("{}/readyz", self.url)).send().await;
            if asked
                .as_ref()
                .is_ok_and(|answer| answer.status().is_success())
            {
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

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id().expect("it runs")
    }

    pub(crate) async fn send(&self, request: &Request) -> Answer {
        let method = request.method.parse().expect("a method");
        let mut sent = self
            .client
            .request(method, format!("{}{}", self.url, request.path));
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

    /// What it tells as it happens.
    pub(crate) async fn events(&self, request: &Request) -> Events {
        let sent = self.client.get(format!("{}{}", self.url, request.path));
        let sent = request
            .headers
            .iter()
            .fold(sent, |sent, (name, value)| sent.header(name, value));
        let answer = sent.send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{}", self.log());
        Events::of(answer)
    }

    /// Tells it to stop and waits until it has.
    pub(crate) async fn terminate(&mut self) -> std::process::ExitStatus {
        let told = std::process::Command::new("kill")
            .arg(self.pid().to_string())
            .status();
        assert!(told.expect("it is told").success());
        let ended = tokio::time::timeout(Duration::from_secs(30), self.process.wait()).await;
        ended.expect("it ends in time").expect("a status")
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
        "console": { "issuer": issuer.url, "client_id": CLIENT },
        "audit": { "directory": folder.join("audit") },
        "rate": { "per_second": 1_000_000, "burst": 1_000_000 },
        "sweep_seconds": 1,
    })
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}
