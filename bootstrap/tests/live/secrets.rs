//! Secrets reach the playbook and nothing else, whatever the playbook does with them.

use crate::host::{Host, pids};
use crate::playbooks::{Playbooks, wait_for};
use crate::runs::{MemoryJournal, request, start};
use run_report::Outcome;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

const SECRET: &str = "canary-secret-d41d8cd9";
const KEY: &str = "-----BEGIN THING-----\nY2FuYXJ5LWtleS1saW5l\n-----END THING-----\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_seen_by_the_playbook_and_by_nobody_else() {
    let host = Host::start();
    let gate = host.path("gate");
    let careless = format!(
        "- name: Tell {{{{ slipway_secrets.token }}}}\n  ansible.builtin.debug:\n    msg: 'token {{{{ slipway_secrets.token }}}} key {{{{ slipway_secrets.key }}}} b64 {{{{ slipway_secrets.token | b64encode }}}}'\n\
         - name: Prove that it arrived\n  ansible.builtin.assert:\n    that: slipway_secrets.token | length == {}\n\
         - name: Hide\n  ansible.builtin.debug:\n    msg: hidden words\n  no_log: true\n{}\
         - name: Fail with it\n  ansible.builtin.command: sh -c 'echo {{{{ slipway_secrets.token }}}} >&2; cat {{{{ slipway_kubeconfig }}}} >&2; exit 3'\n",
        SECRET.len(),
        wait_for(&gate),
    );
    let playbooks = Playbooks::new().with("careless", "secrets: [token, key, absent]", &careless);
    let journal = Arc::new(MemoryJournal::default());
    let mut asked = request(&host, &["careless"]);
    asked["secrets"] = json!({"token": SECRET, "key": KEY, "of_another": "canary-other"});
    let login_line = asked["host"]["login_key"]
        .as_str()
        .unwrap()
        .lines()
        .nth(2)
        .unwrap()
        .to_owned();
    let canaries = [
        SECRET,
        "Y2FuYXJ5LWtleS1saW5l",
        "canary-kubeconfig-token",
        "canary-other",
        login_line.as_str(),
    ];

    let going = start(&playbooks, &journal, &asked);
    going.until("Hide").await;
    let seen: Vec<String> = pids()
        .flat_map(|pid| ["cmdline", "environ"].map(|file| proc_text(pid, file)))
        .collect();
    for canary in canaries {
        assert!(
            !seen.iter().any(|text| text.contains(canary)),
            "{canary} is in an argument or an environment"
        );
    }
    std::fs::write(&gate, "").unwrap();
    let told = going.end().await;

    assert_eq!(told.outcome, Outcome::Failed);
    let failure = told.failure_of("careless");
    assert_eq!(
        failure.task.as_deref(),
        Some("Fail with it"),
        "{}",
        told.text
    );
    assert!(failure.cause.contains("********"), "{failure}");
    assert!(!told.text.contains("hidden words"));
    let recorded = format!("{:?}", journal.records.lock().unwrap());
    for canary in canaries {
        assert!(
            !told.text.contains(canary),
            "{canary} is in the events: {}",
            told.text
        );
        assert!(!recorded.contains(canary), "{canary} is in the journal");
        assert_eq!(files_with(&host.home(), canary), Vec::<String>::new());
    }
    assert_eq!(host.secrets().len(), 0);
}

fn proc_text(pid: u32, file: &str) -> String {
    String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default())
        .into_owned()
}

fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(text) {
            found.push(path.display().to_string());
        }
    }
    found
}
