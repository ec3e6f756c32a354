//! Stand-in for the vendor's CSI driver, second half: the volume of a scheduled pod is attached to its node in the
//! account, and let go when the pod is gone.

use std::sync::Arc;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Node, PersistentVolume};
use k8s_openapi::api::storage::v1::VolumeAttachment;
use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::{Api, ResourceExt};
use serde_json::json;

use super::nodes::ID_LABEL;
use super::standin::{LookAt, finalizers_of};
use super::storage_classes::DRIVER;
use super::volumes::handle;
use crate::world::AccountHandle;

/// The finalizer that the CSI attacher gives an attachment of this driver.
const FINALIZER: &str = "external-attacher/block-csi-vultr-com";

/// The stand-in for one cluster.
pub(crate) struct Attachments {
    pub(crate) client: kube::Client,
    pub(crate) account: Arc<dyn AccountHandle>,
}

impl LookAt<VolumeAttachment> for Attachments {
    async fn look_at(&self, attachment: Arc<VolumeAttachment>) -> Result<Action> {
        if attachment.spec.attacher == DRIVER {
            let owned = attachment.finalizers().iter().any(|name| name == FINALIZER);
            let attached = attachment
                .status
                .as_ref()
                .is_some_and(|status| status.attached);
            match (
                attachment.metadata.deletion_timestamp.is_some(),
                owned,
                attached,
            ) {
                (true, true, _) => self.detach(&attachment).await?,
                (false, true, false) => self.attach(&attachment).await?,
                (false, false, _) => self.set_finalizers(&attachment, true).await?,
                (true, false, _) | (false, true, true) => {}
            }
        }
        Ok(Action::await_change())
    }
}

impl Attachments {
    async fn attach(&self, attachment: &VolumeAttachment) -> Result<()> {
        let volume = self
            .volume(attachment)
            .await?
            .context("the volume is gone")?;
        let node = Api::<Node>::all(self.client.clone())
            .get(&attachment.spec.node_name)
            .await?;
        let instance = node
            .labels()
            .get(ID_LABEL)
            .context("a node without the vendor's id")?;
        let handle = handle(&volume).context("a volume of another driver")?;
        self.account.attach_block(handle, Some(instance)).await?;
        let status = json!({ "status": { "attached": true } });
        self.attachments()
            .patch_status(
                &attachment.name_any(),
                &PatchParams::default(),
                &Patch::Merge(&status),
            )
            .await?;
        Ok(())
    }

    async fn detach(&self, attachment: &VolumeAttachment) -> Result<()> {
        if let Some(handle) = self.volume(attachment).await?.as_ref().and_then(handle)
            && self.account.block(handle).await?.is_some()
        {
            self.account.attach_block(handle, None).await?;
        }
        self.set_finalizers(attachment, false).await
    }

    async fn volume(&self, attachment: &VolumeAttachment) -> Result<Option<PersistentVolume>> {
        let name = attachment.spec.source.persistent_volume_name.as_deref();
        let name = name.context("an attachment without a volume")?;
        Ok(Api::all(self.client.clone()).get_opt(name).await?)
    }

    async fn set_finalizers(&self, attachment: &VolumeAttachment, ours: bool) -> Result<()> {
        let finalizers = finalizers_of(attachment, FINALIZER, ours);
        let patch = json!({ "metadata": {
            "finalizers": finalizers,
            "resourceVersion": attachment.metadata.resource_version,
        } });
        self.attachments()
            .patch(
                &attachment.name_any(),
                &PatchParams::default(),
                &Patch::Merge(&patch),
            )
            .await?;
        Ok(())
    }

    fn attachments(&self) -> Api<VolumeAttachment> {
        Api::all(self.client.clone())
    }
}
