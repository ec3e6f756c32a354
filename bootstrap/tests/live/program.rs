//! The program as its callers meet it: arguments, streams, signals, exit codes; the journal in a real cluster.

use crate::api_server::ApiServer;
use crate::host::Host;
use crate::playbooks::{Playbooks, SAY, wait_for};
use crate::runs::{eventually, read_events, request};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use run_report::Event;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

/// A way to make a run stop.
type Way = fn(&mut Child);

fn program(playbooks: &Playbooks) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway-bootstrap"));
    command
        .args(["run", "--request", "-", "--bundle"])
        .arg(playbooks.folder());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn started(playbooks: &Playbooks, asked: &Value) -> Child {
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
fn ran(playbooks: &Playbooks, asked: &Value) -> (Option<i32>, String, String) {
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

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_the_next_run_ends_the_old_playbook_before_it_starts_its_own() {
    let (host, cluster) = (Host::start(), ApiServer::start().await);
    let (gate, log) = (host.path("gate"), host.path("log"));
    let write = |word: &str| {
        format!(
            "- name: Write\n  ansible.builtin.shell: echo {word} $PPID >> {}\n",
            log.display()
        )
    };
    let tasks = format!("{}{}{}", write("begin"), wait_for(&gate), write("end"));
    let playbooks = Playbooks::new()
        .with("slow", "", &tasks)
        .with("quick", "", SAY);
    let mut asked = request(&host, &["slow", "quick"]);
    asked["kubeconfig"] = json!(cluster.kubeconfig());

    let mut child = started(&playbooks, &asked);
    let stdout = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let (mut pipe, said) = (child.stdout.take().unwrap(), stdout.clone());
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            said.lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    });
    eventually("quick has ended and slow has begun", || {
        log.exists()
            && stdout
                .lock()
                .unwrap()
                .lines()
                .any(|line| line.contains("component_finished") && line.contains("quick"))
    })
    .await;
    signal(&child, Signal::SIGKILL);
    child.wait().unwrap();
    assert_eq!(cluster.record("slow").await["outcome"], "running");
    let orphans = host.jobs();
    assert!(!orphans.is_empty());

    asked["run"] = json!(uuid::Uuid::new_v4());
    let child = started(&playbooks, &asked);
    eventually("the second run has begun", || lines(&log) == 2).await;
    let alive = host.jobs();
    assert!(
        orphans.iter().all(|pid| !alive.contains(pid)),
        "the first run's playbook was still going"
    );
    std::fs::write(&gate, "").unwrap();
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{stdout}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(stdout.contains(r#""reason":"failed_before""#), "{stdout}");
    assert_eq!(started_in(&stdout), ["slow"]);
    assert_eq!(
        lines(&log),
        3,
        "the first run's playbook never came to its end"
    );
    assert_eq!(host.secrets().len(), 0);
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
fn started_in(stdout: &str) -> Vec<String> {
    let started = |event| match event {
        Event::ComponentStarted(planned) => Some(planned.name),
        _ => None,
    };
    read_events(stdout)
        .into_iter()
        .filter_map(started)
        .collect()
}

fn lines(log: &std::path::Path) -> usize {
    std::fs::read_to_string(log)
        .unwrap_or_default()
        .lines()
        .count()
}

/// Whether the playbook has come to a task that waits.
fn playing(host: &Host) -> bool {
    let of = |pid: &u32| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    host.jobs()
        .iter()
        .any(|pid| of(pid).starts_with(b"sh\0-c\0until test"))
}
