//! What all handlers share.

use crate::audit::Log;
use crate::estimate::Estimates;
use crate::gitlab::GitLab;
use crate::idempotency::Keys;
use crate::identity::Verifier;
use crate::limits::Rates;
use crate::metrics::Metrics;
use crate::policy::Policies;
use crate::view::View;
use claim_store::{ClaimStore, StaticClaims, Statuses};
use claims::EnvironmentType;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The program's parts, shared by everything that runs.
pub struct App {
    /// Claims that this program writes.
    pub claims: ClaimStore,
    /// Claims that a pipeline writes and this program only reads.
    pub static_claims: Option<StaticClaims>,
    /// What the controller says about claims.
    pub statuses: Option<Statuses>,
    /// Who somebody is.
    pub verifier: Arc<Verifier>,
    /// What they may do.
    pub policies: Arc<Policies>,
    /// Every environment in memory.
    pub view: View,
    /// What was done.
    pub audit: Log,
    /// Requests that were answered already.
    pub keys: Keys,
    /// How often somebody may ask.
    pub rates: Rates,
    /// Figures for dashboards.
    pub metrics: Metrics,
    /// What an environment is made of, and what that costs.
    pub estimates: Estimates,
    /// Where static environments are proposed.
    pub gitlab: Option<GitLab>,
    /// Where environments are looked for by their contents; without it they are looked for in memory.
    pub search: Option<Arc<search::Index>>,
    /// Types that are managed in Git and nowhere else.
    pub git_types: BTreeSet<EnvironmentType>,
    /// Types that must be unprotected before they may be deleted.
    pub protected_types: BTreeSet<EnvironmentType>,
    /// Work that goes on when its caller goes away.
    pub tasks: TaskTracker,
    /// Set when the program stops.
    pub stop: CancellationToken,
}

/// The parts, as handlers hold them.
pub type Shared = Arc<App>;
