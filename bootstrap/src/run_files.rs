//! The event files of runs on this machine: what `follow` reads while a run goes on and `report` packs afterwards.
//!
//! A file holds masked events and nothing else, and only its owner can read it. The run that writes it holds its lock,
//! so that anybody can tell a run that goes on from one that was killed: the kernel lets go of the lock for it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use uuid::Uuid;

const ENDING: &str = "jsonl";
/// How many runs are kept.
const KEPT: usize = 20;

/// The folder of event files.
#[derive(Clone, Debug)]
pub(crate) struct RunFiles {
    folder: PathBuf,
}

impl RunFiles {
    /// `$XDG_STATE_HOME/slipway/runs`; nothing for a user without a home.
    pub(crate) fn of_user() -> Option<Self> {
        let state = std::env::var_os("XDG_STATE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        let state = state.or_else(|| {
            let home = PathBuf::from(std::env::var_os("HOME")?);
            home.is_absolute().then(|| home.join(".local/state"))
        })?;
        Some(Self {
            folder: state.join("slipway/runs"),
        })
    }

    /// A new file for a run, locked; the oldest ones of runs that have ended make room.
    pub(crate) fn create(&self, run: Uuid) -> io::Result<(PathBuf, File)> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        for (path, _) in self.listed()?.into_iter().skip(KEPT - 1) {
            if !is_going_on(&path) {
                std::fs::remove_file(path)?;
            }
        }
        let path = self.path(run);
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::other("another process writes it"),
            TryLockError::Error(error) => error,
        })?;
        // The same request once more: the earlier run of this name has ended.
        file.set_len(0)?;
        Ok((path, file))
    }

    /// The file of a run, by its id or the beginning of it; without either the newest one.
    pub(crate) fn find(&self, run: Option<&str>) -> Option<PathBuf> {
        let named = |path: &Path| {
            let stem = path.file_stem()?.to_str()?;
            Some(run.is_none_or(|run| !run.is_empty() && stem.starts_with(run)))
        };
        let files = self.listed().unwrap_or_default().into_iter();
        files
            .map(|(path, _)| path)
            .find(|path| named(path).unwrap_or_default())
    }

    fn path(&self, run: Uuid) -> PathBuf {
        self.folder.join(run.to_string()).with_extension(ENDING)
    }

    /// The newest first.
    fn listed(&self) -> io::Result<Vec<(PathBuf, SystemTime)>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == ENDING) {
                files.push((path.clone(), path.metadata()?.modified()?));
            }
        }
        files.sort_by_key(|(_, changed)| std::cmp::Reverse(*changed));
        Ok(files)
    }
}

/// Whether the run that writes this file is alive.
pub(crate) fn is_going_on(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn files() -> (tempfile::TempDir, RunFiles) {
        let folder = tempfile::tempdir().unwrap();
        let files = RunFiles {
            folder: folder.path().join("runs"),
        };
        (folder, files)
    }

    #[test]
    fn a_run_goes_on_as_long_as_its_file_is_held() {
        let (_folder, files) = files();
        let (path, held) = files.create(Uuid::from_u128(7)).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(is_going_on(&path));
        assert!(files.create(Uuid::from_u128(7)).is_err(), "one writer");
        drop(held);
        assert!(!is_going_on(&path));
        assert!(
            files.create(Uuid::from_u128(7)).is_ok(),
            "the same request again"
        );
    }

    #[test]
    fn a_run_is_found_by_the_beginning_of_its_id_and_old_ones_make_room() {
        let (_folder, files) = files();
        let alive = files.create(Uuid::from_u128(0)).unwrap();
        for run in 1..=30u128 {
            let (_, file) = files.create(Uuid::from_u128(run << 96)).unwrap();
            file.set_modified(
                SystemTime::UNIX_EPOCH
                    + std::time::Duration::from_secs(u64::try_from(run).unwrap()),
            )
            .unwrap();
        }
        alive.1.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(files.listed().unwrap().len() <= KEPT + 1);
        assert!(alive.0.exists(), "a run that goes on keeps its file");
        let newest = files.find(None).unwrap();
        assert_eq!(newest, files.path(Uuid::from_u128(30 << 96)));
        assert_eq!(files.find(Some("0000001e")), Some(newest));
        assert_eq!(files.find(Some("ffff")), None);
    }
}
