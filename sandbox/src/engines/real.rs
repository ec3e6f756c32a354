//! The engines as the account calls them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use async_trait::async_trait;
use tokio::sync::{Mutex, OnceCell, Semaphore};

use super::charts::{ChartServer, Charts};
use super::cluster::{Cluster, Ground};
use super::etcd::Etcd;
use super::instance::Instance;
use super::tools::Tools;
use crate::processes::Processes;
use crate::services::External;
use crate::world::{
    AccountHandle, ClusterAccess, ClusterSpec, Disturbance, Engines, InstanceSpec, NodeSpec,
};

/// A start takes all the processor there is; more at a time only make each other late.
const STARTS_AT_ONCE: usize = 2;

/// Something that exists from its first start to its end, and is worked on by one call at a time.
type Slots<T> = Mutex<HashMap<String, Arc<Mutex<Option<T>>>>>;

/// The real programs of one sandbox.
pub struct RealEngines {
    tools: Tools,
    processes: Processes,
    root: PathBuf,
    charts: Option<ChartServer>,
    _services: External,
    account: OnceLock<Arc<dyn AccountHandle>>,
    etcd: OnceCell<Etcd>,
    starts: Semaphore,
    clusters: Slots<Cluster>,
    instances: Slots<Instance>,
    /// Hosts whose `sshd` stays down. Nothing else reaches a host, so such a host is as good as halted.
    silent: Mutex<HashSet<String>>,
}

impl RealEngines {
    /// Engines that keep everything in `root` (a folder whose old processes have been ended), with charts from a
    /// folder when one is given.
    pub async fn new(
        root: &Path,
        tools: Tools,
        processes: Processes,
        charts: Option<&Path>,
    ) -> Result<Self> {
        let root = root
            .canonicalize()
            .with_context(|| format!("no folder {}", root.display()))?;
        for old in ["clusters", "instances", "etcd"] {
            remove_folder(&root.join(old))?;
        }
        let charts = match charts {
            Some(folder) => Some(Charts::pack(folder)?.serve().await?),
            None => None,
        };
        Ok(Self {
            tools,
            processes,
            charts,
            _services: External::open(&root).await?,
            root,
            account: OnceLock::new(),
            etcd: OnceCell::new(),
            starts: Semaphore::new(STARTS_AT_ONCE),
            clusters: Slots::default(),
            instances: Slots::default(),
            silent: Mutex::default(),
        })
    }

    async fn etcd(&self) -> Result<&Etcd> {
        let start = || Etcd::start(&self.tools, &self.root, &self.processes);
        self.etcd.get_or_try_init(start).await
    }

    async fn ground(&self) -> Result<Ground<'_>> {
        Ok(Ground {
            tools: &self.tools,
            processes: &self.processes,
            root: &self.root,
            etcd: self.etcd().await?,
        })
    }

    async fn boot(&self, id: &str, instance: Option<&mut Instance>) -> Result<()> {
        match instance {
            Some(host) if !self.silent.lock().await.contains(id) => host.boot().await,
            _ => Ok(()),
        }
    }

    fn account(&self) -> Result<Arc<dyn AccountHandle>> {
        self.account
            .get()
            .map(Arc::clone)
            .context("the engines have no account")
    }
}

#[async_trait]
impl Engines for RealEngines {
    fn attach(&self, account: Arc<dyn AccountHandle>) {
        let _attached_before = self.account.set(account);
    }

    fn chart_mirror(&self) -> Option<String> {
        self.charts.as_ref().map(ChartServer::url)
    }

    fn stand_ins(&self) -> Vec<String> {
        let mut sentences = vec![
            "pods: KWOK reports them Ready and runs nothing in them; logs, exec, webhooks and images cannot be shown",
            "services: what playbooks say to Infisical, Authentik, Artifactory, Elasticsearch, Cloudflare and GitLab is checked by small servers that only remember it; services.jsonl has each call",
            "cloud controller: Services get a load balancer of the emulated account, which forwards nothing",
            "CSI driver: claims get a block volume of the emulated account, which holds no data; vfs volumes and resizing are not played",
            "operators: CloudNativePG, Elasticsearch, cert-manager, Kyverno and Prometheus are said to be ready; databases hold no data, nothing is scraped, certificates are signed by themselves, policies decide nothing",
            "object store: the pods are fake, a MinIO of this machine serves the Service minio/object-store",
            "hosts: real sshd, Ansible and Helm on the machine's own system; packages, kernel, runcmd and firewalls are not the host's own",
        ];
        if self.charts.is_some() {
            sentences.push("charts: small charts of our own with the names, value keys and kinds of the real ones");
        }
        sentences.into_iter().map(str::to_owned).collect()
    }

    async fn start_cluster(&self, spec: ClusterSpec) -> Result<ClusterAccess> {
        let slot = slot(&self.clusters, &spec.id).await;
        let mut cluster = slot.lock().await;
        if let Some(running) = cluster.as_ref() {
            return Ok(running.access());
        }
        let _turn = self.starts.acquire().await?;
        let started = Cluster::start(&spec, self.ground().await?, self.account()?)
            .await
            .with_context(|| {
                format!("the control plane of cluster {} does not start", spec.label)
            })?;
        let access = started.access();
        *cluster = Some(started);
        Ok(access)
    }

    async fn upgrade_cluster(&self, cluster_id: &str, version: &str) -> Result<()> {
        let slot = slot(&self.clusters, cluster_id).await;
        let mut cluster = slot.lock().await;
        let running = cluster
            .as_mut()
            .with_context(|| format!("no cluster {cluster_id} runs"))?;
        let _turn = self.starts.acquire().await?;
        running.upgrade(version, self.ground().await?).await
    }

    async fn stop_cluster(&self, cluster_id: &str) -> Result<()> {
        let slot = slot(&self.clusters, cluster_id).await;
        if let Some(cluster) = slot.lock().await.take() {
            cluster.stop(self.etcd().await?).await?;
        }
        self.clusters.lock().await.remove(cluster_id);
        Ok(())
    }

    async fn set_nodes(&self, cluster_id: &str, nodes: Vec<NodeSpec>) -> Result<()> {
        let slot = slot(&self.clusters, cluster_id).await;
        let cluster = slot.lock().await;
        let running = cluster
            .as_ref()
            .with_context(|| format!("no cluster {cluster_id} runs"))?;
        running.set_nodes(&nodes).await
    }

    async fn start_instance(&self, spec: InstanceSpec) -> Result<()> {
        let slot = slot(&self.instances, &spec.id).await;
        let mut instance = slot.lock().await;
        if instance.is_none() {
            *instance = Some(Instance::create(
                &spec,
                &self.root,
                &self.tools,
                &self.processes,
            )?);
        }
        self.boot(&spec.id, instance.as_mut()).await
    }

    async fn resume_instance(&self, instance_id: &str) -> Result<()> {
        let slot = slot(&self.instances, instance_id).await;
        self.boot(instance_id, slot.lock().await.as_mut()).await
    }

    async fn halt_instance(&self, instance_id: &str) -> Result<()> {
        let slot = slot(&self.instances, instance_id).await;
        match slot.lock().await.as_mut() {
            Some(host) => host.halt().await,
            None => Ok(()),
        }
    }

    async fn reboot_instance(&self, instance_id: &str) -> Result<()> {
        self.halt_instance(instance_id).await?;
        self.resume_instance(instance_id).await
    }

    async fn destroy_instance(&self, instance_id: &str) -> Result<()> {
        let slot = slot(&self.instances, instance_id).await;
        if let Some(host) = slot.lock().await.take() {
            host.destroy().await?;
        }
        self.silent.lock().await.remove(instance_id);
        self.instances.lock().await.remove(instance_id);
        Ok(())
    }

    async fn disturb_instance(&self, instance_id: &str, disturbance: Disturbance) -> Result<()> {
        match disturbance {
            Disturbance::SshdDown => {
                self.silent.lock().await.insert(instance_id.to_owned());
                self.halt_instance(instance_id).await
            }
            Disturbance::SshdUp => {
                self.silent.lock().await.remove(instance_id);
                self.resume_instance(instance_id).await
            }
            Disturbance::DropConnections => {
                let slot = slot(&self.instances, instance_id).await;
                slot.lock()
                    .await
                    .iter()
                    .for_each(Instance::drop_connections);
                Ok(())
            }
            Disturbance::Reboot => self.reboot_instance(instance_id).await,
        }
    }

    async fn load_balancer_gone(&self, load_balancer_id: &str) -> Result<()> {
        for slot in all(&self.clusters).await.into_values() {
            if let Some(cluster) = slot.lock().await.as_ref() {
                cluster.object_store().stop_behind(load_balancer_id).await?;
            }
        }
        Ok(())
    }

    async fn shutdown(&self) -> Result<()> {
        for id in all(&self.instances).await.into_keys() {
            self.destroy_instance(&id).await?;
        }
        for id in all(&self.clusters).await.into_keys() {
            self.stop_cluster(&id).await?;
        }
        match self.etcd.get() {
            Some(etcd) => etcd.stop().await,
            None => Ok(()),
        }
    }
}

/// The place of an object, made when it is asked for first.
async fn slot<T>(slots: &Slots<T>, id: &str) -> Arc<Mutex<Option<T>>> {
    let mut slots = slots.lock().await;
    Arc::clone(slots.entry(id.to_owned()).or_default())
}

/// Every place there is now. A copy, so that the work on one may change the list.
async fn all<T>(slots: &Slots<T>) -> HashMap<String, Arc<Mutex<Option<T>>>> {
    slots.lock().await.clone()
}

fn remove_folder(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error)
            .with_context(|| format!("the old folder {} cannot be removed", folder.display())),
        _ => Ok(()),
    }
}
