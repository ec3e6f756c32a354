//! The program as its callers meet it: arguments, streams, signals, exit codes; the journal in a real cluster.

use crate::api_server::ApiServer;
use crate::host::Host;
use crate::playbooks::{Playbooks, SAY, wait_for};
use crate::runs::{eventually, read_events, request};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use run_report::Event;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Child, Command, Stdio};

/// A way to make a run stop.
type Way = fn(&mut Child);

pub(crate) fn program(playbooks: &Playbooks) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway-bootstrap"));
    command
        .args(["run", "--request", "-", "--bundle"])
        .arg(playbooks.folder())
        .env("XDG_STATE_HOME", playbooks.state());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn started(playbooks: &Playbooks, asked: &Value) -> Child {
    let mut child = program(playbooks).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(asked.to_string().as_bytes())
        .unwrap();
    child
}

/// Exit code, stdout and stderr of a whole run.
pub(crate) fn ran(playbooks: &Playbooks, asked: &Value) -> (Option<i32>, String, String) {
    let output = started(playbooks, asked).wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_is_the_outcome_and_the_journal_is_in_the_cluster() {
    let (host, cluster) = (Host::start(), ApiServer::start().await);
    let mended = host.path("mended");
    let fail = format!(
        "- name: Look\n  ansible.builtin.command: ls {}\n  changed_when: false\n",
        mended.display()
    );
    let playbooks = Playbooks::new()
        .with("good", "", SAY)
        .with("bad", "", &fail);
    let mut asked = request(&host, &["good", "bad"]);
    asked["kubeconfig"] = json!(cluster.kubeconfig());

    let (code, stdout, stderr) = ran(&playbooks, &asked);
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    read_events(&stdout);
    assert_eq!(cluster.record("good").await["outcome"], "ok");
    let bad = cluster.record("bad").await;
    assert_eq!(bad["outcome"], "failed");
    assert!(bad["failure"].contains("SLW-340"));

    std::fs::write(&mended, "").unwrap();
    let (code, stdout, stderr) = ran(&playbooks, &asked);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert_eq!(started_in(&stdout), ["bad"]);
    assert!(
        !cluster.record("bad").await.contains_key("failure"),
        "a stale failure is removed"
    );

    let (code, stdout, _) = ran(&playbooks, &asked);
    assert_eq!((code, read_events(&stdout).len()), (Some(0), 2));

    let stored = Command::new("grep")
        .args(["-rlaF", crate::api_server::TOKEN])
        .arg(cluster.everything_stored())
        .output();
    assert!(
        stored.unwrap().stdout.is_empty(),
        "the token is in the cluster's store"
    );
}

#[test]
fn a_bad_request_is_refused_before_anything_is_done() {
    let playbooks = Playbooks::new().with("good", "", SAY);
    let text = |asked: &Value, change: fn(&mut Value)| {
        let mut asked = asked.clone();
        change(&mut asked);
        asked
    };
    let base = json!({
        "v": 1, "run": "00000000-0000-0000-0000-000000000001",
        "platform": {"id": "acme", "name": "acme", "region": "ams", "domain": "acme.example"},
        "host": {"address": "127.0.0.1", "port": 1, "user": "root", "host_key": "ssh-ed25519 x", "login_key": "canary-login"},
        "kubeconfig": "canary-kubeconfig", "chart_mirror": null, "secrets": {"a": "canary-secret"}, "secrets_version": 0,
        "components": [{"name": "good", "enabled": true, "version": null, "size": "dev", "values": null}],
        "connect_timeout_s": 1, "component_timeout_s": 1,
    });
    let cases = [
        (text(&base, |asked| asked["v"] = json!(7)), "SLW-302"),
        (
            text(&base, |asked| {
                asked["components"][0]["name"] = json!("goood");
            }),
            "did you mean `good`?",
        ),
        (
            text(&base, |asked| {
                asked["components"][0]["values"] = json!("[1");
            }),
            "components[0].values",
        ),
        (text(&base, |asked| asked["surprise"] = json!(1)), "SLW-301"),
        (base.clone(), "the kubeconfig cannot be used"),
    ];
    for (asked, expected) in cases {
        let (code, stdout, stderr) = ran(&playbooks, &asked);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(expected), "{expected}: {stderr}");
        assert!(stdout.contains(r#""outcome":"bad_request""#), "{stdout}");
        assert!(
            !stderr.contains("canary") && !stdout.contains("canary"),
            "{stdout}{stderr}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_stop_it_ends_the_playbook_and_says_so() {
    let (host, cluster) = (Host::start(), ApiServer::start().await);
    let playbooks = Playbooks::new().with("slow", "", &wait_for(&host.path("never")));
    let mut asked = request(&host, &["slow"]);
    asked["kubeconfig"] = json!(cluster.kubeconfig());
    let ways: [(&str, Way); 3] = [
        ("SIGTERM", |child| signal(child, Signal::SIGTERM)),
        ("SIGINT", |child| signal(child, Signal::SIGINT)),
        ("closed stdout", |child| drop(child.stdout.take())),
    ];
    for (way, stop) in ways {
        let mut child = started(&playbooks, &asked);
        eventually("the playbook runs", || playing(&host)).await;
        stop(&mut child);
        assert_eq!(child.wait().unwrap().code(), Some(4), "{way}");
        assert!(host.is_idle().await, "{way}");
        assert_eq!(host.secrets().len(), 0, "{way}");
        let record = cluster.record("slow").await;
        assert!(
            record["outcome"] == "failed" && record["failure"].contains("SLW-346"),
            "{way}: {record:?}"
        );
    }
}

#[test]
fn help_has_examples_and_exit_codes() {
    let output = Command::new(env!("CARGO_BIN_EXE_slipway-bootstrap"))
        .args(["run", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for expected in [
        "Examples:",
        "--request request.json",
        "Exit codes:",
        "--json",
    ] {
        assert!(help.contains(expected), "{help}");
    }
}

/// The components whose playbooks were started.
pub(crate) fn started_in(stdout: &str) -> Vec<String> {
    let started = |event| match event {
        Event::ComponentStarted(planned) => Some(planned.name),
        _ => None,
    };
    read_events(stdout)
        .into_iter()
        .filter_map(started)
        .collect()
}

/// Whether the playbook has come to a task that waits.
fn playing(host: &Host) -> bool {
    let of = |pid: &u32| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    host.jobs()
        .iter()
        .any(|pid| of(pid).starts_with(b"sh\0-c\0until test"))
}
