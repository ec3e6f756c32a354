//! Where claims go: into the platform's store, or through its API.

use std::sync::Arc;

use claim_store::{ClaimStore, Place, Statuses, StoreError, Stored};
use claims::status::Status;
use claims::{Claim, EnvironmentName, Gone, Tombstone};
use jiff::Timestamp;
use tfplugin::Diagnostics;
use uuid::Uuid;

use super::TYPE_NAME;
use super::claim::refused;
use crate::environments::{cluster_of, require_cluster, store_fault, store_of, writable_store_of};
use crate::fault::{self, Fault};
use crate::import_words::import_words;
use crate::mark::PlatformId;
use crate::platform_api::{ApiEnvironment, ApiError, PlatformApi};
use crate::session::Session;

/// Where the claims of a platform go.
pub(super) enum Target<'a> {
    /// The bucket, with the cluster that it belongs to.
    Store {
        session: &'a Session,
        platform: PlatformId,
        cluster: String,
    },
    /// The API.
    Api(&'a PlatformApi),
}

/// Why a new claim was not written.
pub(super) enum CreateError {
    /// Something stands there already; the fault is for when it is not this very claim.
    Exists(Fault),
    Failed(Diagnostics),
}

impl<'a> Target<'a> {
    /// The target that the provider is set up for; nothing if the platform is proved gone.
    pub(super) async fn find(
        session: &'a Session,
        platform: &PlatformId,
        known_cluster: Option<&str>,
    ) -> Result<Option<Self>, Fault> {
        if let Some(api) = session.platform_api()? {
            return Ok(Some(Self::Api(api)));
        }
        let cluster = cluster_of(session, platform, known_cluster).await?;
        Ok(cluster.map(|cluster| Self::Store {
            session,
            platform: platform.clone(),
            cluster: cluster.id,
        }))
    }

    /// The same, where a platform that is gone is a fault.
    pub(super) async fn require(
        session: &'a Session,
        platform: &PlatformId,
        known_cluster: Option<&str>,
    ) -> Result<Self, Fault> {
        if let Some(api) = session.platform_api()? {
            return Ok(Self::Api(api));
        }
        Ok(Self::Store {
            session,
            platform: platform.clone(),
            cluster: require_cluster(session, platform, known_cluster).await?,
        })
    }

    /// The platform's cluster, where it plays a part.
    pub(super) fn cluster(&self) -> Option<&str> {
        match self {
            Self::Store { cluster, .. } => Some(cluster),
            Self::Api(_) => None,
        }
    }

    /// The claim as it stands: under the key that the state knows, else wherever it is.
    pub(super) async fn look(
        &self,
        name: &EnvironmentName,
        key: Option<&str>,
    ) -> Result<Option<Stored>, Fault> {
        match self {
            Self::Store { .. } => {
                let store = self.store().await?;
                let store = self.opened(store.as_ref().as_ref())?;
                let found = match key {
                    Some(key) => store.get_key(key).await,
                    None => store.find(name).await,
                };
                found.map_err(|error| {
                    store_fault(&format!("reading the claim of environment {name}"), &error)
                })
            }
            Self::Api(api) => {
                let found = api.get(name).await.map_err(ApiError::into_fault)?;
                Ok(found.map(stored))
            }
        }
    }

    /// Puts a claim where there is none.
    pub(super) async fn create(&self, claim: &Claim) -> Result<Stored, CreateError> {
        let failed = |fault: Fault| CreateError::Failed(fault.into());
        match self {
            Self::Store { platform, .. } => {
                let store = self.writable().await.map_err(failed)?;
                let store = self.opened(store.as_ref().as_ref()).map_err(failed)?;
                let put = store.put_new(claim, Uuid::new_v4()).await;
                let place = put.map_err(|error| {
                    let doing = format!(
                        "writing the claim of environment {}",
                        claim.environment_name
                    );
                    let fault = store_fault(&doing, &error);
                    match error {
                        StoreError::Exists { .. } => {
                            let id = format!("{platform}/{}", claim.environment_name);
                            CreateError::Exists(fault.and(&import_words(TYPE_NAME, &id)))
                        }
                        _ => failed(fault),
                    }
                })?;
                Ok(Stored {
                    place,
                    claim: claim.clone(),
                })
            }
            Self::Api(api) => {
                require_no_git(claim).map_err(failed)?;
                let made = api.create(claim, Uuid::new_v4()).await;
                made.map(stored).map_err(|error| match error {
                    ApiError::Conflict(fault) => CreateError::Exists(fault),
                    other => CreateError::Failed(diagnostics(other)),
                })
            }
        }
    }

    /// Puts a claim in the place of what the state knows.
    pub(super) async fn replace(
        &self,
        place: &Place,
        claim: &Claim,
    ) -> Result<Stored, Diagnostics> {
        match self {
            Self::Store { .. } => {
                let store = self.writable().await?;
                let store = self.opened(store.as_ref().as_ref())?;
                let replaced = store.replace(place, claim, Uuid::new_v4()).await;
                let place = replaced.map_err(|error| {
                    let doing = format!(
                        "changing the claim of environment {}",
                        claim.environment_name
                    );
                    store_fault(&doing, &error)
                })?;
                Ok(Stored {
                    place,
                    claim: claim.clone(),
                })
            }
            Self::Api(api) => {
                require_no_git(claim)?;
                let replaced = api.replace(&place.etag, claim, Uuid::new_v4()).await;
                replaced.map(stored).map_err(diagnostics)
            }
        }
    }

    /// Takes back what the state knows. What is gone already is fine.
    pub(super) async fn withdraw(
        &self,
        place: &Place,
        name: EnvironmentName,
        by: String,
    ) -> Result<(), Diagnostics> {
        match self {
            Self::Store { .. } => {
                let store = self.writable().await?;
                let store = self.opened(store.as_ref().as_ref())?;
                let doing = format!("withdrawing claim {}", place.key);
                let told = |error: StoreError| store_fault(&doing, &error);
                if store.get_key(&place.key).await.map_err(told)?.is_none() {
                    return Ok(());
                }
                let now = Timestamp::now();
                let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
                let tombstone = Tombstone {
                    environment_name: name,
                    gone: Gone::Withdrawn { by, at },
                };
                let withdrawn = store.withdraw(place, &tombstone, Uuid::new_v4()).await;
                withdrawn.map_err(told)?;
                Ok(())
            }
            Self::Api(api) => {
                if api.get(&name).await.map_err(diagnostics)?.is_none() {
                    return Ok(());
                }
                let withdrawn = api.withdraw(&name, &place.etag, Uuid::new_v4()).await;
                withdrawn.map_err(diagnostics)
            }
        }
    }

    /// What the controller says about an environment, if it has said anything yet.
    pub(super) async fn status(&self, name: &EnvironmentName) -> Result<Option<Status>, Fault> {
        match self {
            Self::Store { .. } => {
                let statuses = self.statuses().await?;
                let found = statuses.get(name).await;
                found.map_err(|error| {
                    store_fault(&format!("reading the status of environment {name}"), &error)
                })
            }
            Self::Api(api) => {
                let found = api.get(name).await.map_err(ApiError::into_fault)?;
                let found = found.ok_or_else(|| {
                    Fault::new(
                        fault::NO_SUCH_CLAIM,
                        format!("The claim of environment {name} was taken back while its environment was waited for."),
                    )
                })?;
                Ok(found.status)
            }
        }
    }

    async fn statuses(&self) -> Result<Statuses, Fault> {
        let Self::Store {
            session,
            platform,
            cluster,
        } = self
        else {
            return Err(no_store("this"));
        };
        let statuses = session.statuses(cluster).await?;
        statuses.as_ref().clone().ok_or_else(|| {
            Fault::new(
                fault::NO_STATUSES,
                format!("Platform {platform} publishes no bucket of statuses (status_bucket in Secret slipway-system/claim-store). Apply its component minio again, or set wait_for = \"accepted\"."),
            )
            .at("wait_for")
        })
    }

    async fn store(&self) -> Result<Arc<Option<ClaimStore>>, Fault> {
        match self {
            Self::Store {
                session,
                platform,
                cluster,
            } => store_of(session, platform, cluster).await,
            Self::Api(_) => Ok(Arc::new(None)),
        }
    }

    async fn writable(&self) -> Result<Arc<Option<ClaimStore>>, Fault> {
        match self {
            Self::Store {
                session,
                platform,
                cluster,
            } => writable_store_of(session, platform, cluster).await,
            Self::Api(_) => Ok(Arc::new(None)),
        }
    }

    fn opened<'s>(&self, store: Option<&'s ClaimStore>) -> Result<&'s ClaimStore, Fault> {
        store.ok_or_else(|| match self {
            Self::Store { platform, .. } => no_store(platform.as_str()),
            Self::Api(_) => no_store("this"),
        })
    }
}

fn no_store(platform: &str) -> Fault {
    Fault::new(
        fault::NO_CLAIM_STORE,
        format!("Platform {platform} publishes no claim store."),
    )
}

/// The API answers a static claim with a merge request, which is no environment that Terraform could manage.
fn require_no_git(claim: &Claim) -> Result<(), Fault> {
    if claim.git.is_none() {
        return Ok(());
    }
    Err(Fault::new(
        fault::STATIC_BY_API,
        format!("Environment {} names a git_repository, so its claim comes from a merge request there. Open it with the API or by hand, and remove the resource; or leave git_repository and branch out.", claim.environment_name),
    )
    .at("git_repository"))
}

fn stored(told: ApiEnvironment) -> Stored {
    Stored {
        place: Place {
            key: ClaimStore::key_of(&told.claim.environment_name),
            etag: told.etag,
        },
        claim: told.claim,
    }
}

fn diagnostics(error: ApiError) -> Diagnostics {
    match error {
        ApiError::Faults(faults) => refused(faults),
        other => other.into_fault().into(),
    }
}
