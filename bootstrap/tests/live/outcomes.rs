//! How a playbook's end is told from its events; an exit code alone is never believed.

use crate::host::Host;
use crate::playbooks::{Playbooks, SAY, wait_for};
use crate::runs::{MemoryJournal, request, run};
use run_report::{Event, Outcome, TaskStatus};
use serde_json::json;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn what_ansible_calls_success_may_be_none() {
    let host = Host::start();
    let playbooks = Playbooks::new()
        .with_playbook(
            "nobody",
            "",
            "- name: Nobody\n  hosts: nowhere\n  gather_facts: false\n  tasks: []\n",
        )
        .with_playbook(
            "broken",
            "",
            "- name: Broken\n  hosts: localhost\n  tasks: [{no_such_module_anywhere: }]\n",
        )
        .with_playbook("torn", "", "- name: [unclosed\n");
    let journal = Arc::new(MemoryJournal::default());
    let told = run(
        &playbooks,
        &journal,
        &request(&host, &["nobody", "broken", "torn"]),
    )
    .await;
    assert_eq!(told.outcome, Outcome::Failed);
    assert_eq!(told.failure_of("nobody").code, "SLW-343");
    let broken = told.failure_of("broken");
    assert!(broken.cause.contains("no_such_module_anywhere"), "{broken}");
    let torn = told.failure_of("torn");
    assert_eq!(torn.code, "SLW-342");
    assert!(torn.cause.contains("YAML"), "{torn}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ignored_and_rescued_failures_are_none_and_a_rescue_may_explain_one() {
    let host = Host::start();
    let ignored = "- name: Try\n  ansible.builtin.command: /bin/false\n  ignore_errors: true\n";
    let rescued = "- name: Try\n  block:\n    - name: Fail inside\n      ansible.builtin.command: /bin/false\n  rescue:\n    - name: Cope\n      ansible.builtin.debug: {msg: coped}\n";
    let explained = "- name: Wait\n  block:\n    - name: Wait for the pods\n      ansible.builtin.command: /bin/false\n      retries: 1\n      delay: 0\n      register: seen\n      until: seen is succeeded\n  rescue:\n    - name: Say why\n      ansible.builtin.fail: {msg: pod kong-1 is pending because no volume is bound}\n";
    let looped = "- name: Each\n  ansible.builtin.command: \"test {{ item }} = good\"\n  loop: [good, bad]\n  changed_when: false\n";
    let playbooks = Playbooks::new()
        .with("ignored", "", ignored)
        .with("rescued", "", rescued)
        .with("explained", "", explained)
        .with("looped", "", looped);
    let journal = Arc::new(MemoryJournal::default());
    let told = run(
        &playbooks,
        &journal,
        &request(&host, &["ignored", "rescued", "explained", "looped"]),
    )
    .await;
    assert_eq!(
        told.ends(),
        "explained Failed, ignored Ok, looped Failed, rescued Ok",
        "{}",
        told.text
    );
    let failure = told.failure_of("explained");
    assert_eq!(failure.task.as_deref(), Some("Say why"));
    assert!(failure.cause.contains("no volume is bound"));
    let retry = |event: &Event| {
        matches!(
            event,
            Event::Task {
                status: TaskStatus::Retry,
                ..
            }
        )
    };
    assert!(told.events.iter().any(retry), "{}", told.text);
    assert!(
        told.failure_of("looped").cause.contains("bad: "),
        "{}",
        told.failure_of("looped")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_takes_too_long_is_ended() {
    let host = Host::start();
    let playbooks = Playbooks::new().with("slow", "", &wait_for(&host.path("never")));
    let journal = Arc::new(MemoryJournal::default());
    let mut asked = request(&host, &["slow"]);
    // Long enough for Ansible to start on a busy machine: the error must name what it was doing.
    asked["component_timeout_s"] = json!(15);
    let told = run(&playbooks, &journal, &asked).await;
    let failure = told.failure_of("slow");
    assert_eq!(failure.code, "SLW-344");
    assert!(
        failure
            .cause
            .contains("within 15 s, doing \"Wait for the test\""),
        "{}",
        failure.cause
    );
    assert!(host.is_idle().await);
    assert_eq!(host.secrets().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn playbooks_get_the_variables_of_the_contract() {
    let host = Host::start();
    let shown = "- name: Show\n  ansible.builtin.debug:\n    msg: >-\n      {{ slipway_platform.domain }} {{ slipway_component.size }} {{ slipway_component.version }}\n      {{ slipway_component['values'].replicas + 1 }} {{ slipway_component.chart.repository }} {{ slipway_component.namespace }}\n      {{ slipway_chart_mirror }} {{ lookup('ansible.builtin.file', slipway_kubeconfig) is search('kind: Config') }}\n      {{ slipway_secrets is defined }}\n";
    let playbooks = Playbooks::new().with("one", "", shown).with("two", "", SAY);
    let journal = Arc::new(MemoryJournal::default());
    let mut asked = request(&host, &["one"]);
    asked["chart_mirror"] = json!("http://127.0.0.1:1/charts");
    asked["components"][0]["values"] = json!("replicas: 2\n");
    asked["components"][0]["version"] = json!("1.2.3");
    asked["components"][0]["size"] = json!("ha");
    let told = run(&playbooks, &journal, &asked).await;
    assert_eq!(told.outcome, Outcome::Done, "{}", told.text);
    let expected =
        "acme.example ha 1.2.3 3 https://charts.example one http://127.0.0.1:1/charts True False";
    assert!(told.text.contains(expected), "{}", told.text);
}
