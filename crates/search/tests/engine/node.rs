//! A real OpenSearch on loopback, one for all tests of this program. It ends when the program does.

use search::{Access, Index, Limits, Settings};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

const START_DEADLINE: Duration = Duration::from_mins(2);

/// The engine while one test has it for itself: all tests know the same names of indices.
pub(crate) struct Node {
    pub(crate) address: String,
    http: reqwest::Client,
    _turn: MutexGuard<'static, ()>,
}

struct Process {
    address: String,
    /// Ends when its input does, which is when this program does.
    _child: Child,
    _home: TempDir,
}

impl Node {
    /// The engine without any index.
    pub(crate) async fn empty() -> Self {
        static TURN: Mutex<()> = Mutex::const_new(());
        static PROCESS: OnceLock<Process> = OnceLock::new();
        let turn = TURN.lock().await;
        let process = PROCESS.get_or_init(Process::start);
        let node = Self {
            address: format!("http://{}/", process.address),
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
            _turn: turn,
        };
        node.raw("DELETE", "environments*").await;
        node
    }

    pub(crate) fn index(&self) -> Index {
        Index::new(settings(&self.address)).expect("an index")
    }

    /// Makes what was written findable now; the engine does it by itself after a second.
    pub(crate) async fn refresh(&self) {
        self.raw("POST", "environments-v1-*/_refresh").await;
    }

    /// Asks the engine past the crate.
    pub(crate) async fn raw(&self, method: &str, path: &str) -> String {
        let request = self.http.request(
            method.parse().expect("a method"),
            format!("{}{path}", self.address),
        );
        let answer = request.send().await.expect("an answer");
        assert!(
            answer.status().is_success(),
            "{method} {path}: {}",
            answer.status()
        );
        answer.text().await.expect("a text")
    }
}

/// Settings of an engine that asks for no name; limits as a busy machine needs them.
pub(crate) fn settings(address: &str) -> Settings {
    Settings {
        address: address.parse().expect("an address"),
        access: Access::Open,
        ca_pem: None,
        limits: Limits {
            question: Duration::from_secs(30),
            batch: Duration::from_mins(1),
            ..Limits::default()
        },
    }
}

impl Process {
    fn start() -> Self {
        let tools = std::env::var_os("SLIPWAY_TOOLS")
            .expect("SLIPWAY_TOOLS names the folder that `cargo xtask tools` prints");
        let set = PathBuf::from(tools).join("opensearch");
        assert!(
            set.join("classes").is_dir(),
            "{} is missing: cargo xtask tools",
            set.display()
        );
        let home = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(home.path().join("config")).expect("a folder");
        let log = std::fs::File::create(home.path().join("log")).expect("a log");
        let mut child = Command::new("java")
            .args([
                "-Xms256m",
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
            ])
            .arg(format!("{0}/classes:{0}/lib/*", set.display()))
            .arg("SearchEngine")
            .arg(home.path())
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("java starts");
        let deadline = Instant::now() + START_DEADLINE;
        let address = loop {
            if let Ok(address) = std::fs::read_to_string(home.path().join("address")) {
                break address;
            }
            let ended = child.try_wait().expect("a state");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "the engine does not start ({ended:?}): {}",
                std::fs::read_to_string(home.path().join("log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(100));
        };
        Self {
            address,
            _child: child,
            _home: home,
        }
    }
}
