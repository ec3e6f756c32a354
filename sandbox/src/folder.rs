//! The folder of a sandbox: who holds it, how to reach it, and what to remove from it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nix::mount::{MntFlags, umount2};
use serde::{Deserialize, Serialize};

use crate::processes::{Process, Processes, RegistryError, start_time};

/// Everything in the folder that ends with the sandbox. `logs` stays, for whoever wants to know what happened.
const ENDS_WITH_IT: [&str; 5] = ["sandbox.json", "clusters", "instances", "etcd", "processes"];

/// The folder of a sandbox.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// How to reach a sandbox that runs: the content of `sandbox.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Description {
    /// Process that holds it.
    pub pid: u32,
    /// Address of the account, without `/v2`.
    pub api_url: String,
    /// Key of the account.
    pub api_key: String,
    /// Chart repository, when one is served.
    pub chart_mirror: Option<String>,
    /// When it was ready.
    pub started: Timestamp,
}

/// A folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Reading or writing failed.
    #[error("SLW-900: the sandbox's folder {} cannot be used: {source}; choose another one with --dir", .path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else holds it.
    #[error("SLW-901: a sandbox is already up in {} (process {pid}); end it with `slipway-sandbox down --dir {}`", .path.display(), .path.display())]
    Held {
        /// The folder.
        path: PathBuf,
        /// Its process, 0 when not known yet.
        pid: i32,
    },
    /// Nobody holds it.
    #[error("SLW-902: no sandbox is up in {}; start one with `slipway-sandbox up --dir {}`", .path.display(), .path.display())]
    NotUp {
        /// The folder.
        path: PathBuf,
    },
    /// The list of processes is unusable.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Proof that this process holds the folder. Gone with the process, however it ends.
#[derive(Debug)]
pub struct Hold {
    _lock: File,
}

impl Folder {
    /// The folder at this path, made if it is missing.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let failed = |source| FolderError::Unusable {
            path: path.to_owned(),
            source,
        };
        let is_new = !path.exists();
        fs::create_dir_all(path.join("logs")).map_err(failed)?;
        if is_new {
            // Keys lie below: nobody else may look.
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        }
        Ok(Self {
            path: path.canonicalize().map_err(failed)?,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Logs of the sandbox and its engines.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    fn unusable(&self, source: std::io::Error) -> FolderError {
        FolderError::Unusable {
            path: self.path.clone(),
            source,
        }
    }

    /// Takes the folder for this process.
    pub fn hold(&self) -> Result<Hold, FolderError> {
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.path.join("lock"));
        let mut lock = lock.map_err(|source| self.unusable(source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = self.holder().map_or(0, |holder| holder.pid);
                return Err(FolderError::Held {
                    path: self.path.clone(),
                    pid,
                });
            }
            Err(TryLockError::Error(source)) => return Err(self.unusable(source)),
        }
        let pid = std::process::id().cast_signed();
        let started = start_time(pid).unwrap_or_default();
        let written = lock
            .set_len(0)
            .and_then(|()| write!(lock, "{pid} {started}"));
        written.map_err(|source| self.unusable(source))?;
        Ok(Hold { _lock: lock })
    }

    /// The process that wrote itself down as holder and still runs.
    #[must_use]
    pub fn holder(&self) -> Option<Process> {
        let text = fs::read_to_string(self.path.join("lock")).ok()?;
        let (pid, started) = text.split_once(' ')?;
        let holder = Process {
            pid: pid.parse().ok()?,
            started: started.parse().ok()?,
            name: "slipway-sandbox up".to_owned(),
        };
        (start_time(holder.pid) == Some(holder.started)).then_some(holder)
    }

    /// How to reach the sandbox, when one has been ready here and was not taken down.
    pub fn description(&self) -> Result<Description, FolderError> {
        let text =
            fs::read_to_string(self.path.join("sandbox.json")).map_err(|_| FolderError::NotUp {
                path: self.path.clone(),
            })?;
        serde_json::from_str(&text).map_err(|error| self.unusable(error.into()))
    }

    /// Tells others how to reach the sandbox: whole or not at all.
    pub fn describe(&self, description: &Description) -> Result<(), FolderError> {
        let write = || -> std::io::Result<()> {
            let new = self.path.join("sandbox.json.new");
            let mut file = OpenOptions::new()
                .create(true)
                .write(true)
                .truncate(true)
                .mode(0o600)
                .open(&new)?;
            file.write_all(serde_json::to_string_pretty(description)?.as_bytes())?;
            fs::rename(new, self.path.join("sandbox.json"))
        };
        write().map_err(|source| self.unusable(source))
    }

    /// Ends everything that an earlier sandbox of this folder left running and removes what it kept.
    /// Only for the holder of the folder. Blocks until the last process is gone. Returns what was ended.
    pub fn clear(&self, _hold: &Hold) -> Result<Vec<String>, FolderError> {
        let ended = Processes::open(&self.path, &uuid::Uuid::new_v4().to_string())?.reap()?;
        self.unmount();
        for name in ENDS_WITH_IT {
            let path = self.path.join(name);
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            match removed {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(self.unusable(source));
                }
                _ => {}
            }
        }
        Ok(ended
            .into_iter()
            .map(|process| format!("{} (process {})", process.name, process.pid))
            .collect())
    }

    /// Nothing below the folder may stay mounted: a removal would reach through it.
    fn unmount(&self) {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let below = mounts
            .lines()
            .filter_map(|line| line.split(' ').nth(1))
            .filter(|target| Path::new(target).starts_with(&self.path));
        // The newest mount may lie on an older one.
        for target in below.collect::<Vec<_>>().into_iter().rev() {
            if let Err(error) = umount2(target, MntFlags::MNT_DETACH) {
                tracing::warn!(target, %error, "a mount stays");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_holds_a_folder_and_clearing_keeps_what_is_not_ours() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        fs::write(place.path().join("notes.txt"), "mine").unwrap();
        fs::create_dir_all(place.path().join("clusters/a")).unwrap();
        let hold = folder.hold().unwrap();
        assert!(matches!(folder.hold(), Err(FolderError::Held { .. })));

        folder.clear(&hold).unwrap();

        assert!(place.path().join("notes.txt").exists());
        assert!(!place.path().join("clusters").exists());
        assert!(matches!(
            folder.description(),
            Err(FolderError::NotUp { .. })
        ));
        drop(hold);
        assert!(folder.hold().is_ok());
    }
}
