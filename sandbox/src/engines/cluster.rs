//! One VKE cluster: a real control plane, KWOK's nodes, and the stand-ins for what the vendor runs in it.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Service};
use k8s_openapi::api::storage::v1::VolumeAttachment;
use kube::Api;
use tokio_util::task::AbortOnDropHandle;

use super::attachments::Attachments;
use super::cloud_controller::CloudController;
use super::control_plane::{ControlPlane, Layout};
use super::etcd::Etcd;
use super::object_store::ObjectStore;
use super::operators::Operators;
use super::tools::Tools;
use super::version::Build;
use super::volumes::Volumes;
use super::{egress, kubeconfig, nodes, standin, storage_classes};
use crate::processes::Processes;
use crate::services::Desk;
use crate::world::{AccountHandle, ClusterAccess, ClusterSpec, NodeSpec};

/// A running cluster.
pub(crate) struct Cluster {
    access: ClusterAccess,
    build: Build,
    layout: Layout,
    client: kube::Client,
    control_plane: ControlPlane,
    object_store: Arc<ObjectStore>,
    stand_ins: Vec<AbortOnDropHandle<()>>,
    _egress: AbortOnDropHandle<()>,
    _desk: Desk,
}

/// What a cluster shares with the others of the sandbox.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) tools: &'a Tools,
    pub(crate) processes: &'a Processes,
    pub(crate) root: &'a Path,
    pub(crate) etcd: &'a Etcd,
}

impl Cluster {
    /// Starts everything and returns when pods can be made.
    pub(crate) async fn start(
        spec: &ClusterSpec,
        ground: Ground<'_>,
        account: Arc<dyn AccountHandle>,
    ) -> Result<Self> {
        let build = Build::parse(&spec.version)?;
        let (layout, kubeconfig) = Layout::write(spec, ground.root)?;
        // What an earlier attempt stored was signed with other keys.
        ground.etcd.remove(&layout.prefix()).await?;
        let client = kubeconfig::client(&kubeconfig).await?;
        let egress = egress::serve(layout.folder(), layout.kubelets())?;
        let desk = Desk::open(ground.root, &client).await?;
        layout.forward_ports(&desk.port_forwards())?;
        let Ground {
            tools,
            processes,
            etcd,
            ..
        } = ground;
        let control_plane =
            ControlPlane::start(&layout, tools, processes, &etcd.url, &build, &client).await?;
        storage_classes::install(&client).await?;
        let object_store = Arc::new(ObjectStore::new(
            client.clone(),
            Arc::clone(&account),
            &spec.id,
            ground,
        ));
        let mut stand_ins = vendor_programs(spec, &client, &account);
        stand_ins.push(object_store.follow());
        stand_ins.push(Arc::new(Operators::new(client.clone(), desk.authority())).follow());
        Ok(Self {
            access: ClusterAccess {
                kubeconfig,
                ip: spec.address,
            },
            build,
            layout,
            client,
            control_plane,
            object_store,
            stand_ins,
            _egress: egress,
            _desk: desk,
        })
    }

    pub(crate) fn access(&self) -> ClusterAccess {
        self.access.clone()
    }

    pub(crate) fn object_store(&self) -> &ObjectStore {
        &self.object_store
    }

    /// Makes the nodes exactly these.
    pub(crate) async fn set_nodes(&self, wanted: &[NodeSpec]) -> Result<()> {
        nodes::set(&self.client, self.build.kubelet(), wanted).await
    }

    /// Moves the control plane to another build on the same objects, as the vendor's upgrade does.
    pub(crate) async fn upgrade(&mut self, version: &str, ground: Ground<'_>) -> Result<()> {
        let build = Build::parse(version)?;
        self.control_plane.stop().await?;
        let Ground {
            tools,
            processes,
            etcd,
            ..
        } = ground;
        self.control_plane = ControlPlane::start(
            &self.layout,
            tools,
            processes,
            &etcd.url,
            &build,
            &self.client,
        )
        .await?;
        self.build = build;
        Ok(())
    }

    /// Ends every program and removes the cluster's objects and files. What it had in the account stays there.
    pub(crate) async fn stop(mut self, etcd: &Etcd) -> Result<()> {
        self.stand_ins.clear();
        self.object_store.stop().await?;
        self.control_plane.stop().await?;
        etcd.remove(&self.layout.prefix()).await?;
        std::fs::remove_dir_all(self.layout.folder())?;
        Ok(())
    }
}

/// What the vendor runs in every cluster, played from outside.
fn vendor_programs(
    spec: &ClusterSpec,
    client: &kube::Client,
    account: &Arc<dyn AccountHandle>,
) -> Vec<AbortOnDropHandle<()>> {
    let cloud_controller = Arc::new(CloudController {
        client: client.clone(),
        account: Arc::clone(account),
        cluster: spec.id.clone(),
    });
    let volumes = Arc::new(Volumes {
        client: client.clone(),
        account: Arc::clone(account),
        cluster: spec.id.clone(),
        region: spec.region.clone(),
    });
    let attachments = Arc::new(Attachments {
        client: client.clone(),
        account: Arc::clone(account),
    });
    let services: Api<Service> = Api::all(client.clone());
    let claims: Api<PersistentVolumeClaim> = Api::all(client.clone());
    let persistent_volumes: Api<PersistentVolume> = Api::all(client.clone());
    let volume_attachments: Api<VolumeAttachment> = Api::all(client.clone());
    vec![
        standin::watch("cloud controller", services, &cloud_controller),
        standin::watch("CSI provisioner", claims, &volumes),
        standin::watch("CSI provisioner", persistent_volumes, &volumes),
        standin::watch("CSI attacher", volume_attachments, &attachments),
    ]
}
