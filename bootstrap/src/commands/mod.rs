//! What the program can be asked to do, one file a sub-command.

pub(crate) mod bundle;
pub(crate) mod components;
pub(crate) mod doctor;
pub(crate) mod follow;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod status;

use crate::bundle::{Bundle, BundleError};
use crate::failure::{describe, plain};
use anyhow::Context as _;
use run_report::{Catalog, Failure, Request};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Exit code of a command whose own question was bad: a missing file, an unknown name.
pub(crate) const REFUSED: u8 = 2;

/// The one place that writes an error for a person; events tell it to programs.
pub(crate) fn complain(failure: &Failure) {
    let _ = writeln!(std::io::stderr(), "error: {}", describe(failure));
}

/// Refuses a command for a reason of its own.
pub(crate) fn refuse(code: &str, cause: impl Into<String>, advice: &str) -> ExitCode {
    complain(&plain(code, cause, advice));
    ExitCode::from(REFUSED)
}

/// Says what was asked for. A reader that has gone away wants no more.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// The playbooks that the user named, or those in the binary.
pub(crate) fn open_bundle(path: Option<&Path>) -> Result<Bundle, ExitCode> {
    let opened = path.map_or_else(Bundle::embedded, Bundle::open);
    opened.map_err(|error: BundleError| {
        complain(&bad_request(&error.into()));
        ExitCode::from(REFUSED)
    })
}

/// Reads a request from a file, or from stdin for `-`.
pub(crate) fn read_request(path: &Path, catalog: &Catalog) -> anyhow::Result<Request> {
    let mut text = Zeroizing::new(Vec::new());
    if path == Path::new("-") {
        std::io::stdin()
            .read_to_end(&mut text)
            .context("SLW-301: the request cannot be read from stdin")?;
    } else {
        let file = std::fs::File::open(path);
        file.and_then(|mut file| file.read_to_end(&mut text))
            .with_context(|| format!("SLW-301: the request {} cannot be read", path.display()))?;
    }
    Ok(Request::read(&text, catalog)?)
}

/// The failure of a request that is refused; its first words are its code.
pub(crate) fn bad_request(error: &anyhow::Error) -> Failure {
    let text = format!("{error:#}");
    let (code, cause) = text.split_once(": ").unwrap_or(("SLW-301", &text));
    plain(
        code,
        cause,
        "Nothing was done. Mend the request and run again.",
    )
}
