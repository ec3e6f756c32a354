//! The program, fed by the real OPAL: its server watches a repository, its client takes the program for a cedar-agent. What
//! somebody pushes by Git counts while the program runs.

use crate::program::{Program, Request};
use crate::scene::{LIST, Scene, path, refused};
use crate::store::{Kind, Store, tool};
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use uuid::Uuid;

/// Two Python programs start, on a machine that builds other things too.
const START: Duration = Duration::from_mins(3);
/// From a commit to its effect.
const PUSH: Duration = Duration::from_mins(1);

const MEMBERS: &str = r#"@id("members") @reason("a team sees its pools")
permit (principal, action in Slipway::Action::"Read", resource) when { principal in resource.pool.team };
"#;
const EVERYBODY: &str = r#"@id("everybody") permit (principal, action in Slipway::Action::"Read", resource);
"#;
/// Good Cedar that speaks of what the schema does not know.
const BROKEN: &str = r#"@id("broken") permit (principal, action, resource) when { resource.colour == "red" };
"#;

/// The entities that OPAL fetches.
type Source = Arc<Mutex<Value>>;

struct Ground {
    scene: Scene,
    /// Where the program takes policies, and tells how they are.
    agent: String,
    source: Source,
    repository: PathBuf,
    folder: TempDir,
    http: reqwest::Client,
    programs: Vec<Child>,
}

impl Ground {
    /// The program with one environment of the pool `shop`, and nobody yet who feeds it.
    async fn start() -> Self {
        let store = Store::start(Kind::Versitygw).await;
        let issuer = crate::issuer::Issuer::start().await;
        let text = r#"{"user": "o@example.org", "environment_pool": "shop", "creation_date": "2026-01-01T00:00:00Z",
            "environment_name": "dev-a", "environment_type": "dev", "services": {}}"#;
        let claim = claims::Claim::read(text.as_bytes()).expect("a claim");
        let put = store.claims().put_new(&claim, Uuid::new_v4()).await;
        put.expect("it is written");
        let agent = free_address();
        let more = json!({
            "policy_listen": agent,
            "policies": { "source": "opal", "max_age_seconds": 60 },
        });
        let program = Program::spawn(&store.endpoint, &issuer, &more).await;
        let folder = tempfile::tempdir().expect("a folder");
        let repository = folder.path().join("repository");
        std::fs::create_dir_all(repository.join("policies")).expect("a folder");
        git(
            &repository,
            &["init", "--quiet", "--initial-branch", "main"],
        )
        .await;
        commit(&repository, "policies/members.cedar", Some(MEMBERS)).await;
        Self {
            scene: Scene {
                store,
                issuer,
                program,
            },
            agent: format!("http://{agent}"),
            source: Arc::new(Mutex::new(pool_of("retail"))),
            repository,
            folder,
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
            programs: Vec::new(),
        }
    }

    /// OPAL's server and client begin.
    async fn feed(&mut self) {
        let answer =
            async |State(source): State<Source>| Json(source.lock().expect("a lock").clone());
        let routes = Router::new()
            .route("/data", get(answer))
            .with_state(self.source.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let data = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let data = format!("http://{data}/data");
        self.programs = opal(self.folder.path(), &self.repository, &self.agent, &data);
    }

    fn of(&self, who: &str, team: &str) -> Request {
        self.scene.of(who, &[team], "GET", &path("dev-a"))
    }

    /// What somebody of the team is answered who reads the environment.
    async fn read_by(&self, team: &str) -> u16 {
        let request = self.of(&format!("of-{team}@example.org"), team);
        self.scene.send(&request).await.status
    }

    /// What the program says of its policies.
    async fn state(&self) -> Value {
        let asked = self.http.get(format!("{}/v1/status", self.agent)).send();
        asked
            .await
            .expect("an answer")
            .json()
            .await
            .expect("a state")
    }

    async fn figure(&self, name: &str) -> String {
        let answer = self.scene.send(&Request::new("GET", "/metrics")).await;
        let line = answer
            .text()
            .lines()
            .find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name}"))
            .trim()
            .to_owned()
    }

    async fn push(&self, file: &str, text: Option<&str>) {
        commit(&self.repository, file, text).await;
    }

    /// Waits until something holds, and says how long that took.
    async fn until(&self, within: Duration, mut holds: impl AsyncFnMut() -> bool) -> Duration {
        let begun = Instant::now();
        while !holds().await {
            if begun.elapsed() > within {
                let tail =
                    |text: String| text.lines().rev().take(12).collect::<Vec<_>>().join("\n");
                let log = |name: &str| {
                    tail(std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default())
                };
                panic!(
                    "not within {within:?}: {}\n{}\n{}\n{}",
                    self.state().await,
                    tail(self.scene.program.log()),
                    log("server.log"),
                    log("client.log")
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        begun.elapsed()
    }
}

fn pool_of(team: &str) -> Value {
    json!([{
        "uid": {"type": "Slipway::Pool", "id": "shop"},
        "attrs": {"team": {"__entity": {"type": "Slipway::Team", "id": team}}},
        "parents": [],
    }])
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

async fn git(repository: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .current_dir(repository)
        .args([
            "-c",
            "user.name=test",
            "-c",
            "user.email=test@example.org",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .output()
        .await
        .expect("git starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Pushes a file, or its removal.
async fn commit(repository: &Path, file: &str, text: Option<&str>) {
    let path = repository.join(file);
    match text {
        Some(text) => std::fs::write(path, text).expect("a file"),
        None => std::fs::remove_file(path).expect("it was there"),
    }
    git(repository, &["add", "--all"]).await;
    git(repository, &["commit", "--quiet", "--message", file]).await;
}

/// OPAL's server and client, unmodified. They end with the test.
fn opal(folder: &Path, repository: &Path, agent: &str, data: &str) -> Vec<Child> {
    let (server_address, client_address) = (free_address(), free_address());
    let uvicorn = |program: &str, address: &str| {
        let (host, port) = address.split_once(':').expect("host and port");
        let mut command = Command::new(tool("opal/bin/python3"));
        command
            .current_dir(folder)
            .args(["-m", "uvicorn", program, "--host", host, "--port", port])
            .env("HOME", folder)
            .env("NO_PROXY", host)
            .env("no_proxy", host)
            .env("OPAL_STATISTICS_ENABLED", "false");
        command
    };
    let sources = json!({"config": {"entries": [{
        "url": data, "topics": ["policy_data"], "dst_path": "", "periodic_update_interval": 2,
    }]}});
    let mut server = uvicorn("opal_server.main:app", &server_address);
    server
        .env("OPAL_POLICY_REPO_URL", repository)
        .env("OPAL_POLICY_REPO_CLONE_PATH", folder.join("clone"))
        .env("OPAL_POLICY_REPO_MAIN_BRANCH", "main")
        .env("OPAL_POLICY_REPO_POLLING_INTERVAL", "1")
        .env("OPAL_POLICY_REPO_POLICY_EXTENSIONS", ".cedar")
        .env("OPAL_FILTER_FILE_EXTENSIONS", ".cedar")
        .env(
            "OPAL_SERVER_PORT",
            server_address.split(':').next_back().expect("a port"),
        )
        .env("OPAL_DATA_CONFIG_SOURCES", sources.to_string());
    let mut client = uvicorn("opal_client.main:app", &client_address);
    client
        .env("OPAL_SERVER_URL", format!("http://{server_address}"))
        .env("OPAL_POLICY_STORE_TYPE", "CEDAR")
        .env("OPAL_POLICY_STORE_URL", agent)
        .env("OPAL_INLINE_OPA_ENABLED", "false")
        .env("OPAL_INLINE_CEDAR_ENABLED", "false");
    [(server, "server.log"), (client, "client.log")]
        .into_iter()
        .map(|(mut command, log)| {
            let log = std::fs::File::create(folder.join(log)).expect("a log");
            command
                .stdin(Stdio::null())
                .stdout(log.try_clone().expect("a log"))
                .stderr(log)
                .kill_on_drop(true)
                .spawn()
                .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_pushed_by_git_counts_at_once_and_a_broken_one_is_refused() {
    let mut ground = Ground::start().await;
    // The claims are read, and nobody has said yet who may see them.
    let ready = Request::new("GET", "/readyz");
    let only_policies_are_missing = async || {
        let answer = ground.scene.send(&ready).await;
        let missing = answer.json()["missing"].clone();
        let missing = missing.as_array().cloned().unwrap_or_default();
        answer.status == 503
            && missing.len() == 1
            && missing[0]
                .as_str()
                .is_some_and(|why| why.contains("SLW-579"))
    };
    ground.until(PUSH, only_policies_are_missing).await;
    let early = ground.scene.of("m@example.org", &["retail"], "GET", LIST);
    refused(&ground.scene.send(&early).await, 503, "SLW-579");

    ground.feed().await;
    let may_read = async |team: &str| ground.read_by(team).await == 200;
    let started = ground.until(START, async || may_read("retail").await).await;
    assert_eq!(ground.scene.send(&ready).await.status, 200);
    assert_eq!(ground.read_by("web").await, 404);

    ground
        .push("policies/everybody.cedar", Some(EVERYBODY))
        .await;
    let pushed = ground.until(PUSH, async || may_read("web").await).await;

    // Refused and reported: to who asks, as a figure, and in the log. The last good set stays.
    let epoch = ground.state().await["epoch"].clone();
    ground.push("policies/broken.cedar", Some(BROKEN)).await;
    let is_refused = async || ground.state().await["refused"].is_object();
    ground.until(PUSH, is_refused).await;
    let state = ground.state().await;
    let fault = &state["refused"]["faults"][0];
    assert_eq!(fault["at"], "policies/broken.cedar", "{state}");
    let words = fault["message"].as_str().expect("why");
    assert!(words.contains("colour"), "{state}");
    let faults = state["refused"]["faults"].as_array().expect("faults").len();
    assert_eq!(
        ground.figure("platform_api_policy_faults").await,
        faults.to_string()
    );
    let log = ground.scene.program.log();
    assert!(
        log.contains("pushed policies are refused") && log.contains("colour"),
        "{log}"
    );
    assert_eq!(state["epoch"], epoch, "{state}");
    assert_eq!(ground.scene.send(&ready).await.status, 200);
    assert!(may_read("retail").await && may_read("web").await);

    // Mended and narrowed in one push.
    std::fs::remove_file(ground.repository.join("policies/everybody.cedar")).expect("it was there");
    ground.push("policies/broken.cedar", None).await;
    ground.until(PUSH, async || !is_refused().await).await;
    assert_eq!(ground.figure("platform_api_policy_faults").await, "0");
    assert!(may_read("retail").await && !may_read("web").await);

    // The pool goes to another team; OPAL fetches the data again by itself.
    *ground.source.lock().expect("a lock") = pool_of("web");
    ground.until(PUSH, async || may_read("web").await).await;
    assert!(!may_read("retail").await);
    eprintln!("OPAL: first set after {started:.1?}, a push in force after {pushed:.1?}");
}
