//! A bootstrap host: a real sshd on a port of its own, with keys, a home and a PATH of its own.

use run_report::canonical::sha256_hex;
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, LineEnding, PrivateKey};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The folder of pinned programs that `cargo xtask tools` builds.
pub(crate) fn tools() -> PathBuf {
    let folder = std::env::var_os("SLIPWAY_TOOLS").map(PathBuf::from);
    let folder = folder.expect("SLIPWAY_TOOLS is not set: run the tests through `make test`, or export it from `cargo xtask tools`");
    assert!(
        folder.join("venv/bin/ansible-playbook").exists(),
        "{} has no Ansible",
        folder.display()
    );
    folder
}

pub(crate) struct Host {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
    identity: PrivateKey,
    pub(crate) login_key: PrivateKey,
    sshd: Option<Child>,
}

impl Host {
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("slipway-host")
            .tempdir()
            .unwrap();
        let [identity, login_key] =
            [(); 2].map(|()| PrivateKey::random(&mut OsRng, Algorithm::Ed25519).unwrap());
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut host = Self {
            folder,
            port,
            identity,
            login_key,
            sshd: None,
        };
        host.lay_out();
        host.boot();
        host
    }

    fn lay_out(&self) {
        std::fs::create_dir_all(self.home()).unwrap();
        private(
            &self.path("host_key"),
            &self.identity.to_openssh(LineEnding::LF).unwrap(),
        );
        private(
            &self.path("authorized_keys"),
            &self.login_key.public_key().to_openssh().unwrap(),
        );
        // What a login would set up: the host's own home and programs, whoever runs the tests.
        let tools = tools();
        let login = format!(
            "#!/bin/sh\nexport HOME='{}' PATH='{}:{}:/usr/bin:/bin'\nexec sh -c \"$SSH_ORIGINAL_COMMAND\"\n",
            self.home().display(),
            tools.join("venv/bin").display(),
            tools.display(),
        );
        private(&self.path("login"), &login);
        std::fs::set_permissions(self.path("login"), std::fs::Permissions::from_mode(0o700))
            .unwrap();
        let path = |name: &str| self.path(name).display().to_string();
        let config = format!(
            "Port {}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nForceCommand {}\nPidFile none\n\
             UsePAM no\nPasswordAuthentication no\nStrictModes no\nPermitRootLogin yes\n",
            self.port,
            path("host_key"),
            path("authorized_keys"),
            path("login"),
        );
        private(&self.path("sshd_config"), &config);
    }

    /// Starts sshd, for the first time or again.
    pub(crate) fn boot(&mut self) {
        let _ = std::fs::create_dir_all("/run/sshd");
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(self.path("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("/usr/sbin/sshd is needed: the package openssh-server");
        self.sshd = Some(child);
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < end, "sshd does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends sshd and every connection, as if the network were gone; what runs on the host goes on.
    pub(crate) fn cut(&mut self) {
        self.drop_connections();
        if let Some(mut sshd) = self.sshd.take() {
            let _ = sshd.kill();
            let _ = sshd.wait();
        }
    }

    /// Everything that runs and everything in memory is gone; the disk stays.
    pub(crate) fn restart(&mut self) {
        self.cut();
        for pid in self.jobs() {
            kill(pid);
        }
        for left in self.secrets() {
            let _ = std::fs::remove_dir_all(left);
        }
        self.boot();
    }

    /// Ends the connections and leaves sshd listening.
    pub(crate) fn drop_connections(&self) {
        let Some(listener) = self.sshd.as_ref().map(Child::id) else {
            return;
        };
        for pid in children_of(listener) {
            for child in children_of(pid) {
                if name_of(child).starts_with("sshd") {
                    kill(child);
                }
            }
            kill(pid);
        }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn public_key(&self) -> String {
        self.identity.public_key().to_openssh().unwrap()
    }

    /// Processes that belong to components of this host.
    pub(crate) fn jobs(&self) -> Vec<u32> {
        let mark = format!("SLIPWAY_JOB={}/.slipway/jobs/", self.home().display());
        pids()
            .filter(|pid| {
                let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environ
                    .split(|byte| *byte == 0)
                    .any(|entry| entry.starts_with(mark.as_bytes()))
            })
            .collect()
    }

    /// Whether all jobs have ended; the last process needs a moment to leave after it has told the end.
    pub(crate) async fn is_idle(&self) -> bool {
        for _ in 0..100 {
            if self.jobs().is_empty() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// What is left in memory of this user's jobs. Other tests' jobs have other names.
    pub(crate) fn secrets(&self) -> Vec<PathBuf> {
        let jobs = std::fs::read_dir(self.home().join(".slipway/jobs"));
        let name = |job: PathBuf| sha256_hex(job.display().to_string().as_bytes())[..16].to_owned();
        let names: Vec<String> = jobs
            .into_iter()
            .flatten()
            .flatten()
            .map(|job| name(job.path()))
            .collect();
        let memory = std::fs::read_dir("/dev/shm")
            .unwrap()
            .flatten()
            .map(|entry| entry.path());
        let ours = |path: &PathBuf| {
            names
                .iter()
                .any(|name| path.display().to_string().contains(name))
        };
        memory.filter(ours).collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.cut();
        for pid in self.jobs() {
            kill(pid);
        }
        for left in self.secrets() {
            let _ = std::fs::remove_dir_all(left);
        }
    }
}

fn private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

pub(crate) fn pids() -> impl Iterator<Item = u32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
}

fn children_of(parent: u32) -> Vec<u32> {
    pids()
        .filter(|pid| stat(*pid).is_some_and(|(_, found)| found == parent))
        .collect()
}

fn name_of(pid: u32) -> String {
    stat(pid).map(|(name, _)| name).unwrap_or_default()
}

/// Name and parent of a process.
fn stat(pid: u32) -> Option<(String, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, tail) = text.rsplit_once(") ")?;
    let parent = tail.split(' ').nth(1)?.parse().ok()?;
    Some((head.split_once('(')?.1.to_owned(), parent))
}

pub(crate) fn kill(pid: u32) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
}
