//! The object store of a cluster really runs: the pods of the `MinIO` chart are fake, so a `MinIO` of this machine
//! serves the load balancer's address with the keys that the playbook made.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Secret, Service};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

use super::certificates::write_private;
use super::cloud_controller::load_balancer;
use super::cluster::Ground;
use super::program::{Program, Running};
use super::standin::{self, LookAt};
use super::tools::Tools;
use super::waiting::{Wait, answers_well};
use crate::processes::Processes;
use crate::world::AccountHandle;

const NAMESPACE: &str = "minio";
const SERVICE: &str = "object-store";
const KEYS: &str = "object-store-root";
const PORT_NAME: &str = "s3";
const START_DEADLINE: Duration = Duration::from_mins(1);
/// How long the server may take to finish what it writes.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// How often a served address is looked at, to notice a server that ended.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Where the server listens and who its administrator is.
#[derive(Clone, PartialEq, Eq)]
struct Place {
    load_balancer: String,
    address: Ipv4Addr,
    port: u16,
    access_key: Vec<u8>,
    secret_key: Vec<u8>,
}

/// The stand-in for one cluster's object store pods.
pub(crate) struct ObjectStore {
    client: kube::Client,
    account: Arc<dyn AccountHandle>,
    tools: Tools,
    processes: Processes,
    cluster: String,
    root: PathBuf,
    serving: Mutex<Option<(Place, Running)>>,
}

impl ObjectStore {
    pub(crate) fn new(
        client: kube::Client,
        account: Arc<dyn AccountHandle>,
        cluster: &str,
        ground: Ground<'_>,
    ) -> Self {
        Self {
            client,
            account,
            tools: ground.tools.clone(),
            processes: ground.processes.clone(),
            cluster: cluster.to_owned(),
            root: ground.root.to_path_buf(),
            serving: Mutex::default(),
        }
    }

    /// Follows the Service and the Secret.
    pub(crate) fn follow(self: &Arc<Self>) -> AbortOnDropHandle<()> {
        let only = |name: &str| watcher::Config::default().fields(&format!("metadata.name={name}"));
        let services: Api<Service> = Api::namespaced(self.client.clone(), NAMESPACE);
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), NAMESPACE);
        let controller =
            Controller::new(services, only(SERVICE)).watches(secrets, only(KEYS), |_| {
                [ObjectRef::new(SERVICE).within(NAMESPACE)]
            });
        standin::run("object store", controller, self)
    }

    /// Ends the server; its data stays with the cluster's folder.
    pub(crate) async fn stop(&self) -> Result<()> {
        if let Some((_, running)) = self.serving.lock().await.take() {
            running.stop(STOP_GRACE).await?;
        }
        Ok(())
    }

    /// Ends the server when it serves this load balancer.
    pub(crate) async fn stop_behind(&self, load_balancer: &str) -> Result<()> {
        let mut serving = self.serving.lock().await;
        if let Some((_, running)) =
            serving.take_if(|(place, _)| place.load_balancer == load_balancer)
        {
            running.stop(STOP_GRACE).await?;
        }
        Ok(())
    }

    async fn wanted(&self, service: &Service) -> Result<Option<Place>> {
        if service.metadata.deletion_timestamp.is_some() {
            return Ok(None);
        }
        let (Some((address, port)), Some(load_balancer)) =
            (location(service), load_balancer(service))
        else {
            return Ok(None);
        };
        if self.account.load_balancer(load_balancer).await?.is_none() {
            return Ok(None);
        }
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), NAMESPACE);
        let Some(secret) = secrets.get_opt(KEYS).await? else {
            return Ok(None);
        };
        let data = secret.data.unwrap_or_default();
        let key = |name: &str| {
            data.get(name)
                .map(|value| value.0.clone())
                .with_context(|| format!("SLW-942: the Secret {NAMESPACE}/{KEYS} has no {name}"))
        };
        Ok(Some(Place {
            load_balancer: load_balancer.to_owned(),
            address,
            port,
            access_key: key("access_key")?,
            secret_key: key("secret_key")?,
        }))
    }

    async fn start(&self, place: &Place) -> Result<Running> {
        let folder = self
            .root
            .join("clusters")
            .join(&self.cluster)
            .join("object-store");
        std::fs::create_dir_all(folder.join("data"))?;
        // The keys travel in files, for the environment of a process can be read by others. They are removed as
        // soon as the server has read them.
        let (user, password) = (folder.join("access-key"), folder.join("secret-key"));
        write_private(&user, &place.access_key)?;
        write_private(&password, &place.secret_key)?;
        let program = Program::new(
            format!("{}-minio", self.cluster),
            &self.tools.program("minio")?,
            &folder,
        )
        .argument("server")
        .argument("data")
        .argument(format!("--address={}:{}", place.address, place.port))
        .argument(format!("--console-address={}:0", place.address))
        .argument("--config-dir=config")
        .variable("MINIO_ROOT_USER_FILE", &user)
        .variable("MINIO_ROOT_PASSWORD_FILE", &password)
        .variable("MINIO_BROWSER", "off")
        .variable("MINIO_UPDATE", "off")
        .variable("MINIO_CALLHOME_ENABLE", "off")
        .variable("GOGC", "50");
        let mut running = program.start(&self.processes, &self.root.join("logs"))?;
        let health = format!("http://{}:{}/minio/health/ready", place.address, place.port);
        let ready = await_ready(&mut running, &health).await;
        std::fs::remove_file(&user)?;
        std::fs::remove_file(&password)?;
        ready.map(|()| running)
    }
}

impl LookAt<Service> for ObjectStore {
    async fn look_at(&self, service: Arc<Service>) -> Result<Action> {
        let mut serving = self.serving.lock().await;
        let wanted = self.wanted(&service).await?;
        if let Some((_, running)) = serving.as_mut()
            && let Err(error) = running.ensure_alive()
        {
            tracing::warn!(%error, "the object store is started again");
            *serving = None;
        }
        if serving.as_ref().map(|(place, _)| place) == wanted.as_ref() {
            return Ok(if wanted.is_some() {
                Action::requeue(HEARTBEAT)
            } else {
                Action::await_change()
            });
        }
        if let Some((_, running)) = serving.take() {
            running.stop(STOP_GRACE).await?;
        }
        let Some(place) = wanted else {
            return Ok(Action::await_change());
        };
        let running = self.start(&place).await?;
        tracing::info!(
            cluster = self.cluster,
            service = service.name_any(),
            address = %place.address,
            port = place.port,
            "a real object store serves the load balancer's address"
        );
        *serving = Some((place, running));
        Ok(Action::requeue(HEARTBEAT))
    }
}

async fn await_ready(running: &mut Running, health: &str) -> Result<()> {
    let wait = Wait::until("the object store is ready", START_DEADLINE);
    while !answers_well(health).await {
        running.ensure_alive()?;
        wait.pause().await?;
    }
    Ok(())
}

fn location(service: &Service) -> Option<(Ipv4Addr, u16)> {
    let ingress = service
        .status
        .as_ref()?
        .load_balancer
        .as_ref()?
        .ingress
        .as_ref()?;
    let address = ingress.first()?.ip.as_ref()?.parse().ok()?;
    let ports = service.spec.as_ref()?.ports.as_ref()?;
    let port = ports
        .iter()
        .find(|port| port.name.as_deref() == Some(PORT_NAME))
        .or_else(|| ports.first())?;
    Some((address, u16::try_from(port.port).ok()?))
}
