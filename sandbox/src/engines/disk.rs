//! What a host finds at its first boot: its keys, its accounts, its programs and the files of its user data.

use std::fs;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::certificates::write_private;
use super::cloud_config::{CloudConfig, WriteFile};
use super::tools::{Tools, system_program};
use crate::processes::MARK_VARIABLE;
use crate::world::InstanceSpec;

const INIT: &str = include_str!("../../instance/init.sh");
/// Where every host listens.
pub(crate) const PORT: u16 = 22;
/// Folders of the machine that a host may change for itself alone.
const PRIVATE: [&str; 6] = ["/etc", "/home", "/opt", "/srv", "/usr/local", "/var"];
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The kinds of host key that cloud-init can be handed, in sshd's order of preference.
const HOST_KEY_KINDS: [&str; 3] = ["ed25519", "ecdsa", "rsa"];

/// The folder of one host.
#[derive(Debug)]
pub(crate) struct Disk {
    id: String,
    hostname: String,
    address: Ipv4Addr,
    folder: PathBuf,
    private: Vec<&'static str>,
    own_tmp: bool,
}

impl Disk {
    /// Writes a fresh disk; what an earlier attempt left of it is removed.
    pub(crate) fn write(
        spec: &InstanceSpec,
        root: &Path,
        tools: &Tools,
        mark: &str,
    ) -> Result<Self> {
        let disk = Self {
            id: spec.id.clone(),
            hostname: spec.hostname.clone(),
            address: spec.address,
            folder: root.join("instances").join(&spec.id),
            // A folder that holds the sandbox itself or its programs cannot be covered.
            private: PRIVATE
                .into_iter()
                .filter(|folder| !root.starts_with(folder) && !tools.lie_below(Path::new(folder)))
                .collect(),
            own_tmp: !tools.lie_below(Path::new("/tmp")),
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
        if disk.folder.exists() {
            disk.remove()?;
        }
        fs::create_dir_all(disk.home())?;
        fs::set_permissions(&disk.folder, fs::Permissions::from_mode(0o700))?;
        let host_keys = disk.write_host_keys(&config)?;
        disk.write_authorized_keys(&config, &spec.ssh_keys)?;
        for file in &config.write_files {
            disk.write_file(file)?;
        }
        let path = disk.search_path(tools)?;
        disk.write_sshd_config(&host_keys, &path, mark)?;
        disk.write_accounts()?;
        fs::write(disk.init(), INIT)?;
        Ok(disk)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn hostname(&self) -> &str {
        &self.hostname
    }

    /// The script that is the host's first process.
    pub(crate) fn init(&self) -> PathBuf {
        self.folder.join("init.sh")
    }

    /// Folders of the machine that the host may change for itself alone.
    pub(crate) fn private(&self) -> &[&'static str] {
        &self.private
    }

    /// Whether the host can have a `/tmp` of its own.
    pub(crate) fn has_own_tmp(&self) -> bool {
        self.own_tmp
    }

    /// Removes the disk for good.
    pub(crate) fn remove(&self) -> Result<()> {
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
        let keys = keys.filter(|_| !config.disable_root).map(|key| key.trim());
        let text = lines(keys);
        write_private(&self.folder.join("authorized_keys"), text.as_bytes())
    }

    fn write_file(&self, file: &WriteFile) -> Result<()> {
        let path = Path::new(&file.path);
        let own = self
            .private
            .iter()
            .chain(&["/root"])
            .any(|folder| path.starts_with(folder));
        let climbs = path
            .components()
            .any(|part| part == std::path::Component::ParentDir);
        if climbs || !own {
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
        let others = others.lines().filter(|line| !line.starts_with("root:"));
        let text = lines(std::iter::once(root.as_str()).chain(others));
        fs::write(self.folder.join("passwd"), text)?;
        Ok(())
    }

    fn write_sshd_config(&self, host_keys: &[PathBuf], path: &str, mark: &str) -> Result<()> {
        let host_keys: Vec<String> = host_keys
            .iter()
            .map(|key| format!("HostKey {}", key.display()))
            .collect();
        let host_keys = lines(host_keys.iter().map(String::as_str));
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

/// Each line with its end.
fn lines<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.flat_map(|line| [line, "\n"]).collect()
}
