//! The set in force.

use super::error::{LoadError, PolicyUnavailable};
use super::feed::Inbox;
use super::folder;
use super::settings::Settings;
use arc_swap::ArcSwapOption;
use authz::{PolicyFault, PolicySet};
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// The policies in force. Share one.
#[derive(Debug)]
pub struct Policies {
    live: ArcSwapOption<Live>,
    pub(super) inbox: Option<Inbox>,
}

#[derive(Debug)]
struct Live {
    set: Arc<PolicySet>,
    epoch: u64,
    since: Timestamp,
}

/// What is in force, what waits, and what was refused: for people and dashboards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct State {
    /// Whether policies are in force now.
    pub in_force: bool,
    /// Why not, if they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// Counts the sets that were in force; 0 before the first.
    pub epoch: u64,
    /// When the set in force was loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When the feed was last heard; the time of the start where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heard: Option<Timestamp>,
    /// The policies in force, those of the floor too.
    pub policies: Vec<String>,
    /// How many entities the data name.
    pub entities: usize,
    /// What was refused and has not been mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
}

/// A set that was refused, while the last good one stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// Everything that is wrong with it.
    pub faults: Vec<PolicyFault>,
}

impl Policies {
    /// Takes policies from where the settings say. With a feed, [`Self::follow`] must run for sets to come into force.
    pub fn new(settings: &Settings) -> Result<Self, LoadError> {
        let now = Timestamp::now();
        let policies = Self {
            live: ArcSwapOption::empty(),
            inbox: match settings {
                Settings::Opal(feed) => Some(Inbox::open(feed, now)?),
                Settings::BuiltIn | Settings::Folder { .. } => None,
            },
        };
        match settings {
            Settings::BuiltIn => policies.adopt(PolicySet::defaults()?, now),
            Settings::Folder { path } => policies.adopt(folder::read(path)?.build()?, now),
            Settings::Opal(_) => policies.adopt_kept(now),
        }
        Ok(policies)
    }

    /// The set in force. Take it once for a request, so that all of it is decided by one set.
    pub fn current(&self) -> Result<Arc<PolicySet>, PolicyUnavailable> {
        self.current_at(Timestamp::now())
    }

    /// The set in force at a time.
    pub fn current_at(&self, now: Timestamp) -> Result<Arc<PolicySet>, PolicyUnavailable> {
        let live = self.live.load();
        let Some(live) = live.as_ref() else {
            let why = self
                .inbox
                .as_ref()
                .map_or_else(|| "none is configured".to_owned(), Inbox::missing);
            return Err(PolicyUnavailable::Never { why });
        };
        if let Some(heard) = self
            .inbox
            .as_ref()
            .and_then(|inbox| inbox.silent_since(now))
        {
            return Err(PolicyUnavailable::Silent { heard });
        }
        Ok(Arc::clone(&live.set))
    }

    /// Counts the sets that were in force: what was decided in one epoch says nothing about another.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.live.load().as_ref().map_or(0, |live| live.epoch)
    }

    /// What is in force, what waits and what was refused.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> State {
        let why_not = self.current_at(now).err().map(|error| error.to_string());
        let live = self.live.load();
        let live = live.as_ref();
        State {
            in_force: why_not.is_none(),
            why_not,
            epoch: self.epoch(),
            since: live.map(|live| live.since),
            heard: match &self.inbox {
                Some(inbox) => inbox.heard(),
                None => live.map(|live| live.since),
            },
            policies: live.map_or_else(Vec::new, |live| {
                live.set
                    .policy_ids()
                    .into_iter()
                    .map(str::to_owned)
                    .collect()
            }),
            entities: live.map_or(0, |live| live.set.entity_count()),
            refused: self.inbox.as_ref().and_then(Inbox::refusal),
        }
    }

    /// Puts a set in force.
    pub(super) fn adopt(&self, set: PolicySet, now: Timestamp) {
        let epoch = self.epoch() + 1;
        for warning in set.warnings() {
            tracing::warn!(%warning, "a policy may not mean what it says");
        }
        tracing::info!(
            epoch,
            policies = set.policy_ids().len(),
            entities = set.entity_count(),
            "policies are in force"
        );
        self.live.store(Some(Arc::new(Live {
            set: Arc::new(set),
            epoch,
            since: now,
        })));
    }
}
