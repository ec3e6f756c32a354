//! The command: up, down, and nothing left behind however it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use slipway_sandbox::processes::Processes;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

fn sandbox(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway-sandbox"));
    command
        .args(arguments)
        .arg("--dir")
        .arg(dir)
        .env_remove("SLIPWAY_LOG")
        .stdin(Stdio::null());
    command
}

fn run(dir: &Path, arguments: &[&str]) -> Output {
    sandbox(dir, arguments).output().unwrap()
}

fn json(dir: &Path, arguments: &[&str]) -> Value {
    let output = run(dir, arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn up(dir: &Path) -> Value {
    json(
        dir,
        &[
            "up",
            "--clusters",
            "records",
            "--stepped",
            "--detach",
            "--json",
        ],
    )
}

fn in_foreground(dir: &Path) -> Child {
    let log = std::fs::File::create(dir.join("foreground.log")).unwrap();
    let mut command = sandbox(dir, &["up", "--clusters", "records"]);
    let child = command
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    wait_until(|| dir.join("sandbox.json").exists());
    child
}

fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "it did not happen in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn listens(description: &Value) -> bool {
    let address = description["api_url"]
        .as_str()
        .unwrap()
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

fn read_description(dir: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(dir.join("sandbox.json")).unwrap()).unwrap()
}

/// Only the lock and the logs stay.
fn assert_clear(dir: &Path) {
    let left: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    let unexpected: Vec<_> = left
        .iter()
        .filter(|name| !["lock", "logs", "foreground.log"].contains(&name.to_str().unwrap()))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

#[test]
fn up_and_down_leave_nothing_behind() {
    let dir = TempDir::new().unwrap();
    let description = up(dir.path());
    assert!(listens(&description));
    let held = run(dir.path(), &["up", "--clusters", "records"]);
    assert!(!held.status.success());
    assert!(String::from_utf8_lossy(&held.stderr).contains("SLW-901"));

    let down = json(dir.path(), &["down", "--json"]);
    assert_eq!(
        (&down["was_up"], down["ended"].as_array().unwrap().len()),
        (&Value::Bool(true), 0)
    );
    assert!(!listens(&description));
    assert_clear(dir.path());
    assert_eq!(
        json(dir.path(), &["down", "--json"])["was_up"],
        Value::Bool(false)
    );
    let asked = run(dir.path(), &["snapshot"]);
    assert!(String::from_utf8_lossy(&asked.stderr).contains("SLW-902"));
}

#[test]
fn ctrl_c_ends_it_as_down_does() {
    let dir = TempDir::new().unwrap();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let mut child = in_foreground(dir.path());
        let description = read_description(dir.path());
        kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
        assert!(child.wait().unwrap().success(), "{signal}");
        assert!(!listens(&description));
        assert_clear(dir.path());
    }
}

#[test]
fn what_a_killed_sandbox_left_running_is_ended_by_the_next_up_or_down() {
    let dir = TempDir::new().unwrap();
    for then in ["up", "down"] {
        let mut child = in_foreground(dir.path());
        let mut engine = Command::new("sleep")
            .arg("600")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let processes = Processes::open(dir.path(), "mark").unwrap();
        processes.register(engine.id(), "engine").unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(dir.path().join("sandbox.json").exists() && engine.try_wait().unwrap().is_none());

        if then == "up" {
            let description = up(dir.path());
            assert!(listens(&description));
            json(dir.path(), &["down", "--json"]);
        } else {
            let down = json(dir.path(), &["down", "--json"]);
            assert_eq!(down["ended"].as_array().unwrap().len(), 1, "{down}");
        }
        assert!(!engine.wait().unwrap().success());
        assert_clear(dir.path());
    }
}

#[test]
fn two_sandboxes_live_beside_each_other() {
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let descriptions = [up(first.path()), up(second.path())];
    assert_ne!(descriptions[0]["api_url"], descriptions[1]["api_url"]);
    assert_ne!(descriptions[0]["api_key"], descriptions[1]["api_key"]);
    json(first.path(), &["down", "--json"]);
    assert!(listens(&descriptions[1]));
    json(second.path(), &["down", "--json"]);
}

#[test]
fn the_controls_answer_on_the_command_line() {
    let dir = TempDir::new().unwrap();
    up(dir.path());
    let before = dir.path().join("logs/before.json");
    assert!(
        run(dir.path(), &["snapshot", "--out", before.to_str().unwrap()])
            .status
            .success()
    );
    let diff = run(
        dir.path(),
        &["diff", before.to_str().unwrap(), "--exit-code"],
    );
    assert_eq!(
        (diff.status.code(), diff.stdout.as_slice()),
        (Some(0), b"no difference\n".as_slice())
    );

    let set = json(
        dir.path(),
        &[
            "faults",
            "set",
            r#"{"path":"/account","action":{"status":500}}"#,
            "--json",
        ],
    );
    assert_eq!(set["id"], 1);
    assert_eq!(
        json(dir.path(), &["faults", "--json"])["rules"][0]["path"],
        "/account"
    );
    assert!(run(dir.path(), &["faults", "clear"]).status.success());
    let nonsense = run(dir.path(), &["faults", "set", r#"{"action":"explode"}"#]);
    assert!(String::from_utf8_lossy(&nonsense.stderr).contains("SLW-920"));

    let start = json(dir.path(), &["clock", "--json"]);
    assert_eq!(start["mode"], "stepped");
    let moved = json(dir.path(), &["clock", "--advance", "7m", "--json"]);
    assert_ne!(start["now"], moved["now"]);
    assert_eq!(
        json(dir.path(), &["journal", "--json"]),
        Value::Array(Vec::new())
    );
    let bill = run(dir.path(), &["bill"]);
    assert!(String::from_utf8_lossy(&bill.stdout).contains("0 USD"));
    json(dir.path(), &["down", "--json"]);
}

#[test]
fn only_loopback_addresses_are_listened_on() {
    let dir = TempDir::new().unwrap();
    let refused = run(
        dir.path(),
        &["up", "--clusters", "records", "--listen", "0.0.0.0:0"],
    );
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("SLW-904"));
    assert_clear(dir.path());
}

#[test]
fn every_error_code_has_its_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = std::fs::read_to_string(root.join("../docs/errors.md")).unwrap();
    let mut folders = vec![root.join("src")];
    let mut codes = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            for (at, _) in source.match_indices("SLW-9") {
                let code = &source[at..at + 7];
                codes += 1;
                assert!(
                    pages.contains(&format!("### {code}:")),
                    "{code} of {} has no section in docs/errors.md",
                    path.display()
                );
            }
        }
    }
    assert!(codes > 20);
}
