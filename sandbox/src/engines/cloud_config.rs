//! The part of cloud-init's user data that the sandbox carries out.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

const HEADER: &str = "#cloud-config";
const DEFAULT_PERMISSIONS: u32 = 0o644;

/// What an instance is to hold at its first boot.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct CloudConfig {
    /// Host keys: `ed25519_private`, `ed25519_public` and so on.
    #[serde(default)]
    pub(crate) ssh_keys: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) ssh_authorized_keys: Vec<String>,
    #[serde(default)]
    pub(crate) disable_root: bool,
    #[serde(default)]
    pub(crate) write_files: Vec<WriteFile>,
    #[serde(default)]
    ssh_pwauth: Value,
    #[serde(flatten)]
    ignored: BTreeMap<String, Value>,
}

/// A file to write.
#[derive(Debug, Deserialize)]
pub(crate) struct WriteFile {
    pub(crate) path: String,
    #[serde(default)]
    content: String,
    #[serde(default)]
    encoding: Option<String>,
    #[serde(default)]
    permissions: Option<String>,
    #[serde(default)]
    pub(crate) append: bool,
}

impl CloudConfig {
    /// Reads user data; other kinds than cloud-config (scripts, MIME) are refused, for nothing would carry them out.
    pub(crate) fn parse(user_data: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(user_data).context("SLW-943: the user data is no text")?;
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        ensure!(
            text.starts_with(HEADER),
            "SLW-944: the sandbox carries out cloud-config user data alone, and this does not start with {HEADER}"
        );
        // The error would quote the text, which may hold a private key.
        let tree: Option<Value> = serde_saphyr::from_str(text).map_err(|_quoting| {
            anyhow::anyhow!("SLW-945: the cloud-config user data is not valid YAML")
        })?;
        let Some(tree) = tree else {
            return Ok(Self::default());
        };
        serde_json::from_value(tree).map_err(|_quoting| {
            anyhow::anyhow!("SLW-946: the cloud-config user data has a key of another type than cloud-init documents")
        })
    }

    /// Keys that the sandbox does not carry out, for a warning.
    pub(crate) fn ignored(&self) -> Vec<&str> {
        let password = (self.ssh_pwauth == Value::Bool(true)).then_some("ssh_pwauth");
        self.ignored
            .keys()
            .map(String::as_str)
            .chain(password)
            .collect()
    }
}

impl WriteFile {
    pub(crate) fn content(&self) -> Result<Vec<u8>> {
        match self.encoding.as_deref() {
            None | Some("" | "text/plain") => Ok(self.content.clone().into_bytes()),
            Some("b64" | "base64") => {
                let packed: String = self.content.split_whitespace().collect();
                STANDARD
                    .decode(packed)
                    .with_context(|| format!("SLW-947: the content of {} is no base64", self.path))
            }
            Some(other) => bail!(
                "SLW-948: the encoding {other:?} of {} is not played here",
                self.path
            ),
        }
    }

    pub(crate) fn permissions(&self) -> Result<u32> {
        self.permissions
            .as_ref()
            .map_or(Ok(DEFAULT_PERMISSIONS), |text| {
                u32::from_str_radix(text, 8).with_context(|| {
                    format!(
                        "SLW-949: {text:?} are no octal permissions for {}",
                        self.path
                    )
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_files_are_read_and_the_rest_is_named() {
        let config = CloudConfig::parse(
            b"#cloud-config\nssh_keys:\n  ed25519_private: |\n    one\n    two\n  ed25519_public: ssh-ed25519 AAAA\n\
              ssh_authorized_keys: [ssh-ed25519 BBBB]\ndisable_root: false\nssh_pwauth: false\n\
              write_files:\n- path: /etc/motd\n  content: aGVsbG8=\n  encoding: b64\n  permissions: '0600'\nruncmd: [reboot]\n",
        )
        .unwrap();
        assert_eq!(config.ssh_keys["ed25519_private"], "one\ntwo\n");
        assert_eq!(config.ssh_authorized_keys, ["ssh-ed25519 BBBB"]);
        assert_eq!(config.write_files[0].content().unwrap(), b"hello");
        assert_eq!(config.write_files[0].permissions().unwrap(), 0o600);
        assert_eq!(config.ignored(), ["runcmd"]);
    }

    #[test]
    fn an_error_quotes_nothing_of_the_user_data() {
        let error = CloudConfig::parse(b"#cloud-config\nssh_keys: 'canary\n").unwrap_err();
        assert!(!format!("{error:#}").contains("canary"), "{error:#}");
        let error = CloudConfig::parse(b"#cloud-config\nssh_keys: canary\n").unwrap_err();
        assert!(!format!("{error:#}").contains("canary"), "{error:#}");
    }

    #[test]
    fn no_user_data_is_fine_and_a_script_is_refused() {
        assert!(CloudConfig::parse(b"").unwrap().ssh_keys.is_empty());
        assert!(CloudConfig::parse(b"#!/bin/sh\n").is_err());
    }
}
