//! An image as the OCI image layout has it: a folder that every registry client takes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::elf::Architecture;
use super::layer::{Layer, USER, digest};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The time that is written wherever one has to be.
const NO_TIME: &str = "1970-01-01T00:00:00Z";

/// An image of one program.
pub(super) struct Image<'a> {
    pub(super) name: &'a str,
    pub(super) about: &'a str,
    pub(super) version: &'a str,
    pub(super) architecture: Architecture,
    pub(super) ports: &'a [u16],
    pub(super) layers: Vec<Layer>,
}

impl Image<'_> {
    /// Writes the layout in place of `folder`, which is whole or absent; answers the digest of the manifest.
    pub(super) fn write(&self, folder: &Path) -> Result<String> {
        let fresh = folder.with_extension("new");
        remove(&fresh)?;
        fs::create_dir_all(fresh.join("blobs/sha256"))
            .with_context(|| format!("{} cannot be made", fresh.display()))?;
        let keep = |bytes: &[u8]| -> Result<String> {
            let digest = digest(bytes);
            fs::write(fresh.join("blobs").join(digest.replace(':', "/")), bytes)?;
            Ok(digest)
        };
        for layer in &self.layers {
            keep(&layer.packed)?;
        }
        let config = serde_json::to_vec(&self.config())?;
        keep(&config)?;
        let manifest = serde_json::to_vec(&self.manifest(&config))?;
        let digest = keep(&manifest)?;
        let index = serde_json::to_vec(&self.index(&manifest))?;
        fs::write(fresh.join("index.json"), index)?;
        fs::write(
            fresh.join("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )?;
        remove(folder)?;
        fs::rename(&fresh, folder)?;
        Ok(digest)
    }

    fn index(&self, manifest: &[u8]) -> Value {
        let mut entry = blob(MANIFEST, manifest);
        entry["platform"] = json!({ "architecture": self.architecture.name(), "os": "linux" });
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": self.version });
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] })
    }

    fn manifest(&self, config: &[u8]) -> Value {
        let layers: Vec<Value> = self
            .layers
            .iter()
            .map(|layer| blob(LAYER, &layer.packed))
            .collect();
        json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": blob(CONFIG, config),
            "layers": layers,
            "annotations": self.labels(),
        })
    }

    fn config(&self) -> Value {
        let ports: Map<String, Value> = self
            .ports
            .iter()
            .map(|port| (format!("{port}/tcp"), json!({})))
            .collect();
        let contents: Vec<&str> = self.layers.iter().map(|layer| &*layer.contents).collect();
        let history: Vec<Value> = self
            .layers
            .iter()
            .map(|layer| json!({ "created": NO_TIME, "created_by": "cargo xtask images", "comment": layer.about }))
            .collect();
        json!({
            "created": NO_TIME,
            "architecture": self.architecture.name(),
            "os": "linux",
            "config": {
                "User": format!("{USER}:{USER}"),
                "Entrypoint": [format!("/{}", self.name)],
                "WorkingDir": "/",
                "Env": ["PATH=/", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
                "ExposedPorts": ports,
                "Labels": self.labels(),
            },
            "rootfs": { "type": "layers", "diff_ids": contents },
            "history": history,
        })
    }

    fn labels(&self) -> Value {
        json!({
            "org.opencontainers.image.title": self.name,
            "org.opencontainers.image.description": self.about,
            "org.opencontainers.image.version": self.version,
            // Ours, the authorities', the C library's.
            "org.opencontainers.image.licenses": "Apache-2.0 AND CDLA-Permissive-2.0 AND LGPL-2.1-or-later",
            "org.opencontainers.image.vendor": "Slipway",
        })
    }
}

/// How a blob is referred to.
fn blob(kind: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": kind, "digest": digest(bytes), "size": bytes.len() })
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}
