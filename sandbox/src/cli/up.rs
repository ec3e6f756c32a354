//! `slipway-sandbox up`.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use super::arguments::{Clusters, UpWish};
use super::say;
use crate::account::{Account, AccountOptions, ApiServer, Clock, Pace, random_seed, serve};
use crate::engines::{RealEngines, Tools};
use crate::folder::{Description, Folder, Hold};
use crate::processes::Processes;
use crate::records::Records;
use crate::slot::Slot;
use crate::world::Engines;

/// How long a detached sandbox may take to become ready.
const READY_DEADLINE: Duration = Duration::from_mins(1);
/// Where a detached sandbox writes.
const LOG: &str = "up.log";

/// A sandbox that runs. Its slot is free again when the value is dropped.
struct Running {
    account: Account,
    server: ApiServer,
    _slot: Slot,
}

/// Starts a sandbox, stays until a signal comes, and leaves nothing behind.
pub(super) async fn up(dir: &Path, wish: UpWish, json: bool) -> anyhow::Result<ExitCode> {
    let folder = Folder::open(dir)?;
    let hold = folder.hold()?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    for ended in folder.clear(&hold)? {
        tracing::info!("ended what an earlier sandbox left running: {ended}");
    }
    let stopped = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    };
    tokio::pin!(stopped);
    let started = tokio::select! {
        started = start(&folder, wish, json) => started.map(Some),
        () = &mut stopped => Ok(None),
    };
    let result = match started {
        Ok(Some(running)) => {
            stopped.await;
            tracing::info!("ending the sandbox");
            end(running).await
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    sweep(folder, hold).await?;
    result.map(|()| ExitCode::SUCCESS)
}

async fn start(folder: &Folder, wish: UpWish, json: bool) -> anyhow::Result<Running> {
    let slot = Slot::claim()?;
    let engines = engines(folder, &wish).await?;
    let (pace, speed) = if wish.stepped {
        (Pace::Stepped, None)
    } else {
        (Pace::Scaled(wish.speed), Some(wish.speed))
    };
    let options = AccountOptions {
        api_key: format!("SANDBOX-{}", Uuid::new_v4().simple()),
        seed: wish.seed.unwrap_or_else(random_seed),
        slot: slot.number(),
        hold: Duration::from_millis(wish.hold_ms),
        rate_limit: wish.rate_limit,
    };
    let account = Account::open(
        options.clone(),
        Clock::new(Timestamp::now(), pace),
        Arc::clone(&engines),
    );
    let server = serve(&account, wish.listen).await?;
    let description = Description {
        pid: std::process::id(),
        api_url: format!("http://{}", server.address()),
        api_key: options.api_key,
        chart_mirror: engines.chart_mirror(),
        started: Timestamp::now(),
    };
    // Last, because whoever waits for the description may go on from then.
    announce(folder, &description, &engines.stand_ins(), speed, json)?;
    folder.describe(&description)?;
    Ok(Running {
        account,
        server,
        _slot: slot,
    })
}

async fn engines(folder: &Folder, wish: &UpWish) -> anyhow::Result<Arc<dyn Engines>> {
    match wish.clusters {
        Clusters::Records => Ok(Arc::new(Records::default())),
        Clusters::Real => {
            let tools = Tools::find(wish.engines.as_deref())?;
            let processes = Processes::open(folder.path(), &Uuid::new_v4().to_string())?;
            let charts = wish.charts.clone().or_else(charts_of_checkout);
            Ok(Arc::new(
                RealEngines::new(folder.path(), tools, processes, charts.as_deref()).await?,
            ))
        }
    }
}

/// `tests/charts` above the working folder or the program.
fn charts_of_checkout() -> Option<PathBuf> {
    let places = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    let above = places.iter().flatten().flat_map(|place| place.ancestors());
    above
        .map(|place| place.join("tests/charts"))
        .find(|path| path.is_dir())
}

fn announce(
    folder: &Folder,
    description: &Description,
    stand_ins: &[String],
    speed: Option<f64>,
    json: bool,
) -> anyhow::Result<()> {
    if json {
        return say(&serde_json::to_string(description)?);
    }
    say(&format!(
        "The rehearsal is up: an emulated Vultr account at {}/v2",
        description.api_url
    ))?;
    for stand_in in stand_ins {
        say(&format!("stand-in: {stand_in}"))?;
    }
    say("\nUse it:")?;
    say(&format!("  export VULTR_API_KEY={}", description.api_key))?;
    say(&format!("  export SLIPWAY_API_URL={}", description.api_url))?;
    if let Some(speed) = speed.filter(|speed| *speed > 1.0) {
        say(&format!("  export SLIPWAY_SANDBOX_SPEED={speed}"))?;
    }
    if let Some(mirror) = &description.chart_mirror {
        say(&format!("  export SLIPWAY_CHART_MIRROR={mirror}"))?;
    }
    say(&format!(
        "\nEnd it: Ctrl-C here, or `slipway-sandbox down --dir {}`",
        folder.path().display()
    ))
}

async fn end(running: Running) -> anyhow::Result<()> {
    running.server.close().await;
    running.account.close().await
}

/// Ends what is left of the processes and removes what the sandbox kept. Waiting blocks, so it has a thread of its own.
async fn sweep(folder: Folder, hold: Hold) -> anyhow::Result<()> {
    let left = tokio::task::spawn_blocking(move || folder.clear(&hold)).await??;
    for process in left {
        tracing::warn!("had to be ended at last: {process}");
    }
    Ok(())
}

/// Starts the same command without `--detach` and waits until it is ready.
pub(super) fn detach(dir: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let folder = Folder::open(dir)?;
    // Says so at once when somebody holds the folder; the child takes it for itself.
    drop(folder.hold()?);
    let log_path = folder.logs().join(LOG);
    let log =
        File::create(&log_path).with_context(|| format!("cannot write {}", log_path.display()))?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(
            std::env::args_os()
                .skip(1)
                .filter(|argument| argument != "--detach"),
        )
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Ctrl-C in this terminal is not meant for it.
        .process_group(0)
        .spawn()
        .context("the sandbox does not start")?;
    let deadline = Instant::now() + READY_DEADLINE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            let log = std::fs::read_to_string(&log_path).unwrap_or_default();
            bail!("SLW-908: the sandbox ended with {status}:\n{log}");
        }
        if let Ok(description) = folder.description()
            && description.pid == child.id()
        {
            let log = std::fs::read_to_string(&log_path).unwrap_or_default();
            let answer = if json {
                serde_json::to_string(&description)?
            } else {
                log.trim_end().to_owned()
            };
            say(&answer)?;
            return Ok(ExitCode::SUCCESS);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    bail!(
        "SLW-909: the sandbox was not ready within {READY_DEADLINE:?}; its log is {}",
        log_path.display()
    )
}
