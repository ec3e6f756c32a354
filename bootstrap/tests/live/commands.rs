//! The sub-commands that need no run of their own, and a run that needs no SSH.

use crate::api_server::ApiServer;
use crate::host::{Host, tools};
use crate::playbooks::{Playbooks, SAY};
use crate::program::program;
use crate::runs::{read_events, request};
use run_report::Bundle;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Output};

const RUN: &str = "6f2c8a0e-3c5b-4d8e-9a51-0d6a4d1f2b3c";

fn command(playbooks: &Playbooks, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway-bootstrap"));
    command.args(words).env("XDG_STATE_HOME", playbooks.state());
    command.env_remove("KUBECONFIG").env_remove("VULTR_API_KEY");
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A run of this user that ended, with what no mask could know to be secret.
fn leave_a_run_behind(playbooks: &Playbooks) {
    let folder = playbooks.state().join("slipway/runs");
    std::fs::create_dir_all(&folder).unwrap();
    let head = |seq: u32| json!({"v": 1, "seq": seq, "ts": "2026-01-02T03:04:05.000Z"});
    let events = [
        json!({"event": "run_started", "run": RUN, "platform": "acme-secretive", "components": []}),
        json!({"event": "task", "component": "kong", "name": "Log in", "host": "localhost", "status": "ok", "duration_ms": 5,
               "msg": "password: canary-form, from 203.0.113.9, see api.canary.example of acme-secretive"}),
        json!({"event": "run_finished", "outcome": "done", "components": {}}),
    ];
    let mut file = std::fs::File::create(folder.join(format!("{RUN}.jsonl"))).unwrap();
    for (event, seq) in events.into_iter().zip(1..) {
        let mut line = head(seq);
        line.as_object_mut()
            .unwrap()
            .extend(event.as_object().unwrap().clone());
        writeln!(file, "{line}").unwrap();
    }
}

#[test]
fn a_report_holds_what_is_needed_and_no_canary() {
    let playbooks = Playbooks::new();
    leave_a_run_behind(&playbooks);
    let out = playbooks.state().join("report.tar.gz");
    let named = out.display().to_string();
    let words = [
        "report",
        &RUN[..8],
        "--hide",
        "canary.example",
        "--out",
        &named,
    ];
    let output = command(&playbooks, &words);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let packed = std::fs::read(&out).unwrap();
    let files = Bundle::unpack(packed.as_slice()).unwrap();
    let events = text(files.file("events.jsonl").unwrap());
    assert_eq!(
        read_events(&events).len(),
        3,
        "it can still be replayed: {events}"
    );
    for private in ["canary", "203.0.113.9", "acme-secretive"] {
        assert!(!events.contains(private), "{private}: {events}");
    }
    assert!(files.file("about.json").is_some());
    let again = command(&playbooks, &words);
    assert_eq!(again.status.code(), Some(2), "nothing is overwritten");
    assert!(text(&again.stderr).contains("SLW-308"));
    let unknown = command(&playbooks, &["report", "ffff"]);
    assert!(text(&unknown.stderr).contains("SLW-305"));
}

#[test]
fn components_are_told_in_the_order_in_which_they_run() {
    let playbooks = Playbooks::new()
        .with("top", "uses: [base]", SAY)
        .with("base", "", SAY);
    let folder = playbooks.folder().display().to_string();
    let told = command(&playbooks, &["components", "--json", "--bundle", &folder]);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["waves"], json!([["base"], ["top"]]));
    assert_eq!(told["components"]["top"]["chart"]["version"], "1.0.0");
    let shown = text(&command(&playbooks, &["components", "--bundle", &folder]).stdout);
    assert!(
        shown.find("base").unwrap() < shown.find("top ").unwrap(),
        "{shown}"
    );
}

#[test]
fn a_doctor_without_anything_to_look_at_says_what_it_needs() {
    let output = command(&Playbooks::new(), &["doctor", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let skipped = |finding: &&Value| finding["verdict"] == "skipped";
    let checks: Vec<&str> = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(skipped)
        .map(|finding| finding["check"].as_str().unwrap())
        .collect();
    assert_eq!(checks, ["api key", "dns", "host", "cluster"], "{told}");
    assert_eq!(output.status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_with_ansible_needs_no_ssh() {
    let (host, cluster) = (Host::start(), ApiServer::start().await);
    let playbooks = Playbooks::new().with("one", "", SAY);
    let mut asked = request(&host, &["one"]);
    asked["host"] = json!({"connection": "local"});
    asked["kubeconfig"] = json!(cluster.kubeconfig());
    let tools = tools();
    let path = format!(
        "{}:{}:/usr/bin:/bin",
        tools.join("venv/bin").display(),
        tools.display()
    );
    let mut child = program(&playbooks)
        .env("HOME", host.home())
        .env("PATH", path)
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(asked.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let stdout = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{stdout}{}",
        text(&output.stderr)
    );
    assert!(
        stdout.contains(r#""address":"localhost""#) && stdout.contains("hello from one"),
        "{stdout}"
    );
    assert_eq!(host.secrets().len(), 0);
}
