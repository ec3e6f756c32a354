//! The fault sweep: at each event of a full run the connections are cut, the host is restarted, or the program is
//! killed. Whenever it happens, the same state is reached, the order holds, no playbook comes to its end twice and no
//! secret stays behind.

use crate::api_server::ApiServer;
use crate::host::{Host, kill};
use crate::playbooks::Playbooks;
use crate::program::{ran, started};
use crate::runs::{MemoryJournal, Told, eventually, read_events, request, run, start};
use run_report::{ComponentStatus, Event, Outcome};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Cases that run at the same time.
const AT_ONCE: usize = 3;

/// A component whose only task leaves its name in the log.
fn component(playbooks: Playbooks, name: &str, graph: &str) -> Playbooks {
    let graph = format!(
        "secrets: [token]{}{graph}",
        if graph.is_empty() { "" } else { ", " }
    );
    let task =
        "- name: Write\n  ansible.builtin.shell: echo {{ slipway_component.name }} >> ~/log\n";
    playbooks.with(name, &graph, task)
}

fn asked(host: &Host, components: &[&str]) -> Value {
    let mut asked = request(host, components);
    asked["secrets"] = json!({"token": "canary-sweep"});
    asked
}

fn log_of(host: &Host) -> Vec<String> {
    let text = std::fs::read_to_string(host.home().join("log")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Everything below the host's home, with the canary in it.
fn with_canary(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |path: PathBuf| {
        if path.is_dir() {
            with_canary(&path)
        } else if String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default())
            .contains("canary-sweep")
        {
            vec![path]
        } else {
            Vec::new()
        }
    };
    entries.flat_map(|entry| of(entry.path())).collect()
}

/// What holds after every fault and was told as it was.
async fn settled(case: &str, host: &Host, events: &[Event], writes: &[(String, &str)]) {
    let log = log_of(host);
    let at = |name: &str| {
        log.iter()
            .position(|line| line == name)
            .unwrap_or_else(|| panic!("{case}: {name} never ran: {log:?}"))
    };
    assert!(at("base") < at("top"), "{case}: {log:?}");
    for name in COMPONENTS {
        let ended = |event: &&Event| matches!(event, Event::ComponentFinished { name: ended, status: ComponentStatus::Ok, .. } if ended == name);
        assert_eq!(
            events.iter().filter(ended).count(),
            1,
            "{case}: {name} came to its end twice"
        );
        let recorded = writes
            .iter()
            .filter(|(of, outcome)| of == name && *outcome == "ok");
        assert!(recorded.count() <= 1, "{case}: {name} was recorded twice");
    }
    clean(case, host).await;
}

/// Nothing of a run is left on its host but what it installed.
async fn clean(case: &str, host: &Host) {
    assert!(host.is_idle().await, "{case}: processes are left");
    assert_eq!(
        host.secrets(),
        Vec::<PathBuf>::new(),
        "{case}: secrets are left"
    );
    assert_eq!(
        with_canary(&host.home()),
        Vec::<PathBuf>::new(),
        "{case}: a secret rests on the disk"
    );
}

fn full() -> Playbooks {
    component(
        component(Playbooks::new(), "base", ""),
        "top",
        "needs: [base]",
    )
}

const COMPONENTS: [&str; 2] = ["base", "top"];

async fn whole_run() -> Told {
    let (host, journal) = (Host::start(), Arc::new(MemoryJournal::default()));
    let told = run(&full(), &journal, &asked(&host, &COMPONENTS)).await;
    assert_eq!(told.outcome, Outcome::Done, "{}", told.text);
    told
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Cut,
    Restart,
}

async fn faulty_run(fault: Fault, after: usize) {
    let (mut host, journal) = (Host::start(), Arc::new(MemoryJournal::default()));
    let playbooks = full();
    let going = start(&playbooks, &journal, &asked(&host, &COMPONENTS));
    eventually("the run has said so much", || {
        going.text().lines().count() >= after
    })
    .await;
    let before = read_events(&whole_lines(&going.text()));
    match fault {
        Fault::Cut => host.drop_connections(),
        Fault::Restart => host.restart(),
    }
    let told = going.end().await;
    let case = format!("{fault:?} after event {after}: {}", told.text);
    assert_eq!(told.outcome, Outcome::Done, "{case}");
    let writes = journal.writes.lock().unwrap().clone();
    settled(&case, &host, &told.events, &writes).await;
    let log = log_of(&host);
    for name in COMPONENTS {
        let times = log.iter().filter(|line| *line == name).count();
        let ended = |event: &Event| matches!(event, Event::ComponentFinished { name: ended, .. } if ended == name);
        // A restart takes what had not come to its end; a cut takes nothing.
        let most = match fault {
            Fault::Restart if !before.iter().any(ended) => 2,
            _ => 1,
        };
        assert!(
            (1..=most).contains(&times),
            "{case}: {name} ran {times} times"
        );
    }
}

/// Without the line that is being written.
fn whole_lines(text: &str) -> String {
    let end = text.rfind('\n').map_or(0, |end| end + 1);
    text[..end].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_each_event_a_cut_or_a_restart_leads_to_the_same_state() {
    let events = whole_run().await.events.len();
    let cases = (1..=events).flat_map(|after| [(Fault::Cut, after), (Fault::Restart, after)]);
    let mut running = JoinSet::new();
    for (fault, after) in cases {
        if running.len() == AT_ONCE {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(faulty_run(fault, after));
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_each_event_a_kill_leads_to_the_same_state() {
    let cluster = ApiServer::start().await;
    let mut after = 0;
    loop {
        after += 1;
        let host = Host::start();
        let playbooks = full();
        let mut asked = asked(&host, &COMPONENTS);
        asked["kubeconfig"] = json!(cluster.kubeconfig());

        let mut first = started(&playbooks, &asked);
        let mut said = BufReader::new(first.stdout.take().unwrap());
        let mut text = String::new();
        while text.lines().count() < after && said.read_line(&mut text).unwrap() > 0 {}
        let done = text.contains("run_finished");
        kill(first.id());
        first.wait().unwrap();
        // What it had said while it was being killed.
        while said.read_line(&mut text).unwrap_or_default() > 0 {}
        let mut events = read_events(&whole_lines(&text));

        asked["run"] = json!(uuid::Uuid::new_v4());
        let (code, stdout, stderr) = ran(&playbooks, &asked);
        let case = format!("kill after event {after}: {text}\nthen: {stdout}{stderr}");
        assert_eq!(code, Some(0), "{case}");
        events.extend(read_events(&stdout));
        for name in COMPONENTS {
            assert_eq!(cluster.record(name).await["outcome"], "ok", "{case}");
        }
        let log = log_of(&host);
        assert_eq!(log, ["base", "top"], "each ran once, in order: {case}");
        if events_miss_an_end(&events) {
            clean(&case, &host).await;
        } else {
            settled(&case, &host, &events, &[]).await;
        }
        cluster.forget_everything().await;
        if done {
            break;
        }
    }
    assert!(after > 10, "a full run has more events than {after}");
}

/// A kill between the record and the event: the end was recorded and never told.
fn events_miss_an_end(events: &[Event]) -> bool {
    let ended = events.iter().filter(|event| {
        matches!(
            event,
            Event::ComponentFinished {
                status: ComponentStatus::Ok,
                ..
            }
        )
    });
    ended.count() < 2
}
