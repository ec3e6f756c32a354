//! A look into a rehearsed cluster with the administrator's kubeconfig, past everything that is under test.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Node, PodTemplateSpec, Secret};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, Resource};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Sandbox, build};

/// The annotation of pods that tells which Secrets they started with.
const SECRET_MARK: &str = "slipway.dev/secret-version";

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

    /// Makes an object of a namespace, or makes it what is wanted, as somebody who uses the cluster does.
    pub fn make<K>(&self, namespace: &str, name: &str, object: &Value) -> Result<()>
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
        K::DynamicType: Default,
    {
        self.ask(async |client| {
            let objects: Api<K> = Api::namespaced(client, namespace);
            let who = PatchParams::apply("tenant").force();
            objects.patch(name, &who, &Patch::Apply(object)).await?;
            Ok(())
        })
    }

    /// How many pods a budget lets go at the moment, as its controller has counted.
    pub fn disruptions_allowed(&self, namespace: &str, name: &str) -> Result<i32> {
        self.ask(async |client| {
            let budgets: Api<PodDisruptionBudget> = Api::namespaced(client, namespace);
            let budget = budgets.get(name).await?;
            let counted = |status: &PodDisruptionBudgetStatus| {
                status.observed_generation == budget.metadata.generation
            };
            let status = budget.status.as_ref().filter(|status| counted(status));
            Ok(status.map_or(-1, |status| status.disruptions_allowed.unwrap_or(0)))
        })
    }

    /// The build that each node's kubelet has, by the node's name.
    pub fn kubelets(&self) -> Result<BTreeMap<String, String>> {
        self.ask(async |client| {
            let nodes: Api<Node> = Api::all(client);
            let build = |node: Node| {
                let info = node.status.and_then(|status| status.node_info);
                (
                    node.metadata.name.unwrap_or_default(),
                    info.map(|info| info.kubelet_version).unwrap_or_default(),
                )
            };
            let found = nodes.list(&ListParams::default()).await?;
            Ok(found.into_iter().map(build).collect())
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

    /// What stands in one `ConfigMap`.
    pub fn config_map(&self, namespace: &str, name: &str) -> Result<BTreeMap<String, String>> {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        self.ask(|client| async move {
            let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
            Ok(maps.get(&name).await?.data.unwrap_or_default())
        })
    }

    /// Every Secret with these labels but Helm's own, decoded: by `namespace/name`, then by key.
    pub fn secrets(&self, labels: &str) -> Result<BTreeMap<String, BTreeMap<String, String>>> {
        self.ask(|client| async move {
            let wanted = ListParams::default().labels(labels);
            let secrets = Api::<Secret>::all(client).list(&wanted).await?;
            let own = |secret: &Secret| secret.type_.as_deref() != Some("helm.sh/release.v1");
            let named = |secret: Secret| {
                let data = secret.data.unwrap_or_default().into_iter();
                let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
                let values = data.map(|(key, value)| (key, text(value.0))).collect();
                (place(&secret.metadata), values)
            };
            Ok(secrets.items.into_iter().filter(own).map(named).collect())
        })
    }

    /// The `ConfigMap`s in which this text stands, as `namespace/name`.
    pub fn config_maps_with(&self, text: &str) -> Result<Vec<String>> {
        self.ask(|client| async move {
            let everything = ListParams::default();
            let maps = Api::<ConfigMap>::all(client).list(&everything).await?;
            let with = |map: &ConfigMap| {
                let mut values = map.data.iter().flat_map(BTreeMap::values);
                values.any(|value| value.contains(text))
            };
            let found = maps.items.iter().filter(|map| with(map));
            Ok(found.map(|map| place(&map.metadata)).collect())
        })
    }

    /// Which Secrets the pods of every workload started with, as the playbooks mark them: by `namespace/name`.
    pub fn secret_marks(&self) -> Result<BTreeMap<String, String>> {
        self.ask(|client| async move {
            let everything = ListParams::default();
            let mut pods = Vec::new();
            for item in Api::<Deployment>::all(client.clone())
                .list(&everything)
                .await?
            {
                pods.push((place(&item.metadata), item.spec.map(|spec| spec.template)));
            }
            for item in Api::<StatefulSet>::all(client.clone())
                .list(&everything)
                .await?
            {
                pods.push((place(&item.metadata), item.spec.map(|spec| spec.template)));
            }
            for item in Api::<DaemonSet>::all(client).list(&everything).await? {
                pods.push((place(&item.metadata), item.spec.map(|spec| spec.template)));
            }
            let mark = |(place, template): (String, Option<PodTemplateSpec>)| {
                let marks = template?.metadata?.annotations?;
                Some((place, marks.get(SECRET_MARK)?.clone()))
            };
            Ok(pods.into_iter().filter_map(mark).collect())
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

/// Where an object stands, as `namespace/name`.
fn place(metadata: &ObjectMeta) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}/{}", part(&metadata.namespace), part(&metadata.name))
}
