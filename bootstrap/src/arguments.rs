//! The command line, and how a run is put together from it.

use crate::bundle::Bundle;
use crate::failure;
use crate::journal::{ClusterJournal, Journal};
use crate::mask::Masks;
use crate::reporter::{Clock, Reporter};
use crate::run::{Ending, Run};
use crate::stop;
use crate::view::describe;
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;
use run_report::{Event, Failure, Outcome, Request};
use secrecy::ExposeSecret;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// Runs the platform's Ansible playbooks on a host over SSH
#[derive(Debug, Parser)]
#[command(name = "slipway-bootstrap", version, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One bootstrap run: connect, upload, walk the graph of components
    #[command(after_help = EXAMPLES)]
    Run(RunArguments),
}

#[derive(Debug, Args)]
struct RunArguments {
    /// The request, one JSON object; `-` reads it from stdin. It holds secrets: a file should have mode 600
    #[arg(long, value_name = "FILE|-")]
    request: PathBuf,
    /// Run the playbooks of this folder instead of those in the binary; it has a components.yaml
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// Run this component whatever its record says; may be given more than once
    #[arg(long, value_name = "COMPONENT")]
    force: Vec<String>,
    /// Write events as JSON lines also when stdout is a terminal
    #[arg(long)]
    json: bool,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every component is as wanted
  1  a component failed
  2  the request is bad; nothing was done
  3  the host or the cluster cannot be reached
  4  stopped by the caller (SIGTERM, SIGINT, or stdout closed)";

const EXAMPLES: &str = "\
Examples:
  slipway-bootstrap run --request request.json
      with a live view on a terminal (progress on stderr; NO_COLOR is honoured)
  make-request | slipway-bootstrap run --request - --json | jq -r 'select(.event == \"component_finished\")'
      one JSON event a line on stdout
  slipway-bootstrap run --request request.json --bundle ./playbooks --force kong
      with playbooks of your own, and kong even if it is recorded as done

Components that are recorded in the cluster with the wanted digest are not run again.
RUST_LOG=info says more on stderr; it never shows a secret.

Exit codes: 0 done, 1 a component failed, 2 bad request, 3 host or cluster unreachable, 4 stopped by the caller";

/// Does what the command line says; the exit code is the outcome.
pub async fn run_command(arguments: Arguments) -> ExitCode {
    let Command::Run(arguments) = arguments.command;
    let ending = start(arguments).await;
    if let Some(failure) = &ending.failure {
        complain(failure);
    }
    ExitCode::from(ending.outcome.exit_code())
}

async fn start(arguments: RunArguments) -> Ending {
    let RunArguments {
        request,
        bundle,
        force,
        json,
    } = arguments;
    let clock: Clock = Arc::new(Timestamp::now);
    let stop = CancellationToken::new();
    let live = !json && io::stdout().is_terminal();
    let reporter = |masks: Masks| {
        if live {
            Reporter::view(masks, clock.clone(), stop.clone())
        } else {
            Reporter::lines(Box::new(io::stdout()), masks, clock.clone(), stop.clone())
        }
    };
    let watched = stop::on_signals(stop.clone()).and_then(|()| {
        if live {
            Ok(())
        } else {
            stop::on_closed_stdout(stop.clone())
        }
    });
    if let Err(error) = watched {
        return refuse(
            &reporter(Masks::default()),
            Outcome::Failed,
            failure::internal(&error.to_string()),
        );
    }
    let (request, bundle, forced) = match read(&request, bundle.as_deref(), force) {
        Ok(read) => read,
        Err(error) => {
            return refuse(
                &reporter(Masks::default()),
                Outcome::BadRequest,
                bad_request(&error),
            );
        }
    };
    let reporter = reporter(Masks::of(&request));
    let journal: Arc<dyn Journal> =
        match ClusterJournal::open(request.kubeconfig.expose_secret()).await {
            Ok(journal) => Arc::new(journal),
            Err(error) => {
                let failure = reporter.masked(failure::plain(
                    "SLW-303",
                    error.to_string(),
                    "Mend the request.",
                ));
                return refuse(&reporter, Outcome::BadRequest, failure);
            }
        };
    Run {
        request,
        bundle,
        forced,
        journal,
        reporter,
        stop,
    }
    .to_end()
    .await
}

fn read(
    request: &Path,
    bundle: Option<&Path>,
    force: Vec<String>,
) -> anyhow::Result<(Request, Bundle, BTreeSet<String>)> {
    let bundle = bundle.map_or_else(Bundle::embedded, Bundle::folder)?;
    let mut text = Zeroizing::new(Vec::new());
    if request == Path::new("-") {
        io::stdin()
            .read_to_end(&mut text)
            .context("SLW-301: the request cannot be read from stdin")?;
    } else {
        let file = std::fs::File::open(request);
        file.and_then(|mut file| file.read_to_end(&mut text))
            .with_context(|| {
                format!("SLW-301: the request {} cannot be read", request.display())
            })?;
    }
    let request = Request::read(&text, &bundle.catalog)?;
    if let Some(unknown) = force.iter().find(|name| bundle.catalog.get(name).is_none()) {
        anyhow::bail!("SLW-303: --force: {}", bundle.catalog.unknown(unknown));
    }
    Ok((request, bundle, force.into_iter().collect()))
}

fn bad_request(error: &anyhow::Error) -> Failure {
    let text = format!("{error:#}");
    let (code, cause) = text.split_once(": ").unwrap_or(("SLW-301", &text));
    failure::plain(
        code,
        cause,
        "Nothing was done. Mend the request and run again.",
    )
}

fn refuse(reporter: &Reporter, outcome: Outcome, failure: Failure) -> Ending {
    reporter.emit(Event::RunFinished {
        outcome,
        components: BTreeMap::new(),
    });
    Ending {
        outcome,
        failure: Some(failure),
    }
}

/// The one place that writes an error for a person; events tell it to programs.
fn complain(failure: &Failure) {
    use std::io::Write;
    let _ = writeln!(io::stderr(), "error: {}", describe(failure));
}
