//! The unix socket: its place, its owner, and its end.

use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::unistd::Group;
use tempfile::TempPath;
use tokio::net::UnixListener;

/// Where the socket belongs, as far as core says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// The directory; otherwise the one for temporary files.
    pub(crate) directory: Option<PathBuf>,
    /// The group that may connect, too, by name or number; otherwise the owner alone.
    pub(crate) group: Option<String>,
}

/// The file of a socket that is listened on. It goes away with this value.
pub(crate) struct Socket(TempPath);

impl Socket {
    /// Listens on a new socket of a name of its own.
    pub(crate) fn bind(place: &Place) -> io::Result<(Self, UnixListener)> {
        let directory = place.directory.clone().unwrap_or_else(std::env::temp_dir);
        let bound = tempfile::Builder::new()
            .prefix("plugin")
            .make_in(directory, |path| UnixListener::bind(path))?;
        let (listener, path) = bound.into_parts();
        let mode = match &place.group {
            Some(group) => {
                chown(&path, None, Some(group_id(group)?))?;
                0o660
            }
            None => 0o600,
        };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
        Ok((Self(path), listener))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

fn group_id(group: &str) -> io::Result<u32> {
    if let Ok(id) = group.parse() {
        return Ok(id);
    }
    let found = Group::from_name(group)?;
    let unknown = || {
        io::Error::new(
            io::ErrorKind::NotFound,
            format!("there is no group {group:?}"),
        )
    };
    found.map(|group| group.gid.as_raw()).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn w02_only_the_owner_connects_and_the_file_goes_away() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place {
            directory: Some(directory.path().to_owned()),
            group: None,
        };
        let (socket, _listener) = Socket::bind(&place).unwrap();
        let path = socket.path().to_owned();
        assert!(path.starts_with(directory.path()));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn w02_a_group_may_be_let_in() {
        let directory = tempfile::tempdir().unwrap();
        let place = |group: String| Place {
            directory: Some(directory.path().to_owned()),
            group: Some(group),
        };
        let own = nix::unistd::getegid().to_string();
        let (socket, _listener) = Socket::bind(&place(own)).unwrap();
        let mode = std::fs::metadata(socket.path())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o660);
        assert!(Socket::bind(&place("no such group".to_owned())).is_err());
    }
}
