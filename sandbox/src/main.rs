//! `slipway-sandbox`: rehearse the whole platform without an account.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    slipway_sandbox::cli::run(slipway_sandbox::cli::Arguments::parse())
}
