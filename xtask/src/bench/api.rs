//! The platform API under load: reads, lists, changes, memory and sweeps, beside the plain alternative.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{command, ground};

/// Measures with so many environments; the program is built in the release profile first. The figures are printed by
/// the measurement itself, which lies beside the program that it measures.
pub(crate) fn measure(engines: &Path, environments: usize) -> Result<()> {
    command::run(
        Command::new(ground::cargo().get_program())
            .current_dir(ground::root())
            .args(["bench", "--package", "platform-api", "--bench", "load"])
            .env("SLIPWAY_TOOLS", engines)
            .env("SLIPWAY_BENCH_ENVIRONMENTS", environments.to_string()),
    )
}
