//! What the provider reads inside a platform's cluster: the journal of components, and the keys of the claim store.
//!
//! The kubeconfig is fetched when it is needed, lives in memory for one operation and is stored nowhere.

use std::collections::BTreeMap;
use std::time::Duration;

use claim_store::{ClaimStore, Statuses, StoreError};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use run_report::JournalRecord;
use run_report::journal;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::fault::{self, Fault};

/// How long an API server may take to accept a connection and to answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Name of the Secret with the claim store's address and keys, in the journal's namespace.
const CLAIM_STORE: &str = "claim-store";

/// Why something in a cluster cannot be read. No variant holds a part of the kubeconfig.
#[derive(Debug, Error)]
pub(crate) enum AccessError {
    /// The kubeconfig is not usable.
    #[error("its kubeconfig cannot be used: {0}")]
    Kubeconfig(String),
    /// The API server does not answer, or refuses.
    #[error("its API server does not answer: {0}")]
    Unreachable(String),
    /// An object is not what it should be.
    #[error("{object} cannot be used: {why}")]
    Malformed {
        /// Which object.
        object: String,
        /// What is wrong.
        why: String,
    },
}

/// A cluster, reached with its kubeconfig.
pub(crate) struct ClusterAccess {
    pub(crate) client: Client,
}

/// Where the claims are, and the keys to them.
pub(crate) struct ClaimStoreKeys {
    pub(crate) endpoint: String,
    pub(crate) region: String,
    pub(crate) bucket: String,
    /// The bucket of static environments, where the platform has one.
    pub(crate) static_bucket: Option<String>,
    /// The bucket of statuses, where the platform has one.
    pub(crate) status_bucket: Option<String>,
    pub(crate) access_key: SecretString,
    pub(crate) secret_key: SecretString,
}

impl ClaimStoreKeys {
    /// The same server with the bucket of static environments.
    pub(crate) fn of_static_environments(self) -> Option<Self> {
        let bucket = self.static_bucket.clone()?;
        Some(Self { bucket, ..self })
    }

    /// The same server with the bucket of statuses.
    pub(crate) fn of_statuses(self) -> Option<Self> {
        let bucket = self.status_bucket.clone()?;
        Some(Self { bucket, ..self })
    }

    /// Prepares access to the store; nothing is sent yet.
    pub(crate) fn open(self) -> Result<ClaimStore, Fault> {
        ClaimStore::new(&self.settings()).map_err(|error| unusable(&error))
    }

    /// Prepares access to the statuses; nothing is sent yet.
    pub(crate) fn open_statuses(self) -> Result<Statuses, Fault> {
        Statuses::new(&self.settings()).map_err(|error| unusable(&error))
    }

    fn settings(self) -> claim_store::Settings {
        claim_store::Settings {
            endpoint: self.endpoint,
            region: self.region,
            bucket: self.bucket,
            access_key: self.access_key,
            secret_key: self.secret_key,
            ca_pem: None,
            limits: claim_store::Limits::default(),
        }
    }
}

fn unusable(error: &StoreError) -> Fault {
    Fault::told(
        fault::NO_CLAIM_STORE.summary,
        "opening the claim store",
        &error.to_string(),
    )
}

impl ClusterAccess {
    /// Prepares a client; nothing is sent yet.
    pub(crate) async fn open(kubeconfig: &SecretString) -> Result<Self, AccessError> {
        // The parser's words may quote the text, and the text is a key.
        let unreadable =
            |_| AccessError::Kubeconfig("it is not the YAML that kubectl reads".to_owned());
        let kubeconfig = Kubeconfig::from_yaml(kubeconfig.expose_secret()).map_err(unreadable)?;
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .map_err(|_| AccessError::Kubeconfig("it names no cluster and user".to_owned()))?;
        config.connect_timeout = Some(CONNECT_WITHIN);
        config.read_timeout = Some(ANSWER_WITHIN);
        config.proxy_url = None;
        // Whoever asks looks again by himself. Repeated by the client, an eviction that a budget blocks (429) would look
        // like a control plane that does not answer.
        config.default_retry = false;
        let client =
            Client::try_from(config).map_err(|error| AccessError::Kubeconfig(error.to_string()))?;
        Ok(Self { client })
    }

    /// The journal: what is recorded of each component. A record that cannot be read counts as none, so that its
    /// component runs again.
    pub(crate) async fn journal(&self) -> Result<BTreeMap<String, JournalRecord>, AccessError> {
        let api = Api::<ConfigMap>::namespaced(self.client.clone(), journal::NAMESPACE);
        let labels = journal::LABELS
            .map(|(key, value)| format!("{key}={value}"))
            .join(",");
        let list = self
            .answered(api.list(&ListParams::default().labels(&labels)))
            .await?;
        let mut records = BTreeMap::new();
        for map in list.items {
            let name = map.metadata.name.unwrap_or_default();
            match JournalRecord::from_data(&map.data.unwrap_or_default()) {
                Ok(record) => drop(records.insert(name, record)),
                Err(error) => {
                    tracing::warn!(component = %name, %error, "journal record is not readable");
                }
            }
        }
        Ok(records)
    }

    /// The claim store's address and keys; nothing if the platform has none.
    pub(crate) async fn claim_store(&self) -> Result<Option<ClaimStoreKeys>, AccessError> {
        let api = Api::<Secret>::namespaced(self.client.clone(), journal::NAMESPACE);
        let Some(secret) = self.answered(api.get_opt(CLAIM_STORE)).await? else {
            return Ok(None);
        };
        let data = secret.data.unwrap_or_default();
        let text = |key: &str| {
            data.get(key)
                .and_then(|bytes| String::from_utf8(bytes.0.clone()).ok())
                .filter(|text| !text.is_empty())
                .ok_or_else(|| AccessError::Malformed {
                    object: format!("Secret {}/{CLAIM_STORE}", journal::NAMESPACE),
                    why: format!("it has no usable {key}"),
                })
        };
        Ok(Some(ClaimStoreKeys {
            endpoint: text("endpoint")?,
            region: text("region")?,
            bucket: text("bucket")?,
            static_bucket: text("static_bucket").ok(),
            status_bucket: text("status_bucket").ok(),
            access_key: text("access_key")?.into(),
            secret_key: text("secret_key")?.into(),
        }))
    }

    /// A call with a bound of its own, its failure in words.
    pub(crate) async fn answered<T>(
        &self,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, AccessError> {
        match tokio::time::timeout(CONNECT_WITHIN + ANSWER_WITHIN, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(kube::Error::Api(status))) => Err(AccessError::Unreachable(format!(
                "it refused with {} {}",
                status.code, status.message
            ))),
            Ok(Err(error)) => Err(AccessError::Unreachable(chain(&error))),
            Err(_) => Err(AccessError::Unreachable("no answer in time".to_owned())),
        }
    }
}

/// An error with its causes: the outermost one alone says only "client error".
fn chain(error: &dyn std::error::Error) -> String {
    // The client's own first words name its layers, not the cause.
    let mut text = error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string);
    let mut cause = error.source().and_then(std::error::Error::source);
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: canary}}]\n";

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_without_the_keys() {
        let access = ClusterAccess::open(&KUBECONFIG.to_owned().into())
            .await
            .unwrap();
        let error = access.journal().await.unwrap_err().to_string();
        assert!(error.contains("does not answer"), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }

    #[tokio::test]
    async fn a_kubeconfig_that_is_none_is_not_quoted() {
        for text in ["canary: [", "canary", "{}"] {
            let Err(error) = ClusterAccess::open(&text.to_owned().into()).await else {
                panic!("{text} was taken");
            };
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }
}
