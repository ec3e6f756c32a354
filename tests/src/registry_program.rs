//! The real registry program, in a folder of its own.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use anyhow::{Result, ensure};
use serde_json::json;
use tempfile::TempDir;

use crate::http::request;
use crate::{build, waiting::until};

/// A registry that takes and gives out images; it ends with the value.
#[derive(Debug)]
pub struct RegistryProgram {
    child: Child,
    address: String,
    _folder: TempDir,
}

impl RegistryProgram {
    /// Starts an empty one and waits until it answers.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let configuration = folder.path().join("registry.json");
        let text = json!({
            "version": 0.1,
            "storage": { "filesystem": { "rootdirectory": folder.path().join("blobs") } },
            "http": { "addr": format!("127.0.0.1:{port}") },
            "log": { "level": "error", "accesslog": { "disabled": true } },
        });
        std::fs::write(&configuration, text.to_string())?;
        let child = Command::new(build::engines()?.join("registry"))
            .arg("serve")
            .arg(configuration)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut program = Self {
            child,
            address: format!("http://127.0.0.1:{port}/"),
            _folder: folder,
        };
        let url = format!("{}v2/", program.address);
        until("the registry answers", || {
            let ended = program.child.try_wait()?;
            ensure!(ended.is_none(), "the registry ended: {ended:?}");
            Ok(request("GET", &url, None, None).is_ok())
        })?;
        Ok(program)
    }

    /// Its address, with a slash at the end.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for RegistryProgram {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
