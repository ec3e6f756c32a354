//! Keeping the view: a complete look at the buckets every few seconds.
//!
//! A look comes in parts, each taken over as it is: no more than one is in memory beside the view. What is missing from
//! a listing looks like a withdrawn claim, so only a complete look ends anything.

use crate::app::App;
use crate::environment::Environment;
use crate::metrics::Call;
use crate::view::Observed;
use authz::Origin;
use claim_store::{Absence, Changes, KnownStatuses, Ledger, Place, StoreError, Stored};
use claims::Tombstone;
use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Withdrawn environments that the bucket is asked about at the same time.
const AT_ONCE: usize = 16;

/// What a look remembers for the next.
pub struct Sweeper {
    dynamic: Ledger,
    fixed: Ledger,
    statuses: KnownStatuses,
}

impl Sweeper {
    /// A sweeper that has seen nothing yet, of the buckets of that platform.
    #[must_use]
    pub fn new(platform: &str) -> Self {
        Self {
            dynamic: Ledger::new(platform),
            fixed: Ledger::new(platform),
            statuses: KnownStatuses::default(),
        }
    }

    /// Looks again and again until the program stops.
    pub async fn run(mut self, app: Arc<App>, every: Duration) {
        loop {
            if let Err(error) = self.sweep(&app).await {
                tracing::warn!(%error, "the claims could not be read; what was known stays");
            }
            tokio::select! {
                () = app.stop.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
        }
    }

    /// Looks once. What is found counts as it is found, what is missing only when the look is complete.
    pub async fn sweep(&mut self, app: &App) -> Result<(), StoreError> {
        let begun = Instant::now();
        let look = Box::pin(self.look(app));
        app.metrics.call(Call::new("store", "sweep"), look).await?;
        let statuses = self.statuses.iter();
        let statuses = statuses.map(|(name, status)| (name.as_str(), status));
        app.view.looked(begun, &statuses.collect());
        app.metrics.swept(Timestamp::now(), app.view.len());
        Ok(())
    }

    async fn look(&mut self, app: &App) -> Result<(), StoreError> {
        if let Some(statuses) = &app.statuses
            && let Err(error) = statuses.refresh(&mut self.statuses).await
        {
            // Claims are worth reading without them.
            tracing::warn!(%error, "the statuses could not be read; what was known stays");
        }
        let parts = app.claims.changes(&mut self.dynamic);
        let (passed_over, looked) = follow(app, parts, Origin::Bucket).await;
        self.dynamic.read_again(&passed_over);
        looked?;
        let Some(store) = &app.static_claims else {
            return Ok(());
        };
        let parts = store.changes(&mut self.fixed);
        let (passed_over, looked) = follow(app, parts, Origin::Git).await;
        self.fixed.read_again(&passed_over);
        looked
    }
}

/// Hands the view each part of a look as it comes; gives the objects that the view did not take over.
async fn follow(
    app: &App,
    parts: impl Stream<Item = Result<Changes, StoreError>> + Send,
    origin: Origin,
) -> (Vec<String>, Result<(), StoreError>) {
    let mut parts = pin!(parts);
    let mut passed_over = Vec::new();
    loop {
        let begun = Instant::now();
        match parts.try_next().await {
            Ok(Some(part)) => {
                let observed = observe(app, part, origin).await;
                passed_over.extend(app.view.take(begun, observed));
            }
            Ok(None) => return (passed_over, Ok(())),
            Err(error) => return (passed_over, Err(error)),
        }
    }
}

/// Puts into words of the view what has changed in a bucket.
async fn observe(app: &App, changes: Changes, origin: Origin) -> Observed {
    for refused in &changes.refused {
        tracing::debug!(key = refused.place.key, why = ?refused.why, "an object does not count");
    }
    let tombstones = changes.tombstones.into_iter();
    let mut environments: Vec<Environment> =
        stream::iter(tombstones.map(|(place, tombstone)| gone(app, place, tombstone)))
            .buffered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
    let found = changes.claims.into_iter();
    environments.extend(found.map(|Stored { claim, place }| Environment {
        claim,
        place,
        origin,
        status: None,
        gone: None,
        version: 0,
    }));
    let removed = changes.vanished.into_iter();
    let removed = removed
        .filter(|vanished| vanished.absence == Absence::Proved)
        .map(|vanished| (vanished.name, origin));
    Observed {
        environments,
        removed: removed.collect(),
    }
}

/// An environment whose claim was taken back: what the view knows of it, else what the bucket remembers.
async fn gone(app: &App, place: Place, tombstone: Tombstone) -> Option<Environment> {
    let name = tombstone.environment_name.as_str();
    let gone = Some(tombstone.gone.clone());
    if let Some(known) = app
        .view
        .get(name)
        .filter(|known| known.place.key == place.key)
    {
        return Some(Environment {
            place,
            gone,
            ..(*known).clone()
        });
    }
    // A store that keeps no versions may also refuse to list them.
    let history = app
        .claims
        .history(&place.key, 1)
        .await
        .unwrap_or_else(|error| {
            tracing::debug!(%error, name, "what it was before is not known");
            Vec::new()
        });
    let earlier = history.into_iter().next()?;
    (earlier.claim.environment_name.as_str() == name).then_some(Environment {
        claim: earlier.claim,
        place,
        origin: Origin::Bucket,
        status: None,
        gone,
        version: 0,
    })
}
