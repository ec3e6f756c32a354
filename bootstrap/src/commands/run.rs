//! `run`: one bootstrap run, put together from the command line.

use crate::arguments::RunArguments;
use crate::bundle::Bundle;
use crate::commands::{bad_request, complain, read_request};
use crate::failure;
use crate::journal::{ClusterJournal, Journal};
use crate::mask::Masks;
use crate::reporter::{Clock, Reporter};
use crate::run::{Ending, Run};
use crate::run_files::RunFiles;
use crate::stop;
use jiff::Timestamp;
use run_report::{Event, Failure, Outcome, Request};
use secrecy::ExposeSecret;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Runs to the end; the exit code is the outcome.
pub(crate) async fn run(arguments: RunArguments) -> ExitCode {
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
    let (file, open) = run_file(request.run).unzip();
    let reporter = match open {
        Some(open) => reporter(Masks::of(&request)).with_file(open),
        None => reporter(Masks::of(&request)),
    };
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
        file,
    }
    .to_end()
    .await
}

fn read(
    request: &Path,
    bundle: Option<&Path>,
    force: Vec<String>,
) -> anyhow::Result<(Request, Bundle, BTreeSet<String>)> {
    let bundle = bundle.map_or_else(Bundle::embedded, Bundle::open)?;
    let request = read_request(request, &bundle.catalog)?;
    if let Some(unknown) = force.iter().find(|name| bundle.catalog.get(name).is_none()) {
        anyhow::bail!("SLW-303: --force: {}", bundle.catalog.unknown(unknown));
    }
    Ok((request, bundle, force.into_iter().collect()))
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

/// The run's own file, for `follow` and `report`. It is worth less than the run.
fn run_file(run: Uuid) -> Option<(PathBuf, File)> {
    let created = RunFiles::of_user()?.create(run);
    created
        .inspect_err(|error| tracing::warn!(%error, "there is no file of this run for `follow`"))
        .ok()
}
