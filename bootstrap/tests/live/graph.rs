//! Which components run, in which order, and what the journal has to say about it.

use crate::host::Host;
use crate::playbooks::{Playbooks, SAY, wait_for};
use crate::runs::{MemoryJournal, request, run, start};
use run_report::{Event, Outcome, TaskStatus};
use serde_json::json;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn a_component_runs_once_and_again_only_when_something_changed() {
    let host = Host::start();
    let playbooks = Playbooks::new()
        .with("base", "", SAY)
        .with("top", "uses: [base]", SAY)
        .with("other", "", SAY);
    let journal = Arc::new(MemoryJournal::default());
    let mut asked = request(&host, &["base", "top", "other"]);

    let first = run(&playbooks, &journal, &asked).await;
    assert_eq!(first.outcome, Outcome::Done, "{}", first.text);
    assert_eq!(first.ends(), "base Ok, other Ok, top Ok");
    let mut started = first.started();
    started.sort();
    assert_eq!(started, ["base: New", "other: New", "top: New"]);
    assert!(first.text.contains(r#""uploaded":true"#));
    assert!(first.text.contains("hello from top"));
    let done =
        |event: &Event| matches!(event, Event::ComponentFinished { name, .. } if name == "base");
    let begun =
        |event: &Event| matches!(event, Event::ComponentStarted(planned) if planned.name == "top");
    assert!(
        first.events.iter().position(done).unwrap() < first.events.iter().position(begun).unwrap()
    );

    let again = run(&playbooks, &journal, &asked).await;
    assert_eq!(
        (again.outcome, again.started().len(), again.events.len()),
        (Outcome::Done, 0, 2)
    );
    assert_eq!(again.ends(), "base Skipped, other Skipped, top Skipped");

    asked["components"][0]["values"] = json!("replicas: 2\n");
    let changed = run(&playbooks, &journal, &asked).await;
    assert_eq!(changed.started(), ["base: Values", "top: Inputs"]);
    assert!(
        changed.text.contains(r#""uploaded":false"#),
        "what is on the host is reused"
    );
    let writes = journal.writes.lock().unwrap().clone();
    let of_base: Vec<_> = writes
        .iter()
        .filter(|(name, _)| name == "base")
        .map(|(_, outcome)| *outcome)
        .collect();
    assert_eq!(of_base, ["running", "ok", "running", "ok"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_independent_runs_at_the_same_time() {
    let host = Host::start();
    let (left, right) = (host.path("left"), host.path("right"));
    // Each waits for what the other one makes: one after the other they would wait for ever.
    let make = |made: &std::path::Path, awaited: &std::path::Path| {
        format!(
            "- name: Make a file\n  ansible.builtin.command: touch {}\n{}",
            made.display(),
            wait_for(awaited)
        )
    };
    let playbooks = Playbooks::new().with("one", "", &make(&left, &right)).with(
        "two",
        "",
        &make(&right, &left),
    );
    let journal = Arc::new(MemoryJournal::default());
    let told = run(&playbooks, &journal, &request(&host, &["one", "two"])).await;
    assert_eq!(told.outcome, Outcome::Done, "{}", told.text);
    let changed = |event: &&Event| {
        matches!(
            event,
            Event::Task {
                status: TaskStatus::Changed,
                ..
            }
        )
    };
    assert_eq!(told.events.iter().filter(changed).count(), 2);
    assert_eq!(journal.records.lock().unwrap()["one"].changed, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_independent_components_go_on_and_the_next_run_starts_there() {
    let host = Host::start();
    let mended = host.path("mended");
    let fail = format!(
        "- name: Look for the cure\n  ansible.builtin.command: ls {}\n  changed_when: false\n",
        mended.display()
    );
    let playbooks = Playbooks::new()
        .with("bad", "", &fail)
        .with("above", "needs: [bad]", SAY)
        .with("top", "uses: [above]", SAY)
        .with("good", "", SAY);
    let journal = Arc::new(MemoryJournal::default());
    let asked = request(&host, &["bad", "above", "top", "good"]);

    let told = run(&playbooks, &journal, &asked).await;
    assert_eq!(told.outcome, Outcome::Failed);
    assert_eq!(
        told.ends(),
        "above Skipped, bad Failed, good Ok, top Skipped"
    );
    let failure = told.failure_of("bad");
    assert_eq!(failure.code, "SLW-340");
    assert_eq!(failure.play.as_deref(), Some("Install bad"));
    assert_eq!(failure.task.as_deref(), Some("Look for the cure"));
    assert_eq!(failure.host.as_deref(), Some("localhost"));
    assert!(
        failure.cause.contains("No such file or directory"),
        "{}",
        failure.cause
    );
    assert!(failure.advice.contains("bad.yml:"), "{}", failure.advice);
    assert_eq!(told.failure_of("top").code, "SLW-345");
    assert_eq!(
        journal.records.lock().unwrap()["bad"]
            .failure
            .as_ref()
            .unwrap()
            .code,
        "SLW-340"
    );

    std::fs::write(&mended, "").unwrap();
    let told = run(&playbooks, &journal, &asked).await;
    assert_eq!(told.outcome, Outcome::Done, "{}", told.text);
    assert_eq!(
        told.started(),
        ["bad: FailedBefore", "above: New", "top: New"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_run_leaves_nothing_behind_and_says_so_in_the_journal() {
    let host = Host::start();
    let playbooks = Playbooks::new()
        .with("slow", "", &wait_for(&host.path("never")))
        .with("after", "needs: [slow]", SAY);
    let journal = Arc::new(MemoryJournal::default());
    let going = start(&playbooks, &journal, &request(&host, &["slow", "after"]));
    going.until(r#""event":"play""#).await;
    assert!(!host.jobs().is_empty());
    assert_eq!(host.secrets().len(), 1);
    going.stop.cancel();
    let told = going.end().await;
    assert_eq!(told.outcome, Outcome::Stopped, "{}", told.text);
    assert_eq!(told.ends(), "after Stopped, slow Stopped");
    assert!(host.is_idle().await);
    assert_eq!(host.secrets().len(), 0);
    assert_eq!(
        journal.records.lock().unwrap()["slow"]
            .failure
            .as_ref()
            .unwrap()
            .code,
        "SLW-346"
    );
}
