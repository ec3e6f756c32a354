//! Connections that break while a playbook runs.

use crate::host::Host;
use crate::playbooks::{Playbooks, SAY, wait_for};
use crate::runs::{MemoryJournal, eventually, request, start};
use run_report::{Event, Outcome};
use serde_json::json;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_made_again_and_every_event_comes_once() {
    let host = Host::start();
    let gates = [host.path("gate-1"), host.path("gate-2")];
    let tasks = format!(
        "{SAY}{}{SAY}{}{SAY}",
        wait_for(&gates[0]),
        wait_for(&gates[1])
    );
    let playbooks = Playbooks::new().with("one", "", &tasks);
    let journal = Arc::new(MemoryJournal::default());
    let going = start(&playbooks, &journal, &request(&host, &["one"]));
    going.until("hello from one").await;
    for gate in &gates {
        host.drop_connections();
        std::fs::write(gate, "").unwrap();
        let said = going.text().matches("hello from one").count();
        eventually("the next task ends", || {
            going.text().matches("hello from one").count() > said
        })
        .await;
    }
    let told = going.end().await;
    assert_eq!(told.outcome, Outcome::Done, "{}", told.text);
    let tasks = told
        .events
        .iter()
        .filter(|event| matches!(event, Event::Task { .. }))
        .count();
    assert_eq!(tasks, 5, "{}", told.text);
    assert_eq!(journal.writes.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stays_away_is_unreachable_and_ends_the_playbook_itself() {
    let mut host = Host::start();
    let playbooks = Playbooks::new().with("one", "", &wait_for(&host.path("never")));
    let journal = Arc::new(MemoryJournal::default());
    let mut asked = request(&host, &["one"]);
    asked["connect_timeout_s"] = json!(3);
    let going = start(&playbooks, &journal, &asked);
    going.until(r#""event":"play""#).await;
    host.cut();
    let told = going.end().await;
    assert_eq!(told.outcome, Outcome::Unreachable, "{}", told.text);
    assert_eq!(told.failure_of("one").code, "SLW-313");
    assert!(
        !host.jobs().is_empty(),
        "the playbook goes on for its lease"
    );
    eventually("the lease is over", || {
        host.jobs().is_empty() && host.secrets().is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playbook_that_vanishes_is_started_again_once() {
    let host = Host::start();
    let playbooks = Playbooks::new().with("one", "", &wait_for(&host.path("never")));
    let journal = Arc::new(MemoryJournal::default());
    let going = start(&playbooks, &journal, &request(&host, &["one"]));
    for start in 1..=2 {
        let plays = || going.text().matches(r#""event":"play""#).count();
        eventually("the playbook runs", || plays() == start).await;
        for pid in host.jobs() {
            crate::host::kill(pid);
        }
    }
    let told = going.end().await;
    let failure = told.failure_of("one");
    assert_eq!(failure.code, "SLW-347", "{}", told.text);
    assert!(failure.cause.contains("twice"), "{failure}");
    assert_eq!(host.secrets().len(), 0);
    assert!(host.is_idle().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_of_the_host_the_component_starts_anew() {
    let mut host = Host::start();
    let (gate, log) = (host.path("gate"), host.path("log"));
    let tasks = format!(
        "- name: Begin\n  ansible.builtin.shell: echo begun >> {}\n{}",
        log.display(),
        wait_for(&gate)
    );
    let playbooks = Playbooks::new().with("one", "", &tasks);
    let journal = Arc::new(MemoryJournal::default());
    let going = start(&playbooks, &journal, &request(&host, &["one"]));
    let begun = || {
        std::fs::read_to_string(&log)
            .unwrap_or_default()
            .lines()
            .count()
    };
    eventually("the playbook runs", || begun() == 1).await;
    host.restart();
    eventually("the playbook runs again", || begun() == 2).await;
    std::fs::write(&gate, "").unwrap();
    let told = going.end().await;
    assert_eq!(told.outcome, Outcome::Done, "{}", told.text);
    assert_eq!(host.secrets().len(), 0);
}
