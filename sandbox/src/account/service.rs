//! The account at work: its state behind a lock, its clock, and the engines that carry out what it wants.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::Clock;
use super::faults::Rules;
use super::journal::{Entry, Journal};
use super::refusal::Refusal;
use super::state::{Effect, State};
use crate::world::Engines;

/// How often a start in the engines is tried.
const ATTEMPTS: u32 = 3;
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// What an account is opened with.
#[derive(Clone, Debug)]
pub struct AccountOptions {
    /// Key that every call needs.
    pub api_key: String,
    /// Seed of ids and addresses.
    pub seed: u64,
    /// Third octet of loopback addresses.
    pub slot: u8,
    /// How long a timed-out call holds its connection.
    pub hold: Duration,
    /// Requests a second and source address; 0 for no limit.
    pub rate_limit: u32,
}

/// The account. Clones are the same account.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

struct Inner {
    options: AccountOptions,
    clock: Clock,
    engines: Arc<dyn Engines>,
    state: Mutex<State>,
    rules: Mutex<Rules>,
    journal: Mutex<Journal>,
    rate: Mutex<super::api::RateLimit>,
    /// Where the account's server listens.
    address: OnceLock<SocketAddr>,
    /// Orders to the engines that wait for an earlier order of the same object.
    lanes: Mutex<HashMap<String, VecDeque<Effect>>>,
    /// Woken when the clock or the next change may have moved.
    moved: Notify,
    closed: CancellationToken,
    tasks: TaskTracker,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Account {
    /// Opens an empty account and starts its time. Must be called within a Tokio runtime.
    #[must_use]
    pub fn open(options: AccountOptions, clock: Clock, engines: Arc<dyn Engines>) -> Self {
        let state = State::new(clock.now(), options.seed, options.slot);
        let rate = super::api::RateLimit::new(options.rate_limit);
        let account = Self(Arc::new(Inner {
            options,
            clock,
            engines,
            state: Mutex::new(state),
            rules: Mutex::default(),
            journal: Mutex::default(),
            rate: Mutex::new(rate),
            address: OnceLock::new(),
            lanes: Mutex::default(),
            moved: Notify::new(),
            closed: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }));
        account.0.engines.attach(Arc::new(account.clone()));
        account.0.tasks.spawn(account.clone().follow_time());
        account
    }

    /// Stops the account's time and ends the engines.
    pub async fn close(&self) -> anyhow::Result<()> {
        self.0.closed.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.engines.shutdown().await
    }

    /// What it was opened with.
    pub(super) fn options(&self) -> &AccountOptions {
        &self.0.options
    }

    /// Remembers where the account's first server listens.
    pub(super) fn is_served_at(&self, address: SocketAddr) {
        self.0.address.get_or_init(|| address);
    }

    /// Where the account's first server listens.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.0.address.get().copied()
    }

    /// The account's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Tells the account that its clock was set.
    pub fn clock_was_set(&self) {
        self.settle();
        self.0.moved.notify_one();
    }

    pub(super) fn rules(&self) -> MutexGuard<'_, Rules> {
        locked(&self.0.rules)
    }

    pub(super) fn rate(&self) -> MutexGuard<'_, super::api::RateLimit> {
        locked(&self.0.rate)
    }

    pub(super) fn journal(&self) -> MutexGuard<'_, Journal> {
        locked(&self.0.journal)
    }

    /// Writes a call of a stand-in inside a cluster into the journal.
    pub(super) fn note(&self, caller: &str, method: &str, path: String, status: u16) {
        let entry = Entry {
            n: 0,
            ts: self.0.clock.now(),
            method: method.to_owned(),
            path,
            status,
            caller: caller.to_owned(),
            duration_ms: 0,
            body: None,
            fault: None,
        };
        self.journal().add(entry);
    }

    /// Runs `work` on the account as it is now and sends what it wants done to the engines.
    pub(crate) fn work<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let (result, effects) = {
            let mut state = locked(&self.0.state);
            state.settle(self.0.clock.now());
            let result = work(&mut state);
            (result, state.take_effects())
        };
        self.dispatch(effects);
        self.0.moved.notify_one();
        result
    }

    /// Like [`Account::work`], for calls that change something: a refused one changes nothing.
    pub(crate) fn change<T>(
        &self,
        call: impl FnOnce(&mut State) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.work(|state| state.attempt(call))
    }

    fn settle(&self) {
        let effects = {
            let mut state = locked(&self.0.state);
            state.settle(self.0.clock.now());
            state.take_effects()
        };
        self.dispatch(effects);
    }

    /// Lets time have its effects also when nobody calls.
    async fn follow_time(self) {
        loop {
            self.settle();
            let next = locked(&self.0.state).next_change();
            let wait = next.and_then(|moment| self.0.clock.until(moment));
            tokio::select! {
                () = self.0.closed.cancelled() => return,
                () = self.0.moved.notified() => {}
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
        }
    }

    /// Queues orders, one lane an object: orders of one object keep their order, different objects do not wait for each other.
    fn dispatch(&self, effects: Vec<Effect>) {
        if self.0.closed.is_cancelled() {
            return;
        }
        for effect in effects {
            let object = effect.object().to_owned();
            let mut lanes = locked(&self.0.lanes);
            if let Some(lane) = lanes.get_mut(&object) {
                lane.push_back(effect);
                continue;
            }
            lanes.insert(object.clone(), VecDeque::from([effect]));
            drop(lanes);
            self.0.tasks.spawn(self.clone().run_lane(object));
        }
    }

    async fn run_lane(self, object: String) {
        loop {
            let next = {
                let mut lanes = locked(&self.0.lanes);
                let next = lanes.get_mut(&object).and_then(VecDeque::pop_front);
                if next.is_none() {
                    lanes.remove(&object);
                }
                next
            };
            let Some(effect) = next else { return };
            tokio::select! {
                () = self.0.closed.cancelled() => return,
                () = self.carry_out(effect) => {}
            }
        }
    }

    async fn carry_out(&self, effect: Effect) {
        for attempt in 1..=ATTEMPTS {
            tracing::info!("{} {}", effect.what(), effect.object());
            match self.order(effect.clone()).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(
                        code = "SLW-930",
                        "could not {} {} (attempt {attempt} of {ATTEMPTS}): {error:#}",
                        effect.what(),
                        effect.object()
                    );
                    self.note_trouble(
                        effect.object(),
                        format!("could not {}: {error:#}", effect.what()),
                    );
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn order(&self, effect: Effect) -> anyhow::Result<()> {
        let engines = &self.0.engines;
        match effect {
            Effect::StartCluster(spec) => {
                let id = spec.id.clone();
                let access = engines.start_cluster(spec).await?;
                self.work(|state| state.cluster_started(&id, access.kubeconfig));
                self.settle();
                Ok(())
            }
            Effect::UpgradeCluster { id, version } => {
                engines.upgrade_cluster(&id, &version).await?;
                self.work(|state| state.cluster_upgraded(&id));
                self.settle();
                Ok(())
            }
            Effect::StopCluster(id) => engines.stop_cluster(&id).await,
            Effect::SetNodes { cluster_id, nodes } => engines.set_nodes(&cluster_id, nodes).await,
            Effect::StartInstance(spec) => {
                let id = spec.id.clone();
                engines.start_instance(*spec).await?;
                self.work(|state| state.instance_started(&id));
                Ok(())
            }
            Effect::ResumeInstance(id) => engines.resume_instance(&id).await,
            Effect::HaltInstance(id) => engines.halt_instance(&id).await,
            Effect::RebootInstance(id) => engines.reboot_instance(&id).await,
            Effect::DestroyInstance(id) => engines.destroy_instance(&id).await,
            Effect::Disturb { id, disturbance } => engines.disturb_instance(&id, disturbance).await,
            Effect::LoadBalancerGone(id) => engines.load_balancer_gone(&id).await,
        }
    }

    fn note_trouble(&self, object: &str, trouble: String) {
        let mut state = locked(&self.0.state);
        if let Some(cluster) = state.clusters.get_mut(object) {
            cluster.trouble = Some(trouble);
        } else if let Some(instance) = state.instances.get_mut(object) {
            instance.trouble = Some(trouble);
        }
    }
}
