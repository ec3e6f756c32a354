//! A host of the sandbox: a real `sshd` on an address of its own, in process and mount spaces of its own, so that a
//! cut of power ends everything that was ever started on it.

use std::fs;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::certificates::write_private;
use super::cloud_config::{CloudConfig, WriteFile};
use super::namespace::Namespace;
use super::program::{Program, Running};
use super::tools::{Tools, system_program};
use super::waiting::Wait;
use crate::processes::{MARK_VARIABLE, Processes};
use crate::world::InstanceSpec;

const INIT: &str = include_str!("../../instance/init.sh");
const PORT: u16 = 22;
const BOOT_DEADLINE: Duration = Duration::from_secs(60);
/// Folders of the machine that an instance may change for itself alone.
const PRIVATE: [&str; 6] = ["/etc", "/home", "/opt", "/srv", "/usr/local", "/var"];
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The kinds of host key that cloud-init can be handed, in sshd's order of preference.
const HOST_KEY_KINDS: [&str; 3] = ["ed25519", "ecdsa", "rsa"];

/// A host, running or halted.
pub(crate) struct Instance {
    id: String,
    hostname: String,
    address: Ipv4Addr,
    folder: PathBuf,
    logs: PathBuf,
    sshd_allowed: bool,
    running: Option<Running>,
}

impl Instance {
    /// Writes the disk that the first boot finds. Starts nothing.
    pub(crate) fn create(
        spec: &InstanceSpec,
        root: &Path,
        tools: &Tools,
        processes: &Processes,
    ) -> Result<Self> {
        let folder = root.join("instances").join(&spec.id);
        let instance = Self {
            id: spec.id.clone(),
            hostname: spec.hostname.clone(),
            address: spec.address,
            folder,
            logs: root.join("logs"),
            sshd_allowed: true,
            running: None,
        };
        let config = CloudConfig::parse(&spec.user_data)?;
        let ignored = config.ignored();
        if !ignored.is_empty() {
            tracing::warn!(
                instance = spec.id,
                keys = ignored.join(", "),
                "stand-in: cloud-init keys not carried out"
            );
        }
        fs::create_dir_all(instance.home())?;
        fs::set_permissions(&instance.folder, fs::Permissions::from_mode(0o700))?;
        let host_keys = instance.write_host_keys(&config)?;
        instance.write_authorized_keys(&config, &spec.ssh_keys)?;
        for file in &config.write_files {
            instance.write_file(file, root)?;
        }
        let path = instance.search_path(tools)?;
        instance.write_sshd_config(&host_keys, &path, processes.mark())?;
        instance.write_accounts()?;
        fs::write(instance.folder.join("init.sh"), INIT)?;
        Ok(instance)
    }

    /// Powers the host on and returns when its `sshd` greets.
    pub(crate) async fn boot(&mut self, processes: &Processes, root: &Path) -> Result<()> {
        if self.running.is_some() || !self.sshd_allowed {
            return Ok(());
        }
        system_program("sshd", "openssh-server")?;
        let unshare = system_program("unshare", "util-linux")?;
        let program = Program::new(format!("{}-sshd", self.id), &unshare, &self.folder)
            .arguments([
                "--mount",
                "--pid",
                "--uts",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ])
            .argument("/bin/sh")
            .argument(self.folder.join("init.sh"))
            .argument(&self.folder)
            .argument(&self.hostname)
            // A folder that holds the sandbox itself cannot be covered.
            .arguments(
                PRIVATE
                    .into_iter()
                    .filter(|private| !root.starts_with(private)),
            );
        let mut running = program.start(processes, &self.logs)?;
        let wait = Wait::until("the host's sshd greets", BOOT_DEADLINE);
        while !greets(self.address).await {
            running
                .ensure_alive()
                .context("SLW-950: a host needs root, its own name spaces and a free port 22 on its loopback address")?;
            wait.pause().await?;
        }
        self.running = Some(running);
        Ok(())
    }

    /// Cuts the power and returns when no process of the host is left.
    pub(crate) async fn halt(&mut self) -> Result<()> {
        let Some(running) = self.running.take() else {
            return Ok(());
        };
        let namespace = Namespace::of_children(running.pid())?;
        running.stop(Duration::ZERO).await?;
        let wait = Wait::until("no process of the host is left", BOOT_DEADLINE);
        while !namespace.pids().is_empty() {
            wait.pause().await?;
        }
        Ok(())
    }

    /// Lets `sshd` run or not; a host whose `sshd` stays down is as good as halted, nothing else reaches it.
    pub(crate) async fn allow_sshd(&mut self, allowed: bool) -> Result<()> {
        self.sshd_allowed = allowed;
        if allowed { Ok(()) } else { self.halt().await }
    }

    /// Cuts every open connection; what runs detached on the host goes on.
    pub(crate) fn drop_connections(&self) -> Result<()> {
        let Some(running) = &self.running else {
            return Ok(());
        };
        for pid in Namespace::of_children(running.pid())?.sessions_of("sshd") {
            let _raced_with_its_end = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        Ok(())
    }

    /// Ends the host and its disk.
    pub(crate) async fn destroy(mut self) -> Result<()> {
        self.halt().await?;
        fs::remove_dir_all(&self.folder)
            .with_context(|| format!("the disk {} cannot be removed", self.folder.display()))
    }

    fn home(&self) -> PathBuf {
        self.folder.join("disk/root")
    }

    /// Programs of the host: Ansible's Python first, then Helm, then the machine's own.
    fn search_path(&self, tools: &Tools) -> Result<String> {
        let programs = self.folder.join("programs");
        fs::create_dir_all(&programs)?;
        std::os::unix::fs::symlink(tools.program("helm")?, programs.join("helm"))?;
        let python = tools.python_programs()?;
        Ok(format!(
            "{}:{}:{SYSTEM_PATH}",
            python.display(),
            programs.display()
        ))
    }

    fn write_host_keys(&self, config: &CloudConfig) -> Result<Vec<PathBuf>> {
        let folder = self.folder.join("host-keys");
        fs::create_dir_all(&folder)?;
        let mut keys = Vec::new();
        for kind in HOST_KEY_KINDS {
            if let Some(private) = config.ssh_keys.get(&format!("{kind}_private")) {
                let path = folder.join(format!("ssh_host_{kind}_key"));
                write_private(&path, private.as_bytes())?;
                keys.push(path);
            }
        }
        if keys.is_empty() {
            let path = folder.join("ssh_host_ed25519_key");
            let made = std::process::Command::new(system_program("ssh-keygen", "openssh-client")?)
                .args(["-q", "-t", "ed25519", "-N", "", "-C", &self.hostname, "-f"])
                .arg(&path)
                .status()?;
            ensure!(
                made.success(),
                "SLW-951: ssh-keygen made no host key ({made})"
            );
            keys.push(path);
        }
        Ok(keys)
    }

    /// Root's keys, unless the user data locks root out as cloud-init would.
    fn write_authorized_keys(&self, config: &CloudConfig, account_keys: &[String]) -> Result<()> {
        let keys = config.ssh_authorized_keys.iter().chain(account_keys);
        let text: String = keys
            .filter(|_| !config.disable_root)
            .map(|key| format!("{}\n", key.trim()))
            .collect();
        write_private(&self.folder.join("authorized_keys"), text.as_bytes())
    }

    fn write_file(&self, file: &WriteFile, root: &Path) -> Result<()> {
        let path = Path::new(&file.path);
        let private = PRIVATE
            .into_iter()
            .any(|folder| path.starts_with(folder) && !root.starts_with(folder));
        let climbs = path
            .components()
            .any(|part| part == std::path::Component::ParentDir);
        if climbs || !(private || path.starts_with("/root")) {
            tracing::warn!(
                instance = self.id,
                path = file.path,
                "stand-in: the file lies outside the host's own folders"
            );
            return Ok(());
        }
        let target = self.folder.join("disk").join(path.strip_prefix("/")?);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut options = fs::OpenOptions::new();
        options
            .create(true)
            .write(true)
            .append(file.append)
            .truncate(!file.append);
        options.open(&target)?.write_all(&file.content()?)?;
        fs::set_permissions(&target, fs::Permissions::from_mode(file.permissions()?))?;
        Ok(())
    }

    /// The machine's accounts, with root's home on the host's own disk.
    fn write_accounts(&self) -> Result<()> {
        let others = fs::read_to_string("/etc/passwd").context("no list of accounts")?;
        let root = format!("root:x:0:0:root:{}:/bin/bash", self.home().display());
        let lines = others.lines().filter(|line| !line.starts_with("root:"));
        let text: String = std::iter::once(root.as_str())
            .chain(lines)
            .map(|line| format!("{line}\n"))
            .collect();
        fs::write(self.folder.join("passwd"), text)?;
        Ok(())
    }

    fn write_sshd_config(&self, host_keys: &[PathBuf], path: &str, mark: &str) -> Result<()> {
        let host_keys: String = host_keys
            .iter()
            .map(|key| format!("HostKey {}\n", key.display()))
            .collect();
        let keys = self.folder.join("authorized_keys");
        let text = format!(
            "ListenAddress {}:{PORT}
{host_keys}AuthorizedKeysFile {}
PermitRootLogin prohibit-password
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
StrictModes no
PermitUserEnvironment no
PrintMotd no
PidFile none
MaxStartups 100
MaxSessions 100
SetEnv \"PATH={path}\" LANG=C.UTF-8 {MARK_VARIABLE}={mark}
Subsystem sftp internal-sftp
",
            self.address,
            keys.display(),
        );
        fs::write(self.folder.join("sshd_config"), text)?;
        Ok(())
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
