//! A platform's environments, as far as the provider looks at them: its claim store, and who lives there.

use std::sync::Arc;

use claim_store::{ClaimStore, StoreError};
use vultr::Cluster;

use crate::fault::{self, Fault};
use crate::mark::PlatformId;
use crate::session::{Session, cloud};

/// How many environments an error names.
const SHOWN: usize = 20;

/// The cluster of a platform: the one that the state knows, else the one that carries the mark. Nothing if it is
/// proved gone.
pub(crate) async fn cluster_of(
    session: &Session,
    platform: &PlatformId,
    known: Option<&str>,
) -> Result<Option<Cluster>, Fault> {
    let clusters = session.clusters().await?;
    let mark = platform.mark();
    if let Some(cluster) = clusters
        .iter()
        .find(|one| known.map_or(one.label == mark, |id| one.id == id))
    {
        return Ok(Some(cluster.clone()));
    }
    let Some(id) = known else {
        return Ok(None);
    };
    // A list may trail: only the cluster itself proves that it is gone.
    let found = session.vultr().await?.cluster(id).await;
    found.map_err(|error| cloud(&format!("reading cluster {id}"), &error))
}

/// The claim store of a cluster.
pub(crate) async fn store_of(
    session: &Session,
    platform: &PlatformId,
    cluster: &str,
) -> Result<Arc<Option<ClaimStore>>, Fault> {
    let store = session.claim_store(cluster).await?;
    if store.is_none() {
        return Err(Fault::new(
            fault::NO_CLAIM_STORE,
            format!(
                "Platform {platform} publishes no claim store (Secret slipway-system/claim-store). Enable its component minio and apply that first."
            ),
        ));
    }
    Ok(store)
}

/// The claim store of a cluster, to write into.
pub(crate) async fn writable_store_of(
    session: &Session,
    platform: &PlatformId,
    cluster: &str,
) -> Result<Arc<Option<ClaimStore>>, Fault> {
    let store = store_of(session, platform, cluster).await?;
    if let Some(store) = store.as_ref() {
        let safe = session.require_safe_writes(cluster, store).await;
        safe.map_err(|error| store_fault("trying out the claim store", &error))?;
    }
    Ok(store)
}

/// A fault of the store as users read it.
pub(crate) fn store_fault(doing: &str, error: &StoreError) -> Fault {
    let summary = match error {
        StoreError::Exists { .. } => "Claim exists already",
        StoreError::Lost { .. } => "Claim was changed by somebody else",
        StoreError::Unreachable { .. } | StoreError::Incomplete { .. } => {
            fault::NO_CLAIM_STORE.summary
        }
        StoreError::Unreadable { .. } | StoreError::Doubled { .. } | StoreError::Renamed { .. } => {
            fault::BAD_CLAIM.summary
        }
        _ => "Claim store refused",
    };
    Fault::told(summary, doing, &error.to_string())
}

/// How to destroy a platform whatever lives there.
const WAY_OUT: &str = "To destroy the platform without looking, set on_destroy = { environments = \"orphan\" } and apply that first.";

/// Refuses the destroy of a platform in whose store claims stand. `expected` says whether there should be a store.
pub(crate) async fn refuse_live(
    session: &Session,
    platform: &PlatformId,
    cluster: &str,
    expected: bool,
) -> Result<(), Fault> {
    if !expected
        || cluster_of(session, platform, Some(cluster))
            .await?
            .is_none()
    {
        return Ok(());
    }
    let alive = alive(session, cluster).await.map_err(|fault| {
        Fault::new(
            fault::NO_CLAIM_STORE,
            format!(
                "Whether environments of platform {platform} are alive cannot be read, so nothing is destroyed. {} {WAY_OUT}",
                fault.detail()
            ),
        )
    })?;
    if alive.is_empty() {
        return Ok(());
    }
    let more = match alive.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("\n  and {more} more"),
    };
    let shown: Vec<&str> = alive.iter().take(SHOWN).map(String::as_str).collect();
    Err(Fault::new(
        fault::LIVE_ENVIRONMENTS,
        format!(
            "Platform {platform} has {} environments, and they would die with it:\n{}{more}\nWithdraw their claims first. {WAY_OUT}",
            alive.len(),
            shown.join("\n")
        ),
    ))
}

/// What stands in the claim store of a cluster, a line each; nothing if there is no store.
async fn alive(session: &Session, cluster: &str) -> Result<Vec<String>, Fault> {
    let store = session.claim_store(cluster).await?;
    let Some(store) = store.as_ref() else {
        return Ok(Vec::new());
    };
    let sweep = store
        .sweep()
        .await
        .map_err(|error| store_fault("listing the claims", &error))?;
    let claims = sweep
        .claims
        .iter()
        .map(|one| format!("  {} of {}", one.claim.environment_name, one.claim.user));
    // What cannot be read may be somebody's environment.
    let others = sweep
        .unreadable
        .iter()
        .map(|one| format!("  object {} (no readable claim)", one.place.key));
    Ok(claims.chain(others).collect())
}
