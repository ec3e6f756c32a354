//! A platform's environments, as far as the provider looks at them: its claim store, who lives there, and what becomes
//! of them when the platform is destroyed.

mod data;
mod estimate;
mod farewell;
mod handover;
mod policy;
mod standing;
mod withdrawal;

use std::sync::Arc;

use claim_store::{ClaimStore, StoreError};
use vultr::Cluster;

use crate::fault::{self, Fault};
use crate::mark::PlatformId;
use crate::session::{Session, cloud};

pub(crate) use self::data::EnvironmentsData;
pub(crate) use self::farewell::{Farewell, announce};
pub(crate) use self::handover::Thing;
pub(crate) use self::policy::{Choice, EnvironmentPolicy};

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

/// The same, where a platform that is gone is a fault.
pub(crate) async fn require_cluster(
    session: &Session,
    platform: &PlatformId,
    known: Option<&str>,
) -> Result<String, Fault> {
    let cluster = cluster_of(session, platform, known).await?;
    cluster.map(|cluster| cluster.id).ok_or_else(|| {
        Fault::new(fault::PARENT_GONE, format!("The account holds no cluster of platform {platform}, so there is no claim store. Create the platform first, or correct platform_id."))
            .at("platform_id")
    })
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
