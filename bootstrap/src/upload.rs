//! Files on the host, in folders named after their digest: what is there is complete and never changes.

use crate::command::CommandError;
use crate::connection::Connection;
use crate::failure;
use run_report::Failure;
use std::io;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const LIMIT: Duration = Duration::from_mins(5);
/// A bundle that brings everything has 150 MB.
const UPLOAD: Duration = Duration::from_mins(30);

/// Why the host could not be made ready.
#[derive(Debug)]
pub(crate) enum NotReady {
    Lost(String),
    Stopped,
    Because(Box<Failure>),
}

impl From<CommandError> for NotReady {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Lost(cause) => Self::Lost(cause),
            CommandError::Stopped => Self::Stopped,
            CommandError::TooLong(_) => Self::because(failure::host_not_ready(&error.to_string())),
        }
    }
}

impl NotReady {
    pub(crate) fn because(failure: Failure) -> Self {
        Self::Because(Box::new(failure))
    }
}

/// Where the files are, and whether they had to be brought there.
pub(crate) struct Folder {
    pub(crate) path: String,
    pub(crate) uploaded: bool,
}

/// Makes sure that the folder `name` stands below `~/.slipway`; `archive` is asked for only if it does not.
pub(crate) fn ensure(
    connection: &Connection,
    name: &str,
    archive: impl FnOnce() -> io::Result<Vec<u8>>,
    stop: &CancellationToken,
) -> Result<Folder, NotReady> {
    let find = format!(r#"d="$HOME/.slipway/{name}"; test -d "$d" && printf %s "$d""#);
    let found = connection.run(&find, b"", LIMIT, stop)?;
    if found.status == 0 {
        return Ok(Folder {
            path: String::from_utf8_lossy(&found.stdout).into_owned(),
            uploaded: false,
        });
    }
    let archive = archive().map_err(|error| {
        NotReady::because(failure::internal(&format!(
            "{name} cannot be packed: {error}"
        )))
    })?;
    // Unpacked aside and moved as a whole, so that a cut stream leaves nothing under the name. If another run was
    // faster, the move fails on its folder, which holds the same files.
    let place = format!(
        r#"set -eu; umask 077; d="$HOME/.slipway/{name}"; mkdir -p "$HOME/.slipway"
t=$(mktemp -d "$HOME/.slipway/incoming.XXXXXX"); trap 'rm -rf "$t"' EXIT
tar -xzf - -C "$t"; mv -T "$t" "$d" 2>/dev/null || test -d "$d"; printf %s "$d""#
    );
    let placed = connection.run(&place, &archive, UPLOAD, stop)?;
    if placed.status != 0 {
        let cause = format!(
            "{name} could not be unpacked on the host: {}",
            placed.stderr
        );
        return Err(NotReady::because(failure::host_not_ready(&cause)));
    }
    Ok(Folder {
        path: String::from_utf8_lossy(&placed.stdout).into_owned(),
        uploaded: true,
    })
}
