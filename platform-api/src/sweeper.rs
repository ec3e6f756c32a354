//! Keeping the view: a complete look at the buckets every few seconds.
//!
//! A look that is not complete changes nothing: what is missing from a listing looks like a withdrawn claim.

use crate::app::App;
use crate::environment::Environment;
use crate::metrics::Call;
use crate::view::Observed;
use authz::Origin;
use claim_store::{Absence, Changes, KnownStatuses, Ledger, Place, StoreError, Stored};
use claims::Tombstone;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};

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

    /// Looks once.
    pub async fn sweep(&mut self, app: &App) -> Result<(), StoreError> {
        let begun = Instant::now();
        let (dynamic, fixed) = app
            .metrics
            .call(Call::new("store", "sweep"), self.look(app))
            .await?;
        let mut observed = Observed::default();
        observe(app, dynamic, Origin::Bucket, &mut observed).await;
        observe(app, fixed, Origin::Git, &mut observed).await;
        observed.statuses = self
            .statuses
            .iter()
            .map(|(name, status)| (name.to_string(), status.clone()))
            .collect();
        app.view.sweep(begun, observed);
        app.metrics.swept(Timestamp::now(), app.view.len());
        Ok(())
    }

    async fn look(&mut self, app: &App) -> Result<(Changes, Changes), StoreError> {
        if let Some(statuses) = &app.statuses
            && let Err(error) = statuses.refresh(&mut self.statuses).await
        {
            // Claims are worth reading without them.
            tracing::warn!(%error, "the statuses could not be read; what was known stays");
        }
        let fixed = match &app.static_claims {
            Some(store) => store.refresh(&mut self.fixed).await?,
            None => Changes::default(),
        };
        // Last: what this look found is lost to the ledger if a later step fails.
        Ok((app.claims.refresh(&mut self.dynamic).await?, fixed))
    }
}

/// Puts into words of the view what has changed in a bucket.
async fn observe(app: &App, changes: Changes, origin: Origin, observed: &mut Observed) {
    for refused in &changes.refused {
        tracing::debug!(key = refused.place.key, why = ?refused.why, "an object does not count");
    }
    for (place, tombstone) in changes.tombstones {
        observed
            .environments
            .extend(gone(app, place, tombstone).await);
    }
    let found = changes.claims.into_iter();
    observed
        .environments
        .extend(found.map(|Stored { claim, place }| Environment {
            claim,
            place,
            origin,
            status: None,
            gone: None,
            version: 0,
        }));
    let removed = changes.vanished.into_iter();
    observed.removed.extend(
        removed
            .filter(|vanished| vanished.absence == Absence::Proved)
            .map(|vanished| (vanished.name.to_string(), origin)),
    );
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
