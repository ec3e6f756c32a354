//! Runs that meet: a second one while the first goes on, and one after the first was killed; and those who watch.

use crate::api_server::ApiServer;
use crate::host::{Host, kill};
use crate::playbooks::{Playbooks, SAY, wait_for};
use crate::program::{ran, started, started_in};
use crate::runs::{MemoryJournal, eventually, read_events, request, run};
use jiff::Timestamp;
use run_report::{Event, Outcome};
use serde_json::{Value, json};
use slipway_bootstrap::{Holder, Journal};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A task that leaves a line behind, to be counted.
fn write(log: &Path, word: &str) -> String {
    format!(
        "- name: Write\n  ansible.builtin.shell: echo {word} >> {}\n",
        log.display()
    )
}

fn lines(log: &Path) -> usize {
    std::fs::read_to_string(log)
        .unwrap_or_default()
        .lines()
        .count()
}

/// Another sub-command, with the files of the same user.
fn command(playbooks: &Playbooks, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway-bootstrap"));
    command.args(words).env("XDG_STATE_HOME", playbooks.state());
    command
        .env_remove("KUBECONFIG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_refuses_and_one_after_kill_9_takes_over_what_the_first_had_started() {
    let (host, cluster) = (Host::start(), ApiServer::start().await);
    let (gate, log) = (host.path("gate"), host.path("log"));
    let tasks = format!(
        "{}{}{}",
        write(&log, "begin"),
        wait_for(&gate),
        write(&log, "end")
    );
    let playbooks = Playbooks::new()
        .with("slow", "", &tasks)
        .with("quick", "", SAY)
        .with("after", "needs: [slow]", SAY);
    let kubeconfig = host.path("kubeconfig");
    std::fs::write(&kubeconfig, cluster.kubeconfig()).unwrap();
    let status = || -> Value {
        let path = kubeconfig.display().to_string();
        let output = command(&playbooks, &["status", "--json", "--kubeconfig", &path])
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)))
    };
    let mut asked = request(&host, &["slow", "quick", "after"]);
    asked["kubeconfig"] = json!(cluster.kubeconfig());

    let mut first = started(&playbooks, &asked);
    eventually("slow has begun and quick has ended", || {
        log.exists() && status()["components"]["quick"]["outcome"] == "ok"
    })
    .await;
    assert_eq!(status()["going_on"]["run"], asked["run"]);
    let mut follower = command(&playbooks, &["follow", "--json"]).spawn().unwrap();

    let mut second = asked.clone();
    second["run"] = json!(uuid::Uuid::new_v4());
    let (code, stdout, stderr) = ran(&playbooks, &second);
    assert_eq!(code, Some(5), "{stdout}{stderr}");
    assert!(
        stderr.contains("SLW-314") && stderr.contains(asked["run"].as_str().unwrap()),
        "{stderr}"
    );
    assert_eq!(started_in(&stdout), Vec::<String>::new());
    assert_eq!(lines(&log), 1, "nothing was started twice");

    kill(first.id());
    first.wait().unwrap();
    let seen = follower.wait().unwrap();
    assert_eq!(
        seen.code(),
        Some(2),
        "the follower says that the run was killed"
    );
    let orphans = host.jobs();
    assert!(!orphans.is_empty());

    second["run"] = json!(uuid::Uuid::new_v4());
    let third = started(&playbooks, &second);
    eventually("the third run has taken over", || {
        status()["going_on"]["run"] == second["run"]
            && host.jobs().iter().any(|pid| orphans.contains(pid))
    })
    .await;
    std::fs::write(&gate, "").unwrap();
    let output = third.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(started_in(&stdout), ["slow", "after"]);
    assert_eq!(
        lines(&log),
        2,
        "the playbook went on and was not started again"
    );
    let begun = read_events(&stdout)
        .into_iter()
        .filter(|event| matches!(event, Event::Task { name, .. } if name == "Write"));
    assert_eq!(begun.count(), 2, "the third run tells all of it: {stdout}");
    assert!(host.is_idle().await);
    assert_eq!(host.secrets().len(), 0);

    let known = status();
    assert_eq!(known["going_on"], Value::Null);
    assert_eq!(
        known["components"]["slow"]["run"], asked["run"],
        "the run that started it"
    );
    let watched = command(&playbooks, &["follow"]).output().unwrap();
    assert_eq!(watched.status.code(), Some(0), "{}", text(&watched));
    assert!(text(&watched).contains("slow: ok"), "{}", text(&watched));
    let replayed = command(
        &playbooks,
        &["follow", "--json", second["run"].as_str().unwrap()],
    )
    .output()
    .unwrap();
    assert_eq!(
        String::from_utf8(replayed.stdout).unwrap(),
        stdout,
        "the event stream is the run's own"
    );
}

/// A holder on a machine that this one knows nothing of.
fn stranger() -> Holder {
    Holder {
        run: uuid::Uuid::new_v4(),
        process: "another-boot/1".to_owned(),
        file: None,
        since: Timestamp::UNIX_EPOCH,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_elsewhere_counts_as_long_as_its_lease_moves() {
    let host = Host::start();
    let playbooks = Playbooks::new().with("one", "", SAY);
    let journal = Arc::new(MemoryJournal::default());
    let stranger = stranger();
    let mut version = journal.hold(&stranger, None).await.unwrap().unwrap();

    let (watched, holder) = (journal.clone(), stranger.clone());
    let renewing = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            version = watched
                .hold(&holder, Some(&version))
                .await
                .unwrap()
                .unwrap();
        }
    });
    let asked = request(&host, &["one"]);
    let told = run(&playbooks, &journal, &asked).await;
    assert_eq!(told.outcome, Outcome::Busy, "{}", told.text);
    assert!(
        told.failure
            .unwrap()
            .cause
            .contains(&stranger.run.to_string())
    );
    renewing.abort();

    let begin = Instant::now();
    let told = run(&playbooks, &journal, &asked).await;
    assert_eq!(told.outcome, Outcome::Done, "{}", told.text);
    assert!(
        begin.elapsed() >= Duration::from_secs(15),
        "it may have been alive"
    );
    assert_eq!(
        journal.held().await.unwrap(),
        None,
        "the platform is let go of"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_platform_was_taken_stops_and_leaves_the_records_alone() {
    let host = Host::start();
    let playbooks = Playbooks::new().with("one", "", &wait_for(&host.path("never")));
    let journal = Arc::new(MemoryJournal::default());
    let going = crate::runs::start(&playbooks, &journal, &request(&host, &["one"]));
    going.until(r#""event":"play""#).await;
    let held = journal.held().await.unwrap().unwrap();
    journal
        .hold(&stranger(), Some(&held.version))
        .await
        .unwrap();
    let told = going.end().await;
    assert_eq!(told.outcome, Outcome::Stopped, "{}", told.text);
    let writes = journal.writes.lock().unwrap().clone();
    assert_eq!(writes, [("one".to_owned(), "running")]);
    assert!(host.is_idle().await);
}
