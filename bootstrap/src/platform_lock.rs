//! One run at a time for a platform: a Lease in the platform's own cluster, held for as long as the run goes on.
//!
//! A second run refuses as soon as it knows that the holder is alive: its Lease moves, or its event file on this
//! machine is locked. A holder that was killed is known at once on the machine that it ran on, elsewhere once its
//! Lease has not moved for [`DURATION`]; no two clocks are compared for that. What the dead run had started on the
//! host is still there then, and is taken over: its lease on the host is longer than ours.

use crate::journal::{Journal, JournalFault};
use crate::run_files;
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

/// A holder whose Lease does not move for so long is gone.
pub(crate) const DURATION: Duration = Duration::from_secs(15);
const RENEW_EVERY: Duration = Duration::from_secs(4);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Who holds a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The run.
    pub run: Uuid,
    /// The process: boot id of its machine, and its number there.
    pub process: String,
    /// Its event file on that machine.
    pub file: Option<PathBuf>,
    /// Since when.
    pub since: Timestamp,
}

/// A holder as it stands in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who.
    pub holder: Holder,
    /// Changes whenever the holder shows that it is there.
    pub version: String,
}

impl Holder {
    /// This process, for a run.
    pub(crate) fn of_this_process(run: Uuid, file: Option<PathBuf>, since: Timestamp) -> Self {
        let process = format!("{}/{}", boot_id(), std::process::id());
        Self {
            run,
            process,
            file,
            // No finer than the cluster keeps it: it must come back equal.
            since: Timestamp::from_millisecond(since.as_millisecond()).unwrap_or(since),
        }
    }

    /// Whether its process lives; nothing if that cannot be seen from this machine.
    fn is_alive(&self) -> Option<bool> {
        let (boot, _) = self.process.split_once('/')?;
        let file = self.file.as_ref()?;
        let here = !boot.is_empty() && boot == boot_id() && file.exists();
        here.then(|| run_files::is_going_on(file))
    }
}

fn boot_id() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    text.unwrap_or_default().trim().to_owned()
}

/// What came of asking for a platform.
pub(crate) enum Asked {
    Ours(PlatformLock),
    Theirs(Holder),
    Stopped,
}

/// A platform held by this run, until it is let go of.
pub(crate) struct PlatformLock {
    journal: Arc<dyn Journal>,
    me: Holder,
    lost: Arc<AtomicBool>,
    _renewal: AbortOnDropHandle<()>,
}

impl PlatformLock {
    /// Takes the platform, or says who holds it. When another run takes it later, `stop` is told.
    pub(crate) async fn ask(
        journal: &Arc<dyn Journal>,
        me: Holder,
        stop: &CancellationToken,
    ) -> Result<Asked, JournalFault> {
        let mut seen: Option<(String, Instant)> = None;
        loop {
            let (version, gone) = match journal.held().await? {
                None => (None, true),
                Some(Held { holder, version }) => {
                    let moved = seen.as_ref().is_some_and(|(before, _)| *before != version);
                    if moved || holder.is_alive() == Some(true) {
                        return Ok(Asked::Theirs(holder));
                    }
                    let (_, since) = seen.get_or_insert_with(|| (version.clone(), Instant::now()));
                    let gone = holder.is_alive() == Some(false) || since.elapsed() >= DURATION;
                    (Some(version), gone)
                }
            };
            if gone {
                if let Some(version) = journal.hold(&me, version.as_deref()).await? {
                    return Ok(Asked::Ours(Self::held(journal.clone(), me, version, stop)));
                }
                // Somebody was faster; whoever it is shows itself in the next look.
                seen = None;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => return Ok(Asked::Stopped),
            }
        }
    }

    fn held(
        journal: Arc<dyn Journal>,
        me: Holder,
        version: String,
        stop: &CancellationToken,
    ) -> Self {
        let lost = Arc::new(AtomicBool::new(false));
        let renewal = renew(
            journal.clone(),
            me.clone(),
            version,
            lost.clone(),
            stop.clone(),
        );
        Self {
            journal,
            me,
            lost,
            _renewal: AbortOnDropHandle::new(tokio::spawn(renewal)),
        }
    }

    /// Whether another run has taken the platform. What is done from then on must not be recorded.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Asks the cluster whether the platform is still ours; an answer that does not come is no.
    pub(crate) async fn is_ours(&self) -> bool {
        let held = self.journal.held().await;
        !self.is_lost() && held.is_ok_and(|held| held.is_some_and(|held| held.holder == self.me))
    }

    /// Lets go, so that the next run need not wait.
    pub(crate) async fn release(self) {
        let Self {
            journal,
            me,
            lost,
            _renewal: renewal,
        } = self;
        renewal.abort();
        let _ = renewal.await;
        if lost.load(Ordering::Acquire) {
            return;
        }
        if let Err(error) = journal.let_go(&me).await {
            tracing::warn!(%error, "the platform's lease stays until it is old");
        }
    }
}

/// Shows that we are there, until somebody else is.
async fn renew(
    journal: Arc<dyn Journal>,
    me: Holder,
    mut version: String,
    lost: Arc<AtomicBool>,
    stop: CancellationToken,
) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        match journal.hold(&me, Some(&version)).await {
            Ok(Some(next)) => version = next,
            // An answer that was lost on its way may have moved it: only another holder is a loss.
            Ok(None) => match journal.held().await {
                Ok(Some(held)) if held.holder == me => version = held.version,
                Ok(_) => {
                    tracing::error!("another run has taken the platform; stopping");
                    lost.store(true, Ordering::Release);
                    return stop.cancel();
                }
                Err(error) => tracing::warn!(%error, "the platform's lease cannot be looked at"),
            },
            // While the API server is away nobody can take the platform either.
            Err(error) => tracing::warn!(%error, "the platform's lease cannot be renewed"),
        }
    }
}
