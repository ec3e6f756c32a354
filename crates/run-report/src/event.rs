//! What a run says while it goes on: one JSON object a line.

use crate::digest::Reason;
use crate::outcome::{ComponentStatus, Failure, Outcome, TaskStatus};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// One event with its place in the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Counts from 1 without gaps.
    pub seq: u64,
    /// When it was said.
    pub ts: Timestamp,
    /// What was said.
    pub event: Event,
}

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The request was accepted; these components will run.
    RunStarted {
        /// The run's id, as the request gave it.
        run: Uuid,
        /// The platform's id.
        platform: String,
        /// The components whose playbooks will run, in an order the graph allows.
        components: Vec<Planned>,
    },
    /// The host answered with the pinned key.
    HostConnected {
        /// The host's address.
        address: String,
    },
    /// The playbooks are on the host.
    BundleReady {
        /// Digest of the bundle.
        digest: String,
        /// False if the host had it already.
        uploaded: bool,
    },
    /// A component's playbook was started.
    ComponentStarted(Planned),
    /// A play began.
    Play {
        /// The component it belongs to.
        component: String,
        /// The play's name.
        name: String,
    },
    /// A task began on a host.
    TaskStarted {
        /// The component it belongs to.
        component: String,
        /// The task's name.
        name: String,
        /// The host it runs on.
        host: String,
    },
    /// A task ended on a host.
    Task {
        /// The component it belongs to.
        component: String,
        /// The task's name.
        name: String,
        /// The host it ran on.
        host: String,
        /// How it ended.
        status: TaskStatus,
        /// How long it took.
        duration_ms: u64,
        /// What it said; never a value of a task marked `no_log`.
        msg: Option<String>,
    },
    /// A component ended.
    ComponentFinished {
        /// The component.
        name: String,
        /// How it ended.
        status: ComponentStatus,
        /// How long it took.
        duration_ms: u64,
        /// Tasks that changed something.
        changed: u64,
        /// Why it failed.
        failure: Option<Failure>,
    },
    /// The run ended; nothing follows.
    RunFinished {
        /// How it ended.
        outcome: Outcome,
        /// How each component of the request ended.
        components: BTreeMap<String, ComponentStatus>,
    },
}

/// A component that will run, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The component.
    pub name: String,
    /// The digest that is wanted.
    pub digest: String,
    /// Why the recorded one will not do.
    pub reason: Reason,
    /// Those of the same run that must have ended well before it starts.
    #[serde(default)]
    pub after: Vec<String>,
    /// How long it took in earlier runs, in milliseconds; nothing for one that never ended well.
    #[serde(default)]
    pub typical_ms: Option<u64>,
}
