//! The storage classes and the CSI driver that every cluster of the vendor has, as its release 0.19 of the driver
//! names them.

use anyhow::Result;
use k8s_openapi::api::storage::v1::{CSIDriver, StorageClass};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

/// The vendor's CSI driver.
pub(crate) const DRIVER: &str = "block.csi.vultr.com";
/// Name, kind of storage, disk, whether a volume outlives its claim.
const CLASSES: [(&str, &str, &str, bool); 6] = [
    ("vultr-block-storage", "block", "nvme", false),
    ("vultr-block-storage-retain", "block", "nvme", true),
    ("vultr-block-storage-hdd", "block", "hdd", false),
    ("vultr-block-storage-hdd-retain", "block", "hdd", true),
    ("vultr-vfs-storage", "vfs", "nvme", false),
    ("vultr-vfs-storage-retain", "vfs", "nvme", true),
];
const DEFAULT: &str = "vultr-block-storage";

/// Installs them.
pub(crate) async fn install(client: &kube::Client) -> Result<()> {
    let manager = PatchParams::apply("slipway-sandbox").force();
    let driver = json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": { "name": DRIVER },
        "spec": { "attachRequired": true, "podInfoOnMount": true },
    });
    Api::<CSIDriver>::all(client.clone())
        .patch(DRIVER, &manager, &Patch::Apply(driver))
        .await?;
    let classes: Api<StorageClass> = Api::all(client.clone());
    for (name, storage, disk, retain) in CLASSES {
        let is_default = if name == DEFAULT { "true" } else { "false" };
        let class = json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": name,
                "annotations": { "storageclass.kubernetes.io/is-default-class": is_default },
            },
            "provisioner": DRIVER,
            "allowVolumeExpansion": true,
            "reclaimPolicy": if retain { "Retain" } else { "Delete" },
            "parameters": { "storage_type": storage, "disk_type": disk },
        });
        classes.patch(name, &manager, &Patch::Apply(class)).await?;
    }
    Ok(())
}
