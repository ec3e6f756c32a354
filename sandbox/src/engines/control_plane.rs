//! The programs of one cluster's control plane, and their start on a condition each.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::http::Request;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

use super::certificates::{Authority, Files, write_private};
use super::kubeconfig::{self, PORT};
use super::program::{Program, Running};
use super::tools::Tools;
use super::version::Build;
use super::waiting::Wait;
use crate::processes::Processes;
use crate::world::ClusterSpec;

/// How long a cold start may take on a machine under load.
const START_DEADLINE: Duration = Duration::from_mins(3);
/// How often the programs are looked at.
const ROUND: Duration = Duration::from_secs(1);
/// What kwok does with nodes and pods.
const STAGES: &str = include_str!("../../stages/stages.yaml");
/// The port that the API server calls kubelets on.
const KUBELET_PORT: u16 = 10_250;
const PORT_FORWARDS: &str = "port-forwards.yaml";
/// Controllers that a cloud controller replaces, as at the vendor.
const CONTROLLERS: &str = "--controllers=*,-node-ipam-controller,-node-route-controller,\
                           -cloud-node-lifecycle-controller,-service-lb-controller";

/// The programs' own limits (20 a second) are made for large clusters; here they would only make each wait longer.
const API_CALLS: [&str; 2] = ["--kube-api-qps=1000", "--kube-api-burst=2000"];

/// What the programs of one control plane share.
#[derive(Debug)]
pub(crate) struct Layout {
    id: String,
    folder: PathBuf,
    logs: PathBuf,
    address: Ipv4Addr,
    service_subnet: String,
    files: Files,
}

/// A control plane that answers. A program of it that ends is started again, as the vendor does.
pub(crate) struct ControlPlane {
    programs: Arc<Mutex<Vec<Kept>>>,
    keeper: AbortOnDropHandle<()>,
}

/// A program and how to start it again.
struct Kept {
    program: Program,
    running: Running,
}

impl Layout {
    /// Writes certificates and kubeconfigs; the administrator's kubeconfig is returned, never written for others.
    pub(crate) fn write(spec: &ClusterSpec, root: &Path) -> Result<(Self, String)> {
        let folder = root.join("clusters").join(&spec.id);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let authority = Authority::new(&spec.label)?;
        let files = authority.write(
            &folder.join("pki"),
            &[spec.address, first_address(&spec.service_subnet)?],
            &spec.endpoint,
        )?;
        for user in ["kube-controller-manager", "kube-scheduler"] {
            let client = authority.client(&format!("system:{user}"), None)?;
            let text = kubeconfig::write(&spec.id, spec.address, &authority, &client);
            write_private(&folder.join(user), text.as_bytes())?;
        }
        let admin = authority.client("admin", Some("system:masters"))?;
        let admin = kubeconfig::write(&spec.id, spec.address, &authority, &admin);
        write_private(&folder.join("kwok"), admin.as_bytes())?;
        std::fs::write(folder.join("stages.yaml"), STAGES)?;
        std::fs::write(folder.join("egress.yaml"), egress(&folder))?;
        let layout = Self {
            id: spec.id.clone(),
            logs: root.join("logs"),
            folder,
            address: spec.address,
            service_subnet: spec.service_subnet.clone(),
            files,
        };
        Ok((layout, admin))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where KWOK plays the kubelets of all nodes.
    pub(crate) fn kubelets(&self) -> SocketAddr {
        (self.address, KUBELET_PORT).into()
    }

    /// Says where connections to pods go, as KWOK reads it.
    pub(crate) fn forward_ports(&self, text: &str) -> Result<()> {
        Ok(std::fs::write(self.folder.join(PORT_FORWARDS), text)?)
    }

    /// The cluster's place in etcd.
    pub(crate) fn prefix(&self) -> String {
        format!("/{}", self.id)
    }

    fn program(&self, tools: &Tools, name: &str) -> Result<Program> {
        let log = format!("{}-{name}", self.id);
        Ok(Program::new(log, &tools.program(name)?, &self.folder).variable("GOGC", "50"))
    }

    fn api_server(&self, tools: &Tools, etcd: &str, build: &Build) -> Result<Program> {
        let Files {
            ca,
            server,
            server_key,
            service_account,
            service_account_key,
            ..
        } = &self.files;
        Ok(self.program(tools, "kube-apiserver")?.arguments([
            format!("--etcd-servers={etcd}"),
            format!("--etcd-prefix={}", self.prefix()),
            format!("--bind-address={}", self.address),
            format!("--advertise-address={}", self.address),
            format!("--secure-port={PORT}"),
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--tls-cert-file={}", server.display()),
            format!("--tls-private-key-file={}", server_key.display()),
            format!("--client-ca-file={}", ca.display()),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", service_account.display()),
            format!(
                "--service-account-signing-key-file={}",
                service_account_key.display()
            ),
            format!("--service-cluster-ip-range={}", self.service_subnet),
            "--allow-privileged=true".to_owned(),
            "--anonymous-auth=false".to_owned(),
            // Without it a webhook's call to a cluster address would leave the machine.
            "--egress-selector-config-file=egress.yaml".to_owned(),
            "--cert-dir=generated".to_owned(),
            "--enable-priority-and-fairness=false".to_owned(),
            build.emulation(),
        ]))
    }

    fn controller_manager(&self, tools: &Tools, build: &Build) -> Result<Program> {
        let Files {
            ca,
            ca_key,
            service_account_key,
            ..
        } = &self.files;
        Ok(self.program(tools, "kube-controller-manager")?.arguments([
            "--kubeconfig=kube-controller-manager".to_owned(),
            "--use-service-account-credentials".to_owned(),
            format!(
                "--service-account-private-key-file={}",
                service_account_key.display()
            ),
            format!("--root-ca-file={}", ca.display()),
            format!("--cluster-signing-cert-file={}", ca.display()),
            format!("--cluster-signing-key-file={}", ca_key.display()),
            "--leader-elect=false".to_owned(),
            "--authentication-skip-lookup=true".to_owned(),
            format!("--bind-address={}", self.address),
            "--cert-dir=generated".to_owned(),
            API_CALLS[0].to_owned(),
            API_CALLS[1].to_owned(),
            // kwok renews no leases: a node is gone when the account says so.
            "--node-monitor-grace-period=1h".to_owned(),
            CONTROLLERS.to_owned(),
            build.emulation(),
        ]))
    }

    fn scheduler(&self, tools: &Tools, build: &Build) -> Result<Program> {
        Ok(self.program(tools, "kube-scheduler")?.arguments([
            "--kubeconfig=kube-scheduler".to_owned(),
            "--leader-elect=false".to_owned(),
            "--authentication-skip-lookup=true".to_owned(),
            format!("--bind-address={}", self.address),
            "--cert-dir=generated".to_owned(),
            API_CALLS[0].to_owned(),
            API_CALLS[1].to_owned(),
            build.emulation(),
        ]))
    }

    fn kwok(&self, tools: &Tools) -> Result<Program> {
        Ok(self.program(tools, "kwok")?.arguments([
            "--kubeconfig=kwok".to_owned(),
            "--manage-all-nodes=true".to_owned(),
            "--node-lease-duration-seconds=0".to_owned(),
            "--node-ip=127.0.0.1".to_owned(),
            format!("--server-address={}", self.kubelets()),
            "--config=stages.yaml".to_owned(),
            format!("--config={PORT_FORWARDS}"),
        ]))
    }
}

impl ControlPlane {
    /// Starts the API server, then what needs it, and returns when pods can be made.
    pub(crate) async fn start(
        layout: &Layout,
        tools: &Tools,
        processes: &Processes,
        etcd: &str,
        build: &Build,
        client: &kube::Client,
    ) -> Result<Self> {
        let start = |program: Program| -> Result<Kept> {
            let running = program.start(processes, &layout.logs)?;
            Ok(Kept { program, running })
        };
        let mut programs = vec![start(layout.api_server(tools, etcd, build)?)?];
        let wait = Wait::until("the API server is ready", START_DEADLINE);
        while !is_ready(client).await? {
            ensure_alive(&mut programs)?;
            wait.pause().await?;
        }
        programs.push(start(layout.controller_manager(tools, build)?)?);
        programs.push(start(layout.scheduler(tools, build)?)?);
        programs.push(start(layout.kwok(tools)?)?);
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
        let wait = Wait::until("the default service account exists", START_DEADLINE);
        while accounts.get_opt("default").await?.is_none() {
            ensure_alive(&mut programs)?;
            wait.pause().await?;
        }
        let programs = Arc::new(Mutex::new(programs));
        let keeper = keep(
            Arc::clone(&programs),
            processes.clone(),
            layout.logs.clone(),
        );
        Ok(Self {
            programs,
            keeper: AbortOnDropHandle::new(tokio::spawn(keeper)),
        })
    }

    /// Ends the programs, the API server last.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.keeper.abort();
        let mut programs = self.programs.lock().await;
        while let Some(kept) = programs.pop() {
            kept.running.stop(Duration::ZERO).await?;
        }
        Ok(())
    }
}

async fn is_ready(client: &kube::Client) -> Result<bool> {
    let request = Request::get("/readyz").body(Vec::new())?;
    Ok(client.request_text(request).await.is_ok())
}

fn ensure_alive(programs: &mut [Kept]) -> Result<()> {
    programs
        .iter_mut()
        .try_for_each(|kept| kept.running.ensure_alive())
}

/// Starts again what has ended.
async fn keep(programs: Arc<Mutex<Vec<Kept>>>, processes: Processes, logs: PathBuf) {
    loop {
        tokio::time::sleep(ROUND).await;
        for kept in programs.lock().await.iter_mut() {
            let Err(ended) = kept.running.ensure_alive() else {
                continue;
            };
            tracing::warn!("{ended:#}; it is started again");
            match kept.program.start(&processes, &logs) {
                Ok(running) => kept.running = running,
                Err(error) => tracing::error!("{error:#}"),
            }
        }
    }
}

/// Sends every call that the API server makes by itself to our own socket.
fn egress(folder: &Path) -> String {
    let socket = super::egress::socket(folder);
    format!(
        "apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport:
      uds:
        udsName: {}
- name: etcd
  connection:
    proxyProtocol: Direct
- name: controlplane
  connection:
    proxyProtocol: HTTPConnect
    transport:
      uds:
        udsName: {}
",
        socket.display(),
        socket.display(),
    )
}

/// The address of the service `kubernetes`: the first of the service network.
fn first_address(subnet: &str) -> Result<Ipv4Addr> {
    let network: Ipv4Addr = subnet.split('/').next().unwrap_or(subnet).parse()?;
    Ok(Ipv4Addr::from(u32::from(network) + 1))
}
