//! Policies pushed by Git through the real OPAL: its server watches a repository, its client feeds us as if we were a
//! cedar-agent.

use crate::programs::{free_port, start, tool, until};
use authz::{Action, Circumstances, Environment, Origin, Principal, Resource};
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use claims::EnvironmentType;
use jiff::Timestamp;
use platform_api::policy::{self, Feed, Policies, Settings};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

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
    policies: Arc<Policies>,
    source: Source,
    repository: PathBuf,
    folder: TempDir,
    stop: CancellationToken,
    _programs: [Child; 2],
}

impl Ground {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let repository = folder.path().join("repository");
        std::fs::create_dir_all(repository.join("policies")).expect("a folder");
        git(
            &repository,
            &["init", "--quiet", "--initial-branch", "main"],
        )
        .await;
        commit(&repository, "policies/members.cedar", Some(MEMBERS)).await;

        let policies = Arc::new(Policies::new(&Settings::Opal(Feed::default())).expect("settings"));
        let stop = CancellationToken::new();
        tokio::spawn(policies.clone().follow(stop.clone()));
        let agent = serve(policy::router(policies.clone())).await;
        let source: Source = Arc::new(Mutex::new(pool_of("retail")));
        let answer =
            async |State(source): State<Source>| Json(source.lock().expect("a lock").clone());
        let data = serve(
            Router::new()
                .route("/data", get(answer))
                .with_state(source.clone()),
        )
        .await;
        let programs = opal(folder.path(), &repository, &agent, &data);
        Self {
            policies,
            source,
            repository,
            folder,
            stop,
            _programs: programs,
        }
    }

    fn may_read(&self, who: &Principal) -> bool {
        let resource = Resource::Environment(Environment {
            name: "x".to_owned(),
            pool: "shop".to_owned(),
            environment_type: EnvironmentType::Dev,
            owner: "o@example.org".to_owned(),
            origin: Origin::Bucket,
            protected: false,
        });
        self.policies.current().is_ok_and(|set| {
            set.decide(
                who,
                Action::ReadEnvironment,
                &resource,
                &Circumstances::api(Timestamp::now()),
            )
            .allowed
        })
    }

    /// Waits until something holds of the policies, and says how long that took.
    async fn until(&self, within: Duration, holds: impl Fn() -> bool) -> Duration {
        let begun = Instant::now();
        let story = || {
            let log = |name: &str| {
                std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
            };
            let tail = |text: String| text.lines().rev().take(12).collect::<Vec<_>>().join("\n");
            format!(
                "{:?}\n{}\n{}",
                self.policies.state(Timestamp::now()),
                tail(log("server.log")),
                tail(log("client.log"))
            )
        };
        until(within, async || holds().then_some(()), story).await;
        begun.elapsed()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn pool_of(team: &str) -> Value {
    json!([{
        "uid": {"type": "Slipway::Pool", "id": "shop"},
        "attrs": {"team": {"__entity": {"type": "Slipway::Team", "id": team}}},
        "parents": [],
    }])
}

async fn serve(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
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

/// OPAL's server and client, unmodified.
fn opal(folder: &Path, repository: &Path, agent: &str, data: &str) -> [Child; 2] {
    let (server_port, client_port) = (free_port(), free_port());
    let uvicorn = |program: &str, port: u16| {
        let mut command = Command::new(tool("opal/bin/python3"));
        command
            .current_dir(folder)
            .args([
                "-m",
                "uvicorn",
                program,
                "--host",
                "127.0.0.1",
                "--port",
                &port.to_string(),
            ])
            .env("HOME", folder)
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1")
            .env("OPAL_STATISTICS_ENABLED", "false");
        command
    };
    let sources = json!({"config": {"entries": [{
        "url": format!("{data}/data"), "topics": ["policy_data"], "dst_path": "", "periodic_update_interval": 2,
    }]}});
    let mut server = uvicorn("opal_server.main:app", server_port);
    server
        .env("OPAL_POLICY_REPO_URL", repository)
        .env("OPAL_POLICY_REPO_CLONE_PATH", folder.join("clone"))
        .env("OPAL_POLICY_REPO_MAIN_BRANCH", "main")
        .env("OPAL_POLICY_REPO_POLLING_INTERVAL", "1")
        .env("OPAL_POLICY_REPO_POLICY_EXTENSIONS", ".cedar")
        .env("OPAL_FILTER_FILE_EXTENSIONS", ".cedar")
        .env("OPAL_SERVER_PORT", server_port.to_string())
        .env("OPAL_DATA_CONFIG_SOURCES", sources.to_string());
    let mut client = uvicorn("opal_client.main:app", client_port);
    client
        .env("OPAL_SERVER_URL", format!("http://127.0.0.1:{server_port}"))
        .env("OPAL_POLICY_STORE_TYPE", "CEDAR")
        .env("OPAL_POLICY_STORE_URL", agent)
        .env("OPAL_INLINE_OPA_ENABLED", "false")
        .env("OPAL_INLINE_CEDAR_ENABLED", "false");
    [
        start(&mut server, &folder.join("server.log")),
        start(&mut client, &folder.join("client.log")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_pushed_by_git_counts_at_once_and_a_broken_one_is_refused() {
    let ground = Ground::start().await;
    let member = Principal::user("m@example.org").in_teams(["retail"]);
    let stranger = Principal::user("s@example.org").in_teams(["web"]);
    assert!(
        ground.policies.current().is_err(),
        "nothing is in force before OPAL has spoken"
    );
    let started = ground.until(START, || ground.may_read(&member)).await;
    assert!(!ground.may_read(&stranger));

    commit(
        &ground.repository,
        "policies/everybody.cedar",
        Some(EVERYBODY),
    )
    .await;
    let pushed = ground.until(PUSH, || ground.may_read(&stranger)).await;

    let epoch = ground.policies.epoch();
    commit(&ground.repository, "policies/broken.cedar", Some(BROKEN)).await;
    let refused = || ground.policies.state(Timestamp::now()).refused;
    ground.until(PUSH, || refused().is_some()).await;
    let faults = refused().expect("a refusal").faults;
    assert_eq!(faults[0].at, "policies/broken.cedar");
    assert!(faults[0].message.contains("colour"), "{faults:?}");
    assert_eq!(ground.policies.epoch(), epoch, "the last good set stays");
    assert!(ground.may_read(&member) && ground.may_read(&stranger));

    // Mended and narrowed in one push.
    std::fs::remove_file(ground.repository.join("policies/everybody.cedar")).expect("it was there");
    commit(&ground.repository, "policies/broken.cedar", None).await;
    ground.until(PUSH, || refused().is_none()).await;
    assert!(ground.may_read(&member) && !ground.may_read(&stranger));

    // The pool goes to another team; OPAL fetches the data again by itself.
    *ground.source.lock().expect("a lock") = pool_of("web");
    ground.until(PUSH, || ground.may_read(&stranger)).await;
    assert!(!ground.may_read(&member));
    eprintln!("OPAL: first set after {started:.1?}, a push in force after {pushed:.1?}");
}
