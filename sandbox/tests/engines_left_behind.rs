//! However a sandbox with running engines ends, nothing of it stays: no process, no listener, no mount.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ground;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ground::sockets::foreign_addresses;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_mins(2);

/// A sandbox as a user starts it, in a folder of its own.
struct Sandbox {
    child: Child,
    folder: TempDir,
    client: reqwest::Client,
}

impl Sandbox {
    async fn up(folder: TempDir) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_slipway-sandbox"))
            .args(["up", "--speed", "600", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let sandbox = Self {
            child,
            folder,
            client: reqwest::Client::new(),
        };
        let started = Instant::now();
        while sandbox
            .description()
            .is_none_or(|description| description["pid"] != sandbox.child.id())
        {
            assert!(started.elapsed() < PATIENCE, "the sandbox does not come up");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        sandbox
    }

    fn description(&self) -> Option<Value> {
        let text = fs::read_to_string(self.folder.path().join("sandbox.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let description = self.description().unwrap();
        let url = format!("{}/v2{path}", description["api_url"].as_str().unwrap());
        let request = self
            .client
            .request(method, url)
            .bearer_auth(description["api_key"].as_str().unwrap());
        request
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        self.call(reqwest::Method::GET, path, json!({})).await
    }

    /// A cluster and a host, both running.
    async fn fill(&self) {
        let pools = json!([{ "label": "general", "plan": "vc2-2c-4gb", "node_quantity": 1 }]);
        let version = self.get("/kubernetes/versions").await["versions"][0].clone();
        let cluster =
            json!({ "label": "t", "region": "ams", "version": version, "node_pools": pools });
        self.call(reqwest::Method::POST, "/kubernetes/clusters", cluster)
            .await;
        let systems = self.get("/os?per_page=500").await;
        let systems = systems["os"].as_array().unwrap();
        let debian = systems
            .iter()
            .find(|os| os["name"].as_str().unwrap().contains("Debian 12"))
            .unwrap();
        let host =
            json!({ "region": "ams", "plan": "vc2-1c-2gb", "os_id": debian["id"], "label": "t" });
        self.call(reqwest::Method::POST, "/instances", host).await;
        let started = Instant::now();
        loop {
            let cluster =
                self.get("/kubernetes/clusters").await["vke_clusters"][0]["status"].clone();
            let host = self.get("/instances").await["instances"][0].clone();
            if cluster == "active" && host["status"] == "active" && host["server_status"] == "ok" {
                return;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "cluster {cluster}, host {host}"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn signal(&mut self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ended_before = self.child.kill();
        let _ended_before = self.child.wait();
        let _nothing_to_report_to = down(self.folder.path());
    }
}

fn down(folder: &Path) -> std::io::Result<std::process::ExitStatus> {
    Command::new(env!("CARGO_BIN_EXE_slipway-sandbox"))
        .args(["down", "--dir"])
        .arg(folder)
        .stdout(Stdio::null())
        .status()
}

/// Processes whose command line or environment names the folder or the sandbox's mark, apart from this test's own.
fn processes_of(folder: &Path, mark: &str) -> Vec<(i32, String)> {
    let own = std::process::id().to_string();
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries
        .filter(|entry| entry.file_name().to_string_lossy() != own)
        .filter_map(|entry| {
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let environment = String::from_utf8_lossy(&environment).into_owned();
            let named = line.contains(folder.to_str().unwrap()) || environment.contains(mark);
            let pid = entry.file_name().to_str()?.parse().ok()?;
            (named && !line.is_empty()).then_some((pid, line))
        })
        .collect()
}

fn mark(folder: &Path) -> String {
    fs::read_to_string(folder.join("processes/mark")).unwrap()
}

fn assert_nothing_left(folder: &Path, mark: &str) {
    let left = processes_of(folder, mark);
    assert!(left.is_empty(), "left running: {left:#?}");
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    assert!(
        !mounts.contains(folder.to_str().unwrap()),
        "left mounted: {mounts}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_leaves_nothing() {
    let mut sandbox = Sandbox::up(tempfile::tempdir().unwrap()).await;
    sandbox.fill().await;
    let mark = mark(sandbox.folder.path());
    let processes = processes_of(sandbox.folder.path(), &mark);
    assert!(processes.len() > 6, "the engines run");
    let pids: Vec<i32> = processes.iter().map(|(pid, _)| *pid).collect();
    assert_eq!(foreign_addresses(&pids), Vec::<String>::new());
    sandbox.signal(Signal::SIGINT);
    assert_nothing_left(sandbox.folder.path(), &mark);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_up_and_down_end_what_a_killed_sandbox_left() {
    let mut sandbox = Sandbox::up(tempfile::tempdir().unwrap()).await;
    sandbox.fill().await;
    let old = mark(sandbox.folder.path());
    sandbox.signal(Signal::SIGKILL);
    assert!(
        !processes_of(sandbox.folder.path(), &old).is_empty(),
        "the engines outlive a killed sandbox"
    );
    assert!(down(sandbox.folder.path()).unwrap().success());
    assert_nothing_left(sandbox.folder.path(), &old);

    let folder = std::mem::replace(&mut sandbox.folder, tempfile::tempdir().unwrap());
    let mut second = Sandbox::up(folder).await;
    second.fill().await;
    let killed = mark(second.folder.path());
    let before = processes_of(second.folder.path(), &killed).len();
    second.signal(Signal::SIGKILL);
    let folder = std::mem::replace(&mut second.folder, tempfile::tempdir().unwrap());
    let third = Sandbox::up(folder).await;
    let left = processes_of(third.folder.path(), &killed);
    assert!(
        before > 6 && left.len() == 1,
        "the fresh sandbox alone is up: {left:#?}"
    );
}
