//! Hosts that do not answer, are not the right ones, or do not let us in.

use crate::host::Host;
use crate::playbooks::{Playbooks, SAY};
use crate::runs::{MemoryJournal, request, run};
use run_report::Outcome;
use serde_json::json;
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, LineEnding, PrivateKey};
use std::sync::Arc;

fn other_key() -> PrivateKey {
    PrivateKey::random(&mut OsRng, Algorithm::Ed25519).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_not_to_get_in_has_its_code() {
    let mut host = Host::start();
    let playbooks = Playbooks::new().with("one", "", SAY);
    let journal = Arc::new(MemoryJournal::default());
    let mut asked = request(&host, &["one"]);
    asked["connect_timeout_s"] = json!(2);

    let mut wrong_host = asked.clone();
    wrong_host["host"]["host_key"] = json!(other_key().public_key().to_openssh().unwrap());
    let mut wrong_login = asked.clone();
    wrong_login["host"]["login_key"] =
        json!(other_key().to_openssh(LineEnding::LF).unwrap().as_str());
    let mut no_key = asked.clone();
    no_key["host"]["login_key"] = json!("not a key");
    for (asked, code) in [
        (wrong_host, "SLW-311"),
        (wrong_login, "SLW-312"),
        (no_key, "SLW-312"),
    ] {
        let told = run(&playbooks, &journal, &asked).await;
        assert_eq!(
            (told.outcome, told.failure.as_ref().unwrap().code.as_str()),
            (Outcome::Unreachable, code)
        );
        assert_eq!(told.failure_of("one").code, code);
        assert_eq!(told.ends(), "one Skipped");
    }

    host.cut();
    let told = run(&playbooks, &journal, &asked).await;
    let failure = told.failure.unwrap();
    assert_eq!(
        (told.outcome, failure.code.as_str()),
        (Outcome::Unreachable, "SLW-310")
    );
    assert!(
        failure.cause.contains("within 2 s: Connection refused"),
        "{}",
        failure.cause
    );
    assert_eq!(journal.writes.lock().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_boots_late_is_waited_for() {
    let mut host = Host::start();
    host.cut();
    let playbooks = Playbooks::new().with("one", "", SAY);
    let journal = Arc::new(MemoryJournal::default());
    let going = crate::runs::start(&playbooks, &journal, &request(&host, &["one"]));
    going.until("run_started").await;
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    host.boot();
    let told = going.end().await;
    assert_eq!(told.outcome, Outcome::Done, "{}", told.text);
}
