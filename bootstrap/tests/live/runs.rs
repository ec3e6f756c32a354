//! Runs inside the test's own process, with a journal in memory.

use crate::host::Host;
use crate::playbooks::Playbooks;
use async_trait::async_trait;
use run_report::{Envelope, Event, EventReader, Failure, JournalRecord, Line, Outcome, Request};
use serde_json::{Value, json};
use slipway_bootstrap::{Bundle, Held, Holder, Journal, JournalFault, Masks, Reporter, Run};
use ssh_key::LineEnding;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// A journal that lives as long as its test, and remembers every write.
#[derive(Default)]
pub(crate) struct MemoryJournal {
    pub(crate) records: Mutex<BTreeMap<String, JournalRecord>>,
    pub(crate) writes: Mutex<Vec<(String, &'static str)>>,
    held: Mutex<Option<Held>>,
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn read(&self, _: Duration) -> Result<BTreeMap<String, JournalRecord>, JournalFault> {
        Ok(self.records.lock().unwrap().clone())
    }

    async fn write(&self, component: &str, record: &JournalRecord) -> Result<(), JournalFault> {
        let data = record.to_data();
        assert_eq!(&JournalRecord::from_data(&data).unwrap(), record);
        self.records
            .lock()
            .unwrap()
            .insert(component.to_owned(), record.clone());
        self.writes
            .lock()
            .unwrap()
            .push((component.to_owned(), record.outcome.as_str()));
        Ok(())
    }

    async fn held(&self) -> Result<Option<Held>, JournalFault> {
        Ok(self.held.lock().unwrap().clone())
    }

    async fn hold(
        &self,
        holder: &Holder,
        version: Option<&str>,
    ) -> Result<Option<String>, JournalFault> {
        let mut held = self.held.lock().unwrap();
        if held.as_ref().map(|held| held.version.as_str()) != version {
            return Ok(None);
        }
        let version = uuid::Uuid::new_v4().to_string();
        *held = Some(Held {
            holder: holder.clone(),
            version: version.clone(),
        });
        Ok(Some(version))
    }

    async fn let_go(&self, holder: &Holder) -> Result<(), JournalFault> {
        let mut held = self.held.lock().unwrap();
        assert_eq!(held.take().map(|held| held.holder).as_ref(), Some(holder));
        Ok(())
    }
}

/// What a run said and how it ended.
pub(crate) struct Told {
    pub(crate) outcome: Outcome,
    pub(crate) failure: Option<Failure>,
    pub(crate) events: Vec<Event>,
    pub(crate) text: String,
}

impl Told {
    pub(crate) fn failure_of(&self, component: &str) -> Failure {
        self.events
            .iter()
            .find_map(|event| match event {
                Event::ComponentFinished { name, failure, .. } if name == component => {
                    failure.clone()
                }
                _ => None,
            })
            .unwrap_or_else(|| panic!("{component} did not fail: {}", self.text))
    }

    /// The components whose playbooks were started, in that order.
    pub(crate) fn started(&self) -> Vec<String> {
        let started = |event: &Event| match event {
            Event::ComponentStarted(planned) => {
                Some(format!("{}: {:?}", planned.name, planned.reason))
            }
            _ => None,
        };
        self.events.iter().filter_map(started).collect()
    }

    /// How each component ended, as `run_finished` has it.
    pub(crate) fn ends(&self) -> String {
        match self.events.last() {
            Some(Event::RunFinished { components, .. }) => components
                .iter()
                .map(|(name, status)| format!("{name} {status:?}"))
                .collect::<Vec<_>>()
                .join(", "),
            other => panic!("the last event is {other:?}"),
        }
    }
}

/// The JSON of a request to run these components on a host.
pub(crate) fn request(host: &Host, components: &[&str]) -> Value {
    let listed: Vec<Value> = components
        .iter()
        .map(|name| json!({"name": name, "enabled": true, "version": null, "size": "dev", "values": null}))
        .collect();
    json!({
        "v": 1,
        "run": uuid::Uuid::new_v4(),
        "platform": {"id": "acme", "name": "acme", "region": "ams", "domain": "acme.example"},
        "host": {
            "address": "127.0.0.1", "port": host.port, "user": user(), "host_key": host.public_key(),
            "login_key": host.login_key.to_openssh(LineEnding::LF).unwrap().as_str(),
        },
        "kubeconfig": "apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    token: canary-kubeconfig-token\n",
        "chart_mirror": null,
        "components": listed,
        "secrets": {},
        "secrets_version": 1,
        "connect_timeout_s": 20,
        "component_timeout_s": 120,
    })
}

fn user() -> String {
    nix::unistd::User::from_uid(nix::unistd::getuid())
        .unwrap()
        .unwrap()
        .name
}

/// A run that goes on beside the test.
pub(crate) struct Going {
    said: Arc<Mutex<Vec<u8>>>,
    pub(crate) stop: CancellationToken,
    task: tokio::task::JoinHandle<slipway_bootstrap::Ending>,
}

pub(crate) fn start(playbooks: &Playbooks, journal: &Arc<MemoryJournal>, request: &Value) -> Going {
    let bundle = Bundle::folder(playbooks.folder()).unwrap();
    let request = Request::read(request.to_string().as_bytes(), &bundle.catalog).unwrap();
    let said = Arc::new(Mutex::new(Vec::new()));
    let stop = CancellationToken::new();
    let masks = Masks::of(&request);
    let clock = Arc::new(jiff::Timestamp::now);
    let reporter = Reporter::lines(
        Box::new(Collected(said.clone())),
        masks,
        clock,
        stop.clone(),
    );
    let journal = journal.clone();
    let run = Run {
        request,
        bundle,
        forced: BTreeSet::new(),
        journal,
        reporter,
        stop: stop.clone(),
        file: None,
    };
    Going {
        said,
        stop,
        task: tokio::spawn(run.to_end()),
    }
}

pub(crate) async fn run(
    playbooks: &Playbooks,
    journal: &Arc<MemoryJournal>,
    request: &Value,
) -> Told {
    start(playbooks, journal, request).end().await
}

impl Going {
    /// Waits until the run has said this.
    pub(crate) async fn until(&self, said: &str) {
        eventually(&format!("the run says {said}"), || {
            self.text().contains(said)
        })
        .await;
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }

    pub(crate) async fn end(self) -> Told {
        let ending = tokio::time::timeout(Duration::from_mins(3), self.task)
            .await
            .expect("the run ends")
            .unwrap();
        let text = String::from_utf8(self.said.lock().unwrap().clone()).unwrap();
        Told {
            outcome: ending.outcome,
            failure: ending.failure,
            events: read_events(&text),
            text,
        }
    }
}

/// The events of a stream; the reader checks that none is missing.
pub(crate) fn read_events(text: &str) -> Vec<Event> {
    let mut reader = EventReader::default();
    let known = |line: &str| match reader.read(line).unwrap() {
        Line::Known(Envelope { event, .. }) => event,
        Line::Unknown { event, .. } => panic!("unknown event {event}"),
    };
    text.lines().map(known).collect()
}

/// Waits for a condition.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(90);
    while !holds() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

struct Collected(Arc<Mutex<Vec<u8>>>);

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
