//! Environments as the search sees them, and the index kept up to date in the background.
//!
//! The index is a copy that may be behind or away: no request waits for it, except a question to it.

use crate::app::App;
use crate::caller::Caller;
use crate::environment::{Environment, claim_value};
use crate::view::{Change, ChangeKind};
use authz::Reader;
use claims::status::Phase;
use jiff::Timestamp;
use search::{Class, Document, Filter, Index, Owner, SearchError, ServiceState, Version};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// Changes are gathered for so long, so that many become one batch.
const GATHER: Duration = Duration::from_millis(500);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// An environment as it is found.
#[must_use]
pub fn document(app: &App, seen: &Environment) -> Document {
    let status = seen.status.as_deref();
    let services = seen.claim.services.iter().map(|(name, service)| {
        let known = status.and_then(|status| status.services.get(name));
        ServiceState {
            name: name.clone(),
            constraint: service.constraint().to_string(),
            version: known.and_then(|known| known.tag.clone()),
            digest: None,
            ready: known.map(|known| known.ready),
        }
    });
    let gone = seen.phase() == Phase::Deleted;
    Document {
        name: seen.name().to_owned(),
        pool: seen.claim.environment_pool.clone(),
        environment_type: seen.claim.environment_type.as_str().to_owned(),
        owner: seen.claim.user.clone(),
        origin: seen.origin.as_str().to_owned(),
        protected: app.subject(seen).protected,
        phase: seen.phase().as_str().to_owned(),
        since: status.map(|status| status.since),
        reason: status.and_then(|status| status.reason.clone()),
        blocker: status
            .and_then(|status| status.blocker.as_ref())
            .map(|blocker| format!("{} {}", blocker.kind, blocker.name)),
        region: None,
        created: seen.claim.creation_date,
        expires: seen.expires_at(),
        price: status
            .and_then(|status| status.monthly_price)
            .map(|price| price.to_string()),
        services: services.collect(),
        claim: if gone {
            serde_json::Value::Null
        } else {
            claim_value(&seen.claim)
        },
        etag: Some(seen.etag().to_owned()),
        version: version(seen.version),
    }
}

/// The view counts one more for every change, and at least the second of its clock: see [`Version::counted`].
fn version(counted: i64) -> Version {
    let second = Timestamp::from_second(counted).unwrap_or(Timestamp::UNIX_EPOCH);
    Version::counted(None, second)
}

/// What a caller may find: every class of environments that there is, decided once for others' and once for the
/// caller's own.
#[must_use]
pub fn visible(app: &App, reader: &Reader<'_>, caller: &Caller) -> Filter {
    let mut classes: HashMap<Class, authz::Environment> = HashMap::new();
    for seen in app.view.all() {
        let subject = app.subject(&seen);
        let class = Class {
            pool: subject.pool.clone(),
            environment_type: subject.environment_type.as_str().to_owned(),
            origin: subject.origin.as_str().to_owned(),
            protected: subject.protected,
        };
        classes.entry(class).or_insert(subject);
    }
    let mut filter = Filter::nothing();
    for (class, subject) in classes {
        let of = |owner: &str| authz::Environment {
            owner: owner.to_owned(),
            ..subject.clone()
        };
        // Nobody has an empty name.
        if reader.may_read(&of("")) {
            filter.allow(&class, Owner::Anybody);
        }
        let own = caller.principal.name();
        if reader.may_read(&of(own)) {
            filter.allow(&class, Owner::Only(own.to_owned()));
        }
    }
    filter
}

/// Keeps the index up to date until the program stops.
pub async fn index(app: Arc<App>, index: Arc<Index>) {
    let mut changes = app.view.changes();
    let mut pause = FIRST_PAUSE;
    loop {
        let work = keep(&app, &index, &mut changes, &mut pause);
        let Err(error) = (tokio::select! {
            () = app.stop.cancelled() => return,
            result = work => result,
        }) else {
            return;
        };
        tracing::warn!(%error, "the search index is behind; it is made anew later");
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Makes the index anew, then sends every change. Anew, since what was removed while nobody looked is in no change.
async fn keep(
    app: &App,
    index: &Index,
    changes: &mut Receiver<Change>,
    pause: &mut Duration,
) -> Result<(), SearchError> {
    while app.view.swept().is_none() {
        tokio::time::sleep(GATHER).await;
    }
    rebuild(app, index).await?;
    loop {
        let mut batch: HashMap<String, Change> = HashMap::new();
        let mut missed = false;
        match changes.recv().await {
            Ok(change) => gather(&mut batch, change),
            Err(RecvError::Lagged(_)) => missed = true,
            Err(RecvError::Closed) => return Ok(()),
        }
        tokio::time::sleep(GATHER).await;
        loop {
            match changes.try_recv() {
                Ok(change) => gather(&mut batch, change),
                Err(TryRecvError::Lagged(_)) => missed = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if missed {
            rebuild(app, index).await?;
        } else {
            let documents: Vec<Document> = batch
                .into_values()
                .map(|change| changed(app, &change))
                .collect();
            put(app, index, &documents).await?;
        }
        *pause = FIRST_PAUSE;
    }
}

/// A new index of everything. Others write into it already while everything is on its way.
async fn rebuild(app: &App, index: &Index) -> Result<(), SearchError> {
    let everything = async || {
        let all = app.view.all();
        Ok::<_, Infallible>(all.iter().map(|seen| document(app, seen)).collect())
    };
    let call = crate::metrics::Call::new("search", "rebuild");
    let rebuilt = app.metrics.call(call, index.rebuild(everything)).await?;
    tracing::info!(
        index = rebuilt.index,
        documents = rebuilt.documents,
        "the search index is made anew"
    );
    tell_refused(&rebuilt.refused);
    Ok(())
}

/// The last change of each environment counts.
fn gather(batch: &mut HashMap<String, Change>, change: Change) {
    batch.insert(change.environment.name().to_owned(), change);
}

/// The state after a change. Of what was removed remains that it is deleted.
fn changed(app: &App, change: &Change) -> Document {
    let mut document = document(app, &change.environment);
    if change.kind == ChangeKind::Removed {
        Phase::Deleted.as_str().clone_into(&mut document.phase);
        document.claim = serde_json::Value::Null;
        document.version = version(change.environment.version + 1);
    }
    document
}

async fn put(app: &App, index: &Index, documents: &[Document]) -> Result<(), SearchError> {
    let call = crate::metrics::Call::new("search", "put");
    let put = app.metrics.call(call, index.put(documents)).await?;
    tell_refused(&put.refused);
    Ok(())
}

fn tell_refused(refused: &[(String, String)]) {
    for (name, why) in refused {
        tracing::warn!(name, why, "the search index cannot hold an environment");
    }
}
