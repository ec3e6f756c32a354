//! The lines that the callback plugin and the keeper write.

use run_report::TaskStatus;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One line of the event file, or of the keeper.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub(super) event: String,
    #[serde(default)]
    pub(super) seq: u64,
    pub(super) play: Option<String>,
    pub(super) name: Option<String>,
    pub(super) task: Option<String>,
    pub(super) host: Option<String>,
    pub(super) status: Option<TaskStatus>,
    pub(super) duration_ms: Option<u64>,
    pub(super) msg: Option<String>,
    #[serde(default)]
    pub(super) ignored: bool,
    pub(super) path: Option<String>,
    pub(super) hosts: Option<BTreeMap<String, HostStats>>,
    pub(super) rc: Option<i32>,
    pub(super) stopped: Option<Stopped>,
    pub(super) stderr: Option<String>,
    pub(super) cause: Option<String>,
}

/// Ansible's counts for one host.
#[derive(Debug, Default, Deserialize)]
pub(super) struct HostStats {
    #[serde(default)]
    pub(super) failures: u64,
    #[serde(default)]
    pub(super) unreachable: u64,
}

/// Why the keeper ended a playbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stopped {
    /// It was asked to.
    Request,
    /// The component took too long.
    Timeout,
    /// Nobody followed it.
    Lease,
    /// The supervisor itself was ended.
    Lost,
}

/// How the keeper says that a playbook ended.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(super) rc: Option<i32>,
    pub(super) stopped: Option<Stopped>,
    pub(super) stderr: String,
}

impl Exit {
    /// Whether the playbook is gone before its end and for no fault of its own: the host was restarted, or was away
    /// for longer than the lease.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.stopped, Some(Stopped::Lost | Stopped::Lease))
    }
}
