//! A look into a rehearsed cluster with the administrator's kubeconfig, past everything that is under test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::Value;

use crate::{Sandbox, build};

/// One cluster of the sandbox.
#[derive(Debug)]
pub struct Cluster {
    kubeconfig: PathBuf,
}

/// A Deployment or a `StatefulSet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Pods that it wants.
    pub wanted: i32,
    /// Pods that are ready.
    pub ready: i32,
}

impl Workload {
    /// Absent counts mean what the API server means by them: one pod wanted, none ready.
    fn new(metadata: ObjectMeta, wanted: Option<i32>, ready: Option<i32>) -> Self {
        Self {
            namespace: metadata.namespace.unwrap_or_default(),
            name: metadata.name.unwrap_or_default(),
            wanted: wanted.unwrap_or(1),
            ready: ready.unwrap_or(0),
        }
    }
}

impl Cluster {
    /// Fetches the kubeconfig of the account's only cluster.
    pub fn only(sandbox: &Sandbox) -> Result<Self> {
        let listing = sandbox.call("GET", "kubernetes/clusters", None)?;
        let clusters = listing["vke_clusters"]
            .as_array()
            .context("no list of clusters")?;
        ensure!(
            clusters.len() == 1,
            "the account holds {} clusters, one was due",
            clusters.len()
        );
        let id = clusters[0]["id"].as_str().context("a cluster without id")?;
        let answer = sandbox.call("GET", &format!("kubernetes/clusters/{id}/config"), None)?;
        let encoded = answer["kube_config"].as_str().context("no kube_config")?;
        let kubeconfig = sandbox.folder().join(format!("test-{id}.kubeconfig"));
        std::fs::write(
            &kubeconfig,
            base64::engine::general_purpose::STANDARD.decode(encoded)?,
        )?;
        Ok(Self { kubeconfig })
    }

    /// Path of the kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The journal: the data of each component's record, by component.
    pub fn journal(&self) -> Result<BTreeMap<String, BTreeMap<String, String>>> {
        self.ask(|client| async move {
            let records: Api<ConfigMap> = Api::namespaced(client, "slipway-system");
            let list = records
                .list(&ListParams::default().labels("slipway.dev/journal=component"))
                .await?;
            Ok(list
                .items
                .into_iter()
                .filter_map(|record| Some((record.metadata.name?, record.data.unwrap_or_default())))
                .collect())
        })
    }

    /// Every Deployment and `StatefulSet`.
    pub fn workloads(&self) -> Result<Vec<Workload>> {
        self.ask(|client| async move {
            let everything = ListParams::default();
            let mut workloads = Vec::new();
            for item in Api::<Deployment>::all(client.clone())
                .list(&everything)
                .await?
            {
                let wanted = item.spec.and_then(|spec| spec.replicas);
                let ready = item.status.and_then(|status| status.ready_replicas);
                workloads.push(Workload::new(item.metadata, wanted, ready));
            }
            for item in Api::<StatefulSet>::all(client).list(&everything).await? {
                let wanted = item.spec.and_then(|spec| spec.replicas);
                let ready = item.status.and_then(|status| status.ready_replicas);
                workloads.push(Workload::new(item.metadata, wanted, ready));
            }
            Ok(workloads)
        })
    }

    /// One Secret, decoded.
    pub fn secret(&self, namespace: &str, name: &str) -> Result<BTreeMap<String, String>> {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        self.ask(|client| async move {
            let secret = Api::<Secret>::namespaced(client, &namespace)
                .get(&name)
                .await?;
            Ok(secret
                .data
                .unwrap_or_default()
                .into_iter()
                .map(|(key, value)| (key, String::from_utf8_lossy(&value.0).into_owned()))
                .collect())
        })
    }

    /// Every Secret's values, to look for them where they must not be.
    pub fn all_secret_values(&self) -> Result<Vec<String>> {
        self.ask(|client| async move {
            let secrets = Api::<Secret>::all(client)
                .list(&ListParams::default())
                .await?;
            Ok(secrets
                .items
                .into_iter()
                .filter(|secret| secret.type_.as_deref() != Some("helm.sh/release.v1"))
                .flat_map(|secret| secret.data.unwrap_or_default().into_values())
                .map(|value| String::from_utf8_lossy(&value.0).into_owned())
                .collect())
        })
    }

    /// `helm list` over all namespaces: release name to chart (`name-version`).
    pub fn releases(&self) -> Result<BTreeMap<String, String>> {
        let output = Command::new(build::engines()?.join("helm"))
            .args([
                "list",
                "--all-namespaces",
                "--output",
                "json",
                "--kubeconfig",
            ])
            .arg(&self.kubeconfig)
            .output()?;
        ensure!(
            output.status.success(),
            "helm list: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let list: Vec<Value> = serde_json::from_slice(&output.stdout)?;
        Ok(list
            .iter()
            .filter_map(|release| {
                Some((
                    release["name"].as_str()?.to_owned(),
                    release["chart"].as_str()?.to_owned(),
                ))
            })
            .collect())
    }

    pub(crate) fn ask<T, F, Fut>(&self, question: F) -> Result<T>
    where
        F: FnOnce(Client) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let kubeconfig = Kubeconfig::read_from(&self.kubeconfig)?;
            let config =
                Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
            question(Client::try_from(config)?).await
        })
    }
}
