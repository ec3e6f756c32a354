//! What the program can be asked to do, one file a sub-command.

pub(crate) mod follow;
pub(crate) mod run;
pub(crate) mod status;

use crate::failure::{describe, plain};
use run_report::Failure;
use std::io::Write as _;
use std::process::ExitCode;

/// Exit code of a command whose own question was bad: a missing file, an unknown name.
const REFUSED: u8 = 2;

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
