//! What was heard of a run over all its processes: which event was met with which fault, and what must never happen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use run_report::{Catalog, Component, ComponentStatus, Envelope, Event};
use slipway_tests::Cluster;

/// How often it is told how far the run is.
const TELL_EVERY: usize = 100;
/// The event of a component at which the host of every third one is restarted; the first and the last are the others'.
const MIDDLE: usize = 12;
/// After this long the run is left in peace, and what it says without a fault is counted.
const FAULTS_FOR: Duration = Duration::from_mins(18);
/// Kills cost most: each is a new process, a new connection and a look at everything. After this long only the others go on.
const KILLS_FOR: Duration = Duration::from_mins(11);

/// What an event is met with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    Cut,
    Kill,
    Reboot,
}

/// What was heard of the run, over all its processes.
#[derive(Debug)]
pub(super) struct Ledger {
    catalog: BTreeMap<String, BTreeSet<String>>,
    /// The fault at each event, by what the event says; none for one that came after the faults were over.
    met: BTreeMap<String, Option<Fault>>,
    /// Events that a process said while it was being killed. Most are said again by the next one, and met then.
    with_a_kill: BTreeSet<String>,
    /// Events of each component that were met.
    of_component: BTreeMap<String, usize>,
    /// How often this process has said the same, by what it says.
    said: BTreeMap<String, usize>,
    /// Digest of each component that was started.
    digests: BTreeMap<String, String>,
    /// Ends that were told, by component and digest.
    ended: BTreeMap<(String, String), usize>,
    rebooted_for: BTreeSet<String>,
    run_again: Vec<Option<i32>>,
    failures: BTreeSet<String>,
}

impl Ledger {
    pub(super) fn new(cluster: &Cluster) -> Result<Self> {
        ensure!(cluster.journal()?.is_empty(), "something ran before");
        let catalog = Catalog::embedded()?;
        let before = |component: &Component| {
            let all = component.needs.iter().chain(&component.uses);
            all.cloned().collect()
        };
        Ok(Self {
            catalog: catalog
                .iter()
                .map(|(name, component)| (name.to_owned(), before(component)))
                .collect(),
            met: BTreeMap::new(),
            with_a_kill: BTreeSet::new(),
            of_component: BTreeMap::new(),
            said: BTreeMap::new(),
            digests: BTreeMap::new(),
            ended: BTreeMap::new(),
            rebooted_for: BTreeSet::new(),
            run_again: Vec::new(),
            failures: BTreeSet::new(),
        })
    }

    /// Takes an event in; gives the fault that it is met with if it is a new one.
    pub(super) fn take(
        &mut self,
        cluster: &Cluster,
        begun: Instant,
        envelope: &Envelope,
    ) -> Result<Option<Fault>> {
        let Some((component, event)) = self.hear(cluster, envelope)? else {
            return Ok(None);
        };
        let fault = self.choose(&component, &envelope.event, begun.elapsed());
        self.met.insert(event, fault);
        if self.met.len().is_multiple_of(TELL_EVERY) {
            self.tell("so far", begun);
        }
        Ok(fault)
    }

    /// Takes an event in that was said while the process was being killed.
    pub(super) fn take_with_a_kill(
        &mut self,
        cluster: &Cluster,
        envelope: &Envelope,
    ) -> Result<()> {
        let heard = self.hear(cluster, envelope)?;
        self.with_a_kill.extend(heard.map(|(_, event)| event));
        Ok(())
    }

    /// Notes what an event says; gives component and name of one that was not met with a fault yet.
    fn hear(&mut self, cluster: &Cluster, envelope: &Envelope) -> Result<Option<(String, String)>> {
        let (component, what) = match &envelope.event {
            Event::RunStarted { .. } => {
                self.said.clear();
                (String::new(), "run started".to_owned())
            }
            Event::HostConnected { .. } => (String::new(), "host connected".to_owned()),
            Event::BundleReady { .. } => (String::new(), "bundle ready".to_owned()),
            Event::RunFinished { .. } => (String::new(), "run finished".to_owned()),
            Event::ComponentStarted(planned) => {
                self.starts(cluster, &planned.name, &planned.digest)?;
                (planned.name.clone(), "started".to_owned())
            }
            Event::Play { component, name } => {
                self.begins_anew(component);
                (component.clone(), format!("play {name}"))
            }
            Event::TaskStarted {
                component, name, ..
            } => (component.clone(), format!("begins {name}")),
            Event::Task {
                component,
                name,
                status,
                ..
            } => (component.clone(), format!("{status:?} {name}")),
            Event::ComponentFinished {
                name,
                status,
                failure,
                ..
            } => {
                self.ends(name, *status);
                self.failures
                    .extend(failure.as_ref().map(|failure| failure.code.clone()));
                (name.clone(), format!("finished {status:?}"))
            }
        };
        let event = format!("{component}: {what}");
        let times = self.said.entry(event.clone()).or_default();
        *times += 1;
        let event = format!("{event} {times}");
        Ok((!self.met.contains_key(&event)).then_some((component, event)))
    }

    /// None starts before those that it needs have ended well, whatever was killed in between.
    fn starts(&mut self, cluster: &Cluster, name: &str, digest: &str) -> Result<()> {
        self.begins_anew(name);
        self.digests.insert(name.to_owned(), digest.to_owned());
        for before in &self.catalog[name] {
            let told = self.ended.keys().any(|(ended, _)| ended == before);
            let recorded = || -> Result<bool> {
                let journal = cluster.journal()?;
                let outcome = journal.get(before).and_then(|record| record.get("outcome"));
                Ok(outcome.is_some_and(|outcome| outcome == "ok"))
            };
            ensure!(
                told || recorded()?,
                "{name} started before {before} had ended"
            );
        }
        Ok(())
    }

    /// A playbook that is taken over or started again says everything from its beginning.
    fn begins_anew(&mut self, component: &str) {
        let own = format!("{component}: ");
        self.said.retain(|event, _| !event.starts_with(&own));
    }

    fn ends(&mut self, name: &str, status: ComponentStatus) {
        if status == ComponentStatus::Ok {
            let digest = self.digests.get(name).cloned().unwrap_or_default();
            *self.ended.entry((name.to_owned(), digest)).or_default() += 1;
        }
    }

    /// In turn a cut and a kill; for each component once a restart, at its first, a middle or its last event.
    fn choose(&mut self, component: &str, event: &Event, elapsed: Duration) -> Option<Fault> {
        if elapsed > FAULTS_FOR {
            return None;
        }
        let count = self.of_component.entry(component.to_owned()).or_default();
        *count += 1;
        let due = match self.catalog.keys().position(|name| name == component) {
            Some(place) if place % 3 == 0 => matches!(event, Event::ComponentStarted(_)),
            Some(place) if place % 3 == 1 => *count >= MIDDLE,
            Some(_) => matches!(event, Event::ComponentFinished { .. }),
            None => false,
        };
        if due && self.rebooted_for.insert(component.to_owned()) {
            return Some(Fault::Reboot);
        }
        let kill = self.met.len() % 2 == 1 && elapsed < KILLS_FOR;
        Some(if kill { Fault::Kill } else { Fault::Cut })
    }

    pub(super) fn note_run_again(&mut self, code: Option<i32>) {
        self.run_again.push(code);
    }

    pub(super) fn tell(&self, when: &str, begun: Instant) {
        let with = |fault| self.met.values().filter(|met| **met == fault).count();
        let met = |event: &&String| self.met.contains_key(*event);
        let shared = self.with_a_kill.len() - self.with_a_kill.iter().filter(met).count();
        eprintln!(
            "{when}: {} events in {} s: {} cut, {} killed, {} rebooted, {} without a fault, {shared} more in one kill with another; {} of {} components ended; run again after {:?}, failures {:?}",
            self.met.len(),
            begun.elapsed().as_secs(),
            with(Some(Fault::Cut)),
            with(Some(Fault::Kill)),
            with(Some(Fault::Reboot)),
            with(None),
            self.ended.len(),
            self.catalog.len(),
            self.run_again,
            self.failures,
        );
    }

    /// An end can go untold, when the kill came between the record and the event; none is told twice.
    pub(super) fn each_ended_once(&self) -> Result<()> {
        let twice: Vec<_> = self.ended.iter().filter(|(_, times)| **times > 1).collect();
        ensure!(twice.is_empty(), "came to their end twice: {twice:?}");
        let untold = self.catalog.len() - self.ended.len();
        eprintln!("{untold} ends were recorded and never told");
        for kind in [Fault::Cut, Fault::Kill, Fault::Reboot] {
            let times = self.met.values().filter(|met| **met == Some(kind)).count();
            ensure!(
                times >= self.catalog.len() / 2,
                "only {times} times {kind:?}"
            );
        }
        Ok(())
    }
}
