//! The program `platform-api`.

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use platform_api::settings::Settings;
use platform_api::{audit, policy, serve, traces};
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

/// Environment claims over REST: identity by OIDC, rights by Cedar, truth in the claim store.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:\n  platform-api serve --settings /etc/platform-api/settings.json\n  platform-api audit verify /var/log/platform-api"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT; writes that were begun come to their end.
    Serve {
        /// The settings, as JSON; docs/guides/platform-api.md explains them.
        #[arg(long, env = "PLATFORM_API_SETTINGS")]
        settings: PathBuf,
    },
    /// Look at the audit log.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Look at policies.
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
}

#[derive(Subcommand)]
enum PolicyCommand {
    /// Check a folder of policies as the program would at its start.
    Check(policy::check::Check),
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Check that no record was changed, removed or inserted.
    Verify(audit::Verify),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { command } = Arguments::parse();
    match command {
        Command::Serve { settings } => run(Settings::read(&settings)?).await,
        Command::Audit {
            command: AuditCommand::Verify(verify),
        } => Ok(verify.run(&mut std::io::stdout())?),
        Command::Policy {
            command: PolicyCommand::Check(check),
        } => check.run_on_terminal(),
    }
}

async fn run(settings: Settings) -> anyhow::Result<()> {
    let sender = settings
        .traces
        .as_ref()
        .map(|settings| traces::Traces::start(&settings.into()))
        .transpose()?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::registry()
        .with(filter)
        .with(fmt::layer().json().with_writer(std::io::stderr))
        .with(sender.as_ref().map(traces::Traces::layer))
        .init();
    let stop = CancellationToken::new();
    let told = stop.clone();
    let mut terminated = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("asked to stop");
        told.cancel();
    });
    let served = serve::run(settings, stop).await;
    if let Some(sender) = sender {
        sender.stop().await;
    }
    served
}
