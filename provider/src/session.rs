//! What a configured provider holds: the account's client, made when it is first needed, and the lists that many
//! resources share during one command.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use claim_store::{ClaimStore, Statuses, StoreError};
use run_report::JournalRecord;
use secrecy::SecretString;
use tokio::sync::OnceCell;
use url::Url;
use uuid::Uuid;
use vultr::{Client, Cluster, NodePool, Vpc};

use crate::catalogue::Catalogue;
use crate::cluster_access::{AccessError, ClaimStoreKeys, ClusterAccess};
use crate::fault::{self, Fault};
use crate::fresh::Fresh;
use crate::platform_api::PlatformApi;
use crate::rehearsal_pace;

/// How long a list is shared: long enough for one refresh, short enough for nobody to be misled by it.
const LISTS_GOOD_FOR: Duration = Duration::from_secs(20);
/// The catalogue does not change during a command.
const CATALOGUE_GOOD_FOR: Duration = Duration::from_mins(30);

/// The provider's settings, from its block and the environment.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProviderSettings {
    pub(crate) api_key: Option<SecretString>,
    pub(crate) api_url: Option<String>,
    pub(crate) chart_mirror: Option<String>,
    pub(crate) bootstrap_path: Option<PathBuf>,
    /// The platform's own API, and who asks it.
    pub(crate) platform_api: Option<(Url, SecretString)>,
    /// A setting that comes from another resource and is not known in this plan.
    pub(crate) unknown: Option<&'static str>,
}

/// A configured provider. Making one does nothing: no network, no TLS client.
pub(crate) struct Session {
    settings: ProviderSettings,
    client: OnceCell<Client>,
    vpcs: Fresh<(), Vec<Vpc>>,
    clusters: Fresh<(), Vec<Cluster>>,
    pools: Fresh<String, Option<Vec<NodePool>>>,
    journals: Fresh<String, BTreeMap<String, JournalRecord>>,
    catalogue: Fresh<(), Catalogue>,
    builds: Fresh<(), Vec<String>>,
    stock: Fresh<String, BTreeSet<String>>,
    accesses: Fresh<String, ClusterAccess>,
    stores: Fresh<String, Option<ClaimStore>>,
    static_stores: Fresh<String, Option<ClaimStore>>,
    statuses: Fresh<String, Option<Statuses>>,
    platform_api: OnceLock<PlatformApi>,
    /// Clusters whose store was seen to let one of several writers win.
    safe_stores: Fresh<String, ()>,
    launching: Mutex<BTreeSet<String>>,
}

impl Session {
    pub(crate) fn new(settings: ProviderSettings) -> Self {
        Self {
            settings,
            client: OnceCell::new(),
            vpcs: Fresh::new(LISTS_GOOD_FOR),
            clusters: Fresh::new(LISTS_GOOD_FOR),
            pools: Fresh::new(LISTS_GOOD_FOR),
            journals: Fresh::new(LISTS_GOOD_FOR),
            catalogue: Fresh::new(CATALOGUE_GOOD_FOR),
            builds: Fresh::new(CATALOGUE_GOOD_FOR),
            stock: Fresh::new(CATALOGUE_GOOD_FOR),
            accesses: Fresh::new(LISTS_GOOD_FOR),
            stores: Fresh::new(LISTS_GOOD_FOR),
            static_stores: Fresh::new(LISTS_GOOD_FOR),
            statuses: Fresh::new(LISTS_GOOD_FOR),
            platform_api: OnceLock::new(),
            safe_stores: Fresh::new(CATALOGUE_GOOD_FOR),
            launching: Mutex::default(),
        }
    }

    /// Whether a setting of the provider is not known in this plan, so that the account cannot be asked anything yet.
    pub(crate) fn is_unknown(&self) -> bool {
        self.settings.unknown.is_some()
    }

    /// Where charts are fetched instead of their own repositories.
    pub(crate) fn chart_mirror(&self) -> Option<&str> {
        self.settings.chart_mirror.as_deref()
    }

    /// The account's client. The first call proves the key, so that nothing is written with a wrong one.
    pub(crate) async fn vultr(&self) -> Result<&Client, Fault> {
        self.client.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Client, Fault> {
        if let Some(name) = self.settings.unknown {
            return Err(not_known_yet(name));
        }
        let key = self.settings.api_key.clone().ok_or_else(|| {
            Fault::new(
                fault::PROVIDER_SETTINGS,
                "There is no API key. Export VULTR_API_KEY, or set api_key in the provider block.",
            )
        })?;
        let mut builder = Client::builder(key).user_agent(concat!(
            "terraform-provider-slipway/",
            env!("CARGO_PKG_VERSION")
        ));
        if let Some(url) = &self.settings.api_url {
            builder = builder.address(url);
        }
        let speed = std::env::var(rehearsal_pace::VARIABLE).ok();
        let address = self.settings.api_url.as_deref();
        let client = rehearsal_pace::adapt(builder, address, speed.as_deref())?
            .build()
            .map_err(|error| cloud("preparing the client", &error))?;
        let account = client
            .account()
            .await
            .map_err(|error| cloud("checking the API key", &error))?;
        tracing::debug!(account = %account.name, "the API key is good");
        Ok(client)
    }

    /// The program that runs playbooks: named in the settings, else beside this one.
    pub(crate) fn bootstrap_program(&self) -> Result<PathBuf, Fault> {
        let program = match &self.settings.bootstrap_path {
            Some(path) => path.clone(),
            None => std::env::current_exe()
                .ok()
                .and_then(|me| Some(me.parent()?.join("slipway-bootstrap")))
                .unwrap_or_default(),
        };
        if program.is_file() {
            return Ok(program);
        }
        Err(Fault::new(
            fault::BOOTSTRAP_MISSING,
            format!(
                "There is no {}. Install slipway-bootstrap beside the provider, or name it in bootstrap_path or SLIPWAY_BOOTSTRAP.",
                program.display()
            ),
        ))
    }

    /// What the account answers, asked once and remembered by `answers`; a failure is told with what it was asked for.
    async fn ask<'a, K: Eq + Hash + Clone, T, F>(
        &'a self,
        answers: &Fresh<K, T>,
        key: &K,
        doing: &str,
        question: impl FnOnce(&'a Client) -> F,
    ) -> Result<Arc<T>, Fault>
    where
        F: Future<Output = vultr::Result<T>>,
    {
        let client = self.vultr().await?;
        let fetch = || async { question(client).await.map_err(|error| cloud(doing, &error)) };
        answers.get(key, fetch).await
    }

    /// Every VPC of the account.
    pub(crate) async fn vpcs(&self) -> Result<Arc<Vec<Vpc>>, Fault> {
        self.ask(&self.vpcs, &(), "listing the VPCs", Client::vpcs)
            .await
    }

    /// Every cluster of the account.
    pub(crate) async fn clusters(&self) -> Result<Arc<Vec<Cluster>>, Fault> {
        let doing = "listing the clusters";
        self.ask(&self.clusters, &(), doing, Client::clusters).await
    }

    /// Every pool of a cluster; nothing when the cluster is gone.
    pub(crate) async fn pools(&self, cluster: &str) -> Result<Arc<Option<Vec<NodePool>>>, Fault> {
        let doing = format!("listing the node pools of cluster {cluster}");
        self.ask(&self.pools, &cluster.to_owned(), &doing, |client| {
            client.node_pools(cluster)
        })
        .await
    }

    /// Forgets what was listed, because something was changed.
    pub(crate) fn changed(&self, cluster: Option<&str>) {
        self.vpcs.forget(&());
        self.clusters.forget(&());
        if let Some(cluster) = cluster {
            self.pools.forget(&cluster.to_owned());
            self.journals.forget(&cluster.to_owned());
            self.accesses.forget(&cluster.to_owned());
        }
    }

    /// Regions, plans and builds.
    pub(crate) async fn catalogue(&self) -> Result<Arc<Catalogue>, Fault> {
        let builds = self.builds().await?;
        let doing = "reading the catalogue";
        self.ask(&self.catalogue, &(), doing, |client| {
            Catalogue::fetch(client, builds.to_vec())
        })
        .await
    }

    /// The Kubernetes builds that clusters can be made with now, newest first.
    pub(crate) async fn builds(&self) -> Result<Arc<Vec<String>>, Fault> {
        let doing = "listing the Kubernetes builds";
        self.ask(&self.builds, &(), doing, Client::kubernetes_versions)
            .await
    }

    /// The plans in stock in a region.
    pub(crate) async fn stock(&self, region: &str) -> Result<Arc<BTreeSet<String>>, Fault> {
        let doing = format!("reading the stock of region {region}");
        self.ask(
            &self.stock,
            &region.to_owned(),
            &doing,
            |client| async move {
                let plans = client.available_plans(region).await?;
                Ok(plans.unwrap_or_default().into_iter().collect())
            },
        )
        .await
    }

    /// The same, asked again: what was in stock when a plan was made may be sold out since.
    pub(crate) async fn stock_now(&self, region: &str) -> Result<Arc<BTreeSet<String>>, Fault> {
        self.stock.forget(&region.to_owned());
        self.stock(region).await
    }

    /// Remembers that this plan makes a platform in a region.
    pub(crate) fn launches_in(&self, region: &str) {
        let mut regions = self
            .launching
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        regions.insert(region.to_owned());
    }

    /// The region of the platforms that this plan makes, if they share one: where a pool will be whose cluster does not
    /// exist yet.
    pub(crate) fn launch_region(&self) -> Option<String> {
        let regions = self
            .launching
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        (regions.len() == 1)
            .then(|| regions.first().cloned())
            .flatten()
    }

    /// Access to a cluster, with a kubeconfig that was fetched for this refresh and stays in memory.
    pub(crate) async fn access(&self, cluster: &str) -> Result<Arc<ClusterAccess>, Fault> {
        let open = || async {
            let kubeconfig = self.kubeconfig(cluster).await?;
            ClusterAccess::open(&kubeconfig)
                .await
                .map_err(|error| unreachable(cluster, &error))
        };
        self.accesses.get(&cluster.to_owned(), open).await
    }

    /// The administrator's kubeconfig of a cluster, fetched now.
    pub(crate) async fn kubeconfig(&self, cluster: &str) -> Result<SecretString, Fault> {
        let found = self.vultr().await?.kubeconfig(cluster).await;
        found
            .map_err(|error| cloud(&format!("fetching the kubeconfig of cluster {cluster}"), &error))?
            .ok_or_else(|| {
                Fault::new(
                    fault::PARENT_GONE,
                    format!("Cluster {cluster} does not exist or has no control plane yet, so there is no kubeconfig."),
                )
            })
    }

    /// What the journal of a cluster records.
    pub(crate) async fn journal(
        &self,
        cluster: &str,
    ) -> Result<Arc<BTreeMap<String, JournalRecord>>, Fault> {
        let read = || async {
            let access = self.access(cluster).await?;
            access
                .journal()
                .await
                .map_err(|error| unreachable(cluster, &error))
        };
        self.journals.get(&cluster.to_owned(), read).await
    }

    /// The keys that a cluster publishes for its claims; nothing if it publishes none.
    async fn claim_keys(&self, cluster: &str) -> Result<Option<ClaimStoreKeys>, Fault> {
        let access = self.access(cluster).await?;
        let keys = access.claim_store().await;
        keys.map_err(|error| unreachable(cluster, &error))
    }

    /// The claim store of a cluster; nothing if the cluster publishes none.
    pub(crate) async fn claim_store(
        &self,
        cluster: &str,
    ) -> Result<Arc<Option<ClaimStore>>, Fault> {
        let open = || async {
            let keys = self.claim_keys(cluster).await?;
            keys.map(ClaimStoreKeys::open).transpose()
        };
        self.stores.get(&cluster.to_owned(), open).await
    }

    /// The claim store of a cluster's static environments; nothing if the cluster publishes none.
    pub(crate) async fn static_claim_store(
        &self,
        cluster: &str,
    ) -> Result<Arc<Option<ClaimStore>>, Fault> {
        let open = || async {
            let keys = self.claim_keys(cluster).await?;
            let fixed = keys.and_then(ClaimStoreKeys::of_static_environments);
            fixed.map(ClaimStoreKeys::open).transpose()
        };
        self.static_stores.get(&cluster.to_owned(), open).await
    }

    /// What the controller of a cluster says; nothing if the cluster publishes no bucket of it.
    pub(crate) async fn statuses(&self, cluster: &str) -> Result<Arc<Option<Statuses>>, Fault> {
        let open = || async {
            let keys = self.claim_keys(cluster).await?;
            let statuses = keys.and_then(ClaimStoreKeys::of_statuses);
            statuses.map(ClaimStoreKeys::open_statuses).transpose()
        };
        self.statuses.get(&cluster.to_owned(), open).await
    }

    /// The platform's own API, if claims go through it.
    pub(crate) fn platform_api(&self) -> Result<Option<&PlatformApi>, Fault> {
        let Some((address, token)) = &self.settings.platform_api else {
            return match self.settings.unknown {
                Some(name @ ("platform_api_url" | "platform_api_token")) => {
                    Err(not_known_yet(name))
                }
                _ => Ok(None),
            };
        };
        if let Some(api) = self.platform_api.get() {
            return Ok(Some(api));
        }
        let api = PlatformApi::new(address, token.clone())?;
        Ok(Some(self.platform_api.get_or_init(|| api)))
    }

    /// Refuses a claim store on which two writers could both win; a store is tried out once a command.
    pub(crate) async fn require_safe_writes(
        &self,
        cluster: &str,
        store: &ClaimStore,
    ) -> Result<(), StoreError> {
        let try_out = || async { store.require_safe_writes(Uuid::new_v4()).await.map(drop) };
        let tried = self.safe_stores.get(&cluster.to_owned(), try_out).await;
        tried.map(drop)
    }
}

fn not_known_yet(name: &str) -> Fault {
    Fault::new(
        fault::PROVIDER_SETTINGS,
        format!(
            "{name} of the provider comes from a resource that does not exist yet. Create that resource first (terraform apply -target), or give the value from a variable."
        ),
    )
}

/// A failed call as users read it: what it was for, and the client's own words with their code.
pub(crate) fn cloud(doing: &str, error: &vultr::Error) -> Fault {
    let summary = match error {
        vultr::Error::Unauthorized { .. } | vultr::Error::Forbidden { .. } => {
            "Vultr refuses the API key"
        }
        vultr::Error::Deadline { .. } => "Not ready in time",
        vultr::Error::Stopped { .. } => "Stopped",
        vultr::Error::Configuration { .. } => fault::PROVIDER_SETTINGS.summary,
        _ => "Vultr call failed",
    };
    Fault::told(summary, doing, &error.to_string())
}

/// A cluster that cannot be read, as users read it.
pub(crate) fn unreachable(cluster: &str, error: &AccessError) -> Fault {
    Fault::new(
        fault::NO_CLUSTER_ACCESS,
        format!(
            "Cluster {cluster}: {error}. Check that its API server can be reached from here, then try again."
        ),
    )
}
