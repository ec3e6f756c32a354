//! Stand-in for the vendor's CSI driver: a claim of one of its classes gets a block volume of the emulated account.
//! No pod runs here, so no file is ever written to it; shared (`vfs`) volumes and resizing are not played.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{DeleteParams, PostParams};
use kube::runtime::controller::Action;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::nodes::ignore_missing;
use super::standin::{LookAt, PENDING};
use super::storage_classes::DRIVER;
use crate::world::{AccountHandle, BlockView, BlockWish};

/// Which driver Kubernetes asks to serve a claim.
const PROVISIONER: &str = "volume.kubernetes.io/storage-provisioner";
/// The vendor's driver shortens the claim's uid to this many hex digits.
const LABEL_DIGITS: usize = 16;
const GIB: u64 = 1 << 30;

/// The part of the stand-in that makes and deletes volumes, for one cluster.
#[derive(Clone)]
pub(crate) struct Volumes {
    pub(crate) client: kube::Client,
    pub(crate) account: Arc<dyn AccountHandle>,
    pub(crate) cluster: String,
    pub(crate) region: String,
}

impl LookAt<PersistentVolumeClaim> for Volumes {
    async fn look_at(&self, claim: Arc<PersistentVolumeClaim>) -> Result<Action> {
        let bound = claim
            .spec
            .as_ref()
            .is_some_and(|spec| spec.volume_name.is_some());
        let ours = claim
            .annotations()
            .get(PROVISIONER)
            .is_some_and(|name| name == DRIVER);
        if bound || !ours || claim.metadata.deletion_timestamp.is_some() {
            return Ok(Action::await_change());
        }
        let class = self.class(&claim).await?;
        let wish = wish(&claim, &class)?;
        let label = wish.label.clone();
        let view = self.account.create_block(&self.cluster, wish).await?;
        if !view.active {
            return Ok(Action::requeue(PENDING));
        }
        let volume: PersistentVolume =
            serde_json::from_value(self.volume(&label, &claim, &class, &view))?;
        let created = Api::all(self.client.clone())
            .create(&PostParams::default(), &volume)
            .await;
        match created {
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            other => drop(other?),
        }
        tracing::info!(
            claim = claim.name_any(),
            volume = label,
            "stand-in: CSI driver gave a block volume"
        );
        Ok(Action::await_change())
    }
}

impl LookAt<PersistentVolume> for Volumes {
    async fn look_at(&self, volume: Arc<PersistentVolume>) -> Result<Action> {
        let Some(handle) = handle(&volume) else {
            return Ok(Action::await_change());
        };
        let phase = volume
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        let policy = volume
            .spec
            .as_ref()
            .and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref());
        if phase == Some("Released") && policy == Some("Delete") {
            self.account.delete_block(handle).await?;
            Api::<PersistentVolume>::all(self.client.clone())
                .delete(&volume.name_any(), &DeleteParams::default())
                .await
                .map(drop)
                .or_else(ignore_missing)?;
        }
        Ok(Action::await_change())
    }
}

impl Volumes {
    async fn class(&self, claim: &PersistentVolumeClaim) -> Result<StorageClass> {
        let name = claim
            .spec
            .as_ref()
            .and_then(|spec| spec.storage_class_name.as_deref())
            .context("a claim without storage class")?;
        Ok(Api::all(self.client.clone()).get(name).await?)
    }

    fn volume(
        &self,
        name: &str,
        claim: &PersistentVolumeClaim,
        class: &StorageClass,
        block: &BlockView,
    ) -> Value {
        let spec = claim.spec.clone().unwrap_or_default();
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": { "name": name, "annotations": { "pv.kubernetes.io/provisioned-by": DRIVER } },
            "spec": {
                "accessModes": spec.access_modes,
                "capacity": { "storage": format!("{}Gi", block.size_gb) },
                "claimRef": {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "namespace": claim.namespace(),
                    "name": claim.name_any(),
                    "uid": claim.uid(),
                },
                "csi": { "driver": DRIVER, "volumeHandle": block.id, "fsType": "ext4" },
                "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchExpressions": [
                    { "key": "topology.kubernetes.io/region", "operator": "In", "values": [self.region] },
                ] }] } },
                "persistentVolumeReclaimPolicy": class.reclaim_policy,
                "storageClassName": class.name_any(),
                "volumeMode": spec.volume_mode,
            },
        })
    }
}

/// The id of the block volume behind a volume of the vendor's driver.
pub(crate) fn handle(volume: &PersistentVolume) -> Option<&str> {
    let csi = volume.spec.as_ref()?.csi.as_ref()?;
    (csi.driver == DRIVER).then_some(csi.volume_handle.as_str())
}

/// The block volume that a claim asks for, at least of the smallest size that the vendor sells.
fn wish(claim: &PersistentVolumeClaim, class: &StorageClass) -> Result<BlockWish> {
    let parameter = |name| {
        class
            .parameters
            .as_ref()
            .and_then(|all| all.get(name))
            .map(String::as_str)
    };
    if parameter("storage_type") != Some("block") {
        bail!(
            "SLW-940: shared (vfs) volumes are not played here: claim {} stays pending",
            claim.name_any()
        );
    }
    let (block_type, smallest) = match parameter("disk_type") {
        Some("hdd") => ("storage_opt", 40),
        _ => ("high_perf", 10),
    };
    let uid = claim.uid().context("a claim without uid")?.replace('-', "");
    let requested = claim
        .spec
        .as_ref()
        .and_then(|spec| spec.resources.as_ref()?.requests.as_ref()?.get("storage"))
        .context("a claim without a size")?;
    Ok(BlockWish {
        label: format!("pvc-{}", uid.get(..LABEL_DIGITS).unwrap_or(&uid)),
        size_gb: whole_gib(&requested.0)?.max(smallest),
        block_type: block_type.to_owned(),
    })
}

/// A Kubernetes quantity in whole GiB, rounded up.
fn whole_gib(quantity: &str) -> Result<u32> {
    let split = quantity
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(quantity.len());
    let (number, unit) = quantity.split_at(split);
    let unit: u64 = match unit {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => GIB,
        "Ti" => 1 << 40,
        other => bail!("SLW-941: the size {quantity:?} has the unknown unit {other:?}"),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut bytes = whole.parse::<u64>()?.saturating_mul(unit);
    if !fraction.is_empty() {
        let digits = u32::try_from(fraction.len())?;
        bytes += fraction.parse::<u64>()?.saturating_mul(unit) / 10_u64.saturating_pow(digits);
    }
    Ok(u32::try_from(bytes.div_ceil(GIB))?)
}

#[cfg(test)]
mod tests {
    use super::whole_gib;

    #[test]
    fn sizes_are_rounded_up_to_whole_gib() {
        assert_eq!(whole_gib("10Gi").unwrap(), 10);
        assert_eq!(whole_gib("1.5Gi").unwrap(), 2);
        assert_eq!(whole_gib("500Mi").unwrap(), 1);
        assert_eq!(whole_gib("20G").unwrap(), 19);
        assert_eq!(whole_gib("1Ti").unwrap(), 1024);
        assert!(whole_gib("10Q").is_err());
    }
}
