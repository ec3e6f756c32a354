//! A host of the sandbox: a real `sshd` on an address of its own, in process and mount spaces of its own, so that a
//! cut of power ends everything that was ever started on it.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::disk::{Disk, PORT};
use super::namespace::Namespace;
use super::program::{Program, Running};
use super::tools::{Tools, system_program};
use super::waiting::Wait;
use crate::processes::Processes;
use crate::world::InstanceSpec;

const BOOT_DEADLINE: Duration = Duration::from_mins(1);

/// A host, running or halted.
pub(crate) struct Instance {
    id: String,
    address: Ipv4Addr,
    root: PathBuf,
    processes: Processes,
    disk: Disk,
    power: Option<Power>,
}

/// A host that runs.
struct Power {
    running: Running,
    namespace: Namespace,
}

impl Instance {
    /// Writes the disk that the first boot finds. Starts nothing.
    pub(crate) fn create(
        spec: &InstanceSpec,
        root: &Path,
        tools: &Tools,
        processes: &Processes,
    ) -> Result<Self> {
        Ok(Self {
            id: spec.id.clone(),
            address: spec.address,
            root: root.to_path_buf(),
            processes: processes.clone(),
            disk: Disk::write(spec, root, tools, processes.mark())?,
            power: None,
        })
    }

    /// Powers the host on and returns when its `sshd` greets.
    pub(crate) async fn boot(&mut self) -> Result<()> {
        if let Some(power) = &mut self.power {
            if power.running.ensure_alive().is_ok() {
                return Ok(());
            }
            self.halt().await?;
        }
        let mut running = self
            .program()?
            .start(&self.processes, &self.root.join("logs"))?;
        let wait = Wait::until("the host's sshd greets", BOOT_DEADLINE);
        while !greets(self.address).await {
            running
                .ensure_alive()
                .context("SLW-950: a host needs root, its own name spaces and a free port 22 on its loopback address")?;
            wait.pause().await?;
        }
        let namespace = Namespace::of_children(running.pid())?;
        self.power = Some(Power { running, namespace });
        Ok(())
    }

    fn program(&self) -> Result<Program> {
        system_program("sshd", "openssh-server")?;
        let unshare = system_program("unshare", "util-linux")?;
        Ok(
            Program::new(format!("{}-sshd", self.id), &unshare, self.disk.folder())
                .arguments([
                    "--mount",
                    "--pid",
                    "--uts",
                    "--fork",
                    "--kill-child",
                    "--mount-proc",
                ])
                .argument("/bin/sh")
                .argument(self.disk.init())
                .argument(self.disk.folder())
                .argument(self.disk.hostname())
                .argument(if self.disk.has_own_tmp() {
                    self.root.as_os_str()
                } else {
                    "".as_ref()
                })
                .arguments(self.disk.private()),
        )
    }

    /// Cuts the power and returns when no process of the host is left.
    pub(crate) async fn halt(&mut self) -> Result<()> {
        let Some(Power { running, namespace }) = self.power.take() else {
            return Ok(());
        };
        running.stop(Duration::ZERO).await?;
        let wait = Wait::until("no process of the host is left", BOOT_DEADLINE);
        while !namespace.pids().is_empty() {
            wait.pause().await?;
        }
        Ok(())
    }

    /// Cuts every open connection; what runs detached on the host goes on.
    pub(crate) fn drop_connections(&self) {
        let sessions = self
            .power
            .iter()
            .flat_map(|power| power.namespace.sessions_of("sshd"));
        for pid in sessions {
            let _raced_with_its_end = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }

    /// Ends the host and its disk.
    pub(crate) async fn destroy(mut self) -> Result<()> {
        self.halt().await?;
        self.disk.remove()
    }
}

/// Whether an SSH server answers.
async fn greets(address: Ipv4Addr) -> bool {
    let Ok(mut connection) = TcpStream::connect((address, PORT)).await else {
        return false;
    };
    let mut greeting = [0; 4];
    connection.read_exact(&mut greeting).await.is_ok() && &greeting == b"SSH-"
}
