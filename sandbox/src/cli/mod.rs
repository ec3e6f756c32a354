//! The command line.

mod arguments;
mod ask;
mod down;
mod table;
mod up;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

pub use arguments::Arguments;
use arguments::Command;

/// Does what was asked. Results go to stdout, progress and errors to stderr.
#[must_use]
pub fn run(arguments: Arguments) -> ExitCode {
    log_to_stderr();
    match carry_out(arguments) {
        Ok(code) => code,
        Err(error) => {
            let _nobody_reads = writeln!(std::io::stderr(), "slipway-sandbox: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("SLIPWAY_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,slipway_sandbox=info,kube_client=off"));
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(false);
    // A second call in one process (tests) keeps the first one's.
    let _already_set = subscriber.try_init();
}

fn carry_out(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let dir = arguments.dir()?;
    let json = arguments.json;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime does not start")?;
    runtime.block_on(async {
        match arguments.command {
            Command::Up(wish) if wish.detach => up::detach(&dir, json),
            Command::Up(wish) => up::up(&dir, wish, json).await,
            Command::Down => down::down(&dir, json).await,
            Command::Snapshot { out } => ask::snapshot(&dir, out.as_deref(), json).await,
            Command::Diff {
                before,
                after,
                exit_code,
            } => ask::difference(&dir, &before, after.as_deref(), exit_code, json).await,
            Command::Faults { action } => ask::faults(&dir, action, json).await,
            Command::Clock(order) => ask::clock(&dir, &order, json).await,
            Command::Journal { since, writes } => ask::journal(&dir, since, writes, json).await,
            Command::Bill => ask::bill(&dir, json).await,
        }
    })
}

/// One line of result.
fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}").context("stdout is closed")
}
