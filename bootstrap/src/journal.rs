//! The journal: what is known of each component, kept in the cluster that it is about.

use crate::platform_lease;
use crate::platform_lock::{Held, Holder};
use async_trait::async_trait;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use run_report::JournalRecord;
use run_report::journal::{FIELD_MANAGER, LABELS, NAMESPACE};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// How long a write is repeated while the API server is away.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where records are kept.
#[async_trait]
pub trait Journal: Send + Sync {
    /// All records, by component; waits up to `patience` for the cluster to answer.
    async fn read(
        &self,
        patience: Duration,
    ) -> Result<BTreeMap<String, JournalRecord>, JournalFault>;
    /// Writes one record over an earlier one.
    async fn write(&self, component: &str, record: &JournalRecord) -> Result<(), JournalFault>;
    /// Who holds the platform.
    async fn held(&self) -> Result<Option<Held>, JournalFault>;
    /// Makes `holder` the one who holds it, if it stands at `version` (nobody holds it: none). Says the new version,
    /// or nothing if somebody was faster.
    async fn hold(
        &self,
        holder: &Holder,
        version: Option<&str>,
    ) -> Result<Option<String>, JournalFault>;
    /// Lets go of the platform, if it is `holder` who holds it.
    async fn let_go(&self, holder: &Holder) -> Result<(), JournalFault>;
}

/// Why the journal does not work.
#[derive(Debug, thiserror::Error)]
pub enum JournalFault {
    /// The kubeconfig is not one.
    #[error("the kubeconfig cannot be used: {0}")]
    Kubeconfig(String),
    /// The cluster does not answer, or refuses.
    #[error("{what}: {cause}")]
    Cluster {
        /// What was tried.
        what: String,
        /// The last answer.
        cause: String,
    },
}

/// The journal in the cluster.
pub struct ClusterJournal {
    client: Client,
}

impl ClusterJournal {
    /// Opens the cluster of a kubeconfig. Asks nothing yet.
    pub async fn open(kubeconfig: &str) -> Result<Self, JournalFault> {
        // The reader's error quotes the text, and the text holds keys.
        let parsed = Kubeconfig::from_yaml(kubeconfig).map_err(|_| {
            JournalFault::Kubeconfig("it is not YAML of the expected form".to_owned())
        })?;
        let mut config = Config::from_custom_kubeconfig(parsed, &KubeConfigOptions::default())
            .await
            .map_err(|error| JournalFault::Kubeconfig(first_line(&error.to_string())))?;
        config.connect_timeout = Some(REQUEST_TIMEOUT);
        config.read_timeout = Some(REQUEST_TIMEOUT);
        let client = Client::try_from(config)
            .map_err(|error| JournalFault::Kubeconfig(first_line(&error.to_string())))?;
        Ok(Self { client })
    }

    async fn ensure_namespace(&self) -> Result<(), JournalFault> {
        let labels: BTreeMap<_, _> = [LABELS[0]].into();
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}});
        let api: Api<Namespace> = Api::all(self.client.clone());
        let patch = Patch::Apply(&namespace);
        let params = apply_params();
        persist(
            PATIENCE,
            &format!("namespace {NAMESPACE} cannot be made"),
            || api.patch(NAMESPACE, &params, &patch),
        )
        .await?;
        Ok(())
    }

    fn records(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }
}

#[async_trait]
impl Journal for ClusterJournal {
    async fn read(
        &self,
        patience: Duration,
    ) -> Result<BTreeMap<String, JournalRecord>, JournalFault> {
        let api = self.records();
        let (label, value) = LABELS[1];
        let params = ListParams::default().labels(&format!("{label}={value}"));
        let found = persist(patience, "the journal cannot be read", || api.list(&params)).await?;
        let mut records = BTreeMap::new();
        for object in found.items {
            let name = object.metadata.name.unwrap_or_default();
            match JournalRecord::from_data(&object.data.unwrap_or_default()) {
                Ok(record) => {
                    records.insert(name, record);
                }
                // As if it were not there: its component runs again, which harms nothing.
                Err(error) => {
                    tracing::warn!(component = %name, %error, "its record cannot be read");
                }
            }
        }
        Ok(records)
    }

    async fn write(&self, component: &str, record: &JournalRecord) -> Result<(), JournalFault> {
        self.ensure_namespace().await?;
        let labels: BTreeMap<_, _> = LABELS.into();
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": component, "namespace": NAMESPACE, "labels": labels},
            "data": record.to_data(),
        });
        let api = self.records();
        let patch = Patch::Apply(&object);
        let params = apply_params();
        let what = format!("the record {NAMESPACE}/{component} cannot be written");
        persist(PATIENCE, &what, || api.patch(component, &params, &patch)).await?;
        Ok(())
    }

    async fn held(&self) -> Result<Option<Held>, JournalFault> {
        let found = persist(PATIENCE, "the platform's lease cannot be read", || {
            platform_lease::read(&self.client)
        });
        let read = |lease| {
            platform_lease::held(&lease).ok_or_else(|| JournalFault::Cluster {
                what: format!(
                    "the platform's lease {NAMESPACE}/{} is not one of ours",
                    platform_lease::NAME
                ),
                cause: "who holds the platform cannot be told; remove it if nobody does".to_owned(),
            })
        };
        found.await?.map(read).transpose()
    }

    async fn hold(
        &self,
        holder: &Holder,
        version: Option<&str>,
    ) -> Result<Option<String>, JournalFault> {
        if version.is_none() {
            self.ensure_namespace().await?;
        }
        let lease = platform_lease::of(holder, version);
        let taken = persist(PATIENCE, "the platform's lease cannot be written", || {
            platform_lease::write(&self.client, &lease)
        });
        taken.await
    }

    async fn let_go(&self, holder: &Holder) -> Result<(), JournalFault> {
        match self.held().await? {
            Some(held) if held.holder == *holder => {
                let gone = persist(PATIENCE, "the platform's lease cannot be removed", || {
                    platform_lease::remove(&self.client, &held.version)
                });
                gone.await
            }
            _ => Ok(()),
        }
    }
}

fn apply_params() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).force()
}

/// Repeats a request while the cluster is away; an answer that says no is final.
async fn persist<T, F>(
    patience: Duration,
    what: &str,
    request: impl Fn() -> F,
) -> Result<T, JournalFault>
where
    F: Future<Output = Result<T, kube::Error>>,
{
    let begin = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match request().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if !passes(&error) || begin.elapsed() + pause > patience {
            return Err(JournalFault::Cluster {
                what: what.to_owned(),
                cause: cause_of(&error),
            });
        }
        tracing::debug!(%error, "not yet: {what}");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn passes(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => status.code == 429 || status.code >= 500,
        kube::Error::HyperError(_) | kube::Error::Service(_) => true,
        _ => false,
    }
}

/// The API server's own words, or the innermost cause: `client error (Connect)` alone tells nobody anything.
fn cause_of(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return format!("{} ({} {})", status.message, status.code, status.reason);
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    format!("the API server does not answer: {innermost}")
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
