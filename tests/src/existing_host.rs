//! A host of the sandbox with keys of the test's own: somebody's bastion, and not the provider's short-lived server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use serde_json::json;

use crate::{Sandbox, build, waiting::until};

/// The plan, and the number of its image, which is the provider's own.
const PLAN: &str = "vc2-1c-2gb";
const IMAGE: u32 = 2136;

/// A host that stands.
#[derive(Debug)]
pub struct ExistingHost {
    id: String,
    address: String,
    folder: PathBuf,
}

impl ExistingHost {
    /// A host with Ansible and Helm on its PATH, as the sandbox makes them.
    pub fn raise(sandbox: &Sandbox) -> Result<Self> {
        Self::with_login(sandbox, "existing", "")
    }

    /// A host with Python and without Ansible and Helm.
    pub fn raise_bare(sandbox: &Sandbox) -> Result<Self> {
        let path = format!("{}:/usr/bin:/bin", HostPython::find()?.folder.display());
        let login =
            format!(r#"command="export PATH={path}; exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"" "#);
        Self::with_login(sandbox, "bare", &login)
    }

    fn with_login(sandbox: &Sandbox, label: &str, options: &str) -> Result<Self> {
        let folder = sandbox.folder().join(format!("keys-of-{label}"));
        fs::create_dir_all(&folder)?;
        for name in ["host", "login"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
                .arg(folder.join(name))
                .status()?;
            ensure!(made.success(), "ssh-keygen ended with {made}");
        }
        let read = |name: &str| fs::read_to_string(folder.join(name));
        // JSON is YAML, so this is a cloud-config.
        let config = json!({
            "ssh_keys": { "ed25519_private": read("host")?, "ed25519_public": read("host.pub")? },
            "ssh_authorized_keys": [format!("{options}{}", read("login.pub")?.trim())],
            "disable_root": false,
            "ssh_pwauth": false,
        });
        let user_data = format!("#cloud-config\n{config}\n");
        let wanted = json!({
            "region": "ams", "plan": PLAN, "os_id": IMAGE, "label": label,
            "user_data": base64::engine::general_purpose::STANDARD.encode(user_data),
        });
        let made = sandbox.call("POST", "instances", Some(&wanted))?;
        let id = made["instance"]["id"]
            .as_str()
            .context("an instance without id")?
            .to_owned();
        let mut address = None;
        until("the host is up", || {
            let seen = sandbox.call("GET", &format!("instances/{id}"), None)?;
            address = seen["instance"]["main_ip"].as_str().map(str::to_owned);
            Ok(seen["instance"]["server_status"] == "ok")
        })?;
        Ok(Self {
            id,
            address: address.context("a host without address")?,
            folder,
        })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its public host key.
    pub fn host_key(&self) -> Result<String> {
        Ok(fs::read_to_string(self.folder.join("host.pub"))?
            .trim()
            .to_owned())
    }

    /// The file of root's private key.
    #[must_use]
    pub fn login_key(&self) -> PathBuf {
        self.folder.join("login")
    }

    /// The `bootstrap` attribute that names it; `more` are further lines of it.
    pub fn attribute(&self, more: &str) -> Result<String> {
        Ok(format!(
            "  bootstrap = {{\n    connection = \"ssh\"\n    address    = \"{}\"\n    user       = \"root\"\n    host_key   = \"{}\"\n{more}  }}\n",
            self.address,
            self.host_key()?
        ))
    }

    /// A folder for what a test lays beside its keys.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Deletes it, as its owner would.
    pub fn remove(&self, sandbox: &Sandbox) -> Result<()> {
        sandbox
            .call("DELETE", &format!("instances/{}", self.id), None)
            .map(drop)
    }
}

/// The Python that the engines' Ansible was made with: a bare host has it, and none of its packages.
#[derive(Debug)]
pub struct HostPython {
    /// The folder of its programs.
    pub folder: PathBuf,
    /// Its minor version, as `3.11`.
    pub version: String,
}

impl HostPython {
    /// Reads what the engines' environment says of its origin.
    pub fn find() -> Result<Self> {
        let text = fs::read_to_string(build::engines()?.join("venv/pyvenv.cfg"))?;
        let setting = |name: &str| {
            text.lines()
                .filter_map(|line| line.split_once(" = "))
                .find_map(|(found, value)| (found == name).then(|| value.to_owned()))
                .with_context(|| format!("no {name} in {text}"))
        };
        let version = setting("version")?;
        let minor: Vec<&str> = version.split('.').take(2).collect();
        Ok(Self {
            folder: PathBuf::from(setting("home")?),
            version: minor.join("."),
        })
    }
}
