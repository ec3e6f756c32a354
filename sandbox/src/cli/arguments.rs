//! What can be asked on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Rehearse the whole platform without a cloud account.
///
/// One thing is emulated, the cloud; hosts, control planes, Ansible, Helm and the object store are the real programs.
/// docs/rehearsal.md says what is a stand-in and what it cannot show.
#[derive(Debug, Parser)]
#[command(
    name = "slipway-sandbox",
    version,
    max_term_width = 120,
    after_help = "\
Examples:
  slipway-sandbox up                         start it; Ctrl-C ends it
  slipway-sandbox up --clusters records      milliseconds: no control planes, no hosts
  slipway-sandbox up --detach --speed 60     in the background, a minute passes in a second
  slipway-sandbox snapshot --out before.json
  slipway-sandbox diff before.json           what has come and gone since
  slipway-sandbox faults set '{\"method\":\"POST\",\"path\":\"/instances\",\"action\":\"timeout_after\"}'
  slipway-sandbox down

Exit codes: 0 done, 1 an error, 2 wrong usage."
)]
pub struct Arguments {
    /// Folder of the sandbox [default: ~/.local/state/slipway/sandbox]
    #[arg(long, global = true, env = "SLIPWAY_SANDBOX_DIR", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

impl Arguments {
    /// The folder of the sandbox.
    pub(super) fn dir(&self) -> anyhow::Result<PathBuf> {
        if let Some(dir) = &self.dir {
            return Ok(dir.clone());
        }
        let state = std::env::var_os("XDG_STATE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        let state =
            state.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")));
        Ok(state.context("SLW-907: neither --dir, nor XDG_STATE_HOME, nor HOME is set; name a folder with --dir")?.join("slipway/sandbox"))
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start a sandbox and stay with it until Ctrl-C
    Up(UpWish),
    /// End the sandbox and everything it started, also after it was killed
    Down,
    /// List every object of the account with its owner mark, state and price
    #[command(after_help = "Example:\n  slipway-sandbox snapshot --out before.json")]
    Snapshot {
        /// Write the snapshot as JSON into this file, for `diff`
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Compare two snapshots, or one with the account now
    #[command(
        after_help = "Examples:\n  slipway-sandbox diff before.json after.json\n  slipway-sandbox diff before.json --exit-code   # 1 when anything differs"
    )]
    Diff {
        /// Earlier snapshot
        before: PathBuf,
        /// Later snapshot; the account as it is now when absent
        after: Option<PathBuf>,
        /// Exit with 1 when anything differs
        #[arg(long)]
        exit_code: bool,
    },
    /// Show, set or clear what goes wrong on purpose
    #[command(after_help = "\
Examples:
  slipway-sandbox faults
  slipway-sandbox faults set '{\"method\":\"POST\",\"path\":\"/vpcs\",\"action\":{\"status\":429,\"retry_after\":1}}'
  slipway-sandbox faults set '{\"path\":\"/kubernetes/**\",\"probability\":0.2,\"seed\":7,\"action\":{\"status\":500}}'
  slipway-sandbox faults set '{\"method\":\"POST\",\"path\":\"/instances\",\"nth\":2,\"action\":\"timeout_after\"}'
  slipway-sandbox faults set '{\"sold_out\":[\"vc2-4c-8gb\"],\"region\":\"ams\"}'
  slipway-sandbox faults set '{\"instance\":{\"label\":\"slipway:*:bootstrap\",\"sshd_down\":true}}'
  slipway-sandbox faults clear")]
    Faults {
        #[command(subcommand)]
        action: Option<FaultsAction>,
    },
    /// Show or set the account's time
    #[command(
        after_help = "Examples:\n  slipway-sandbox clock\n  slipway-sandbox clock --speed 60\n  slipway-sandbox clock --stepped\n  slipway-sandbox clock --advance 7m"
    )]
    Clock(ClockWish),
    /// List the calls that the account answered
    #[command(after_help = "Example:\n  slipway-sandbox journal --since 120 --writes")]
    Journal {
        /// Leave out calls up to this number
        #[arg(long, default_value_t = 0)]
        since: u64,
        /// Leave out GETs
        #[arg(long)]
        writes: bool,
    },
    /// Show what the rehearsal would have cost
    Bill,
}

/// How to start.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  slipway-sandbox up --speed 60
  slipway-sandbox up --clusters records --speed 6000 --listen 127.0.0.1:8080

The account lives in memory: what was in it is gone after `down`, and after a crash.")]
pub(super) struct UpWish {
    /// How many times faster than life the emulated cloud moves
    #[arg(long, default_value_t = 60.0, value_name = "N", value_parser = speed)]
    pub(super) speed: f64,
    /// Let the cloud's time pass by hand only (`slipway-sandbox clock --advance 7m`)
    #[arg(long, conflicts_with = "speed")]
    pub(super) stepped: bool,
    /// Real control planes and hosts, or entries in the account alone
    #[arg(long, value_enum, default_value_t = Clusters::Real)]
    pub(super) clusters: Clusters,
    /// Loopback address of the account
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(super) listen: SocketAddr,
    /// Folder of the engines' programs [default: `$SLIPWAY_TOOLS`, else what `cargo xtask tools` built]
    #[arg(long, value_name = "DIR")]
    pub(super) engines: Option<PathBuf>,
    /// Folder of charts to serve as chart repository [default: tests/charts of this checkout, if found]
    #[arg(long, env = "SLIPWAY_CHARTS", value_name = "DIR")]
    pub(super) charts: Option<PathBuf>,
    /// Return when the sandbox is ready, and leave it running
    #[arg(long)]
    pub(super) detach: bool,
    /// Seed of ids: the same seed and the same calls give the same account [default: random]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Requests a second and source address before 429, as the vendor has (30); 0 for no limit
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(super) rate_limit: u32,
    /// How long a call hit by a timeout fault holds its connection, in milliseconds
    #[arg(long, default_value_t = 60_000, value_name = "MS")]
    pub(super) hold_ms: u64,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if speed > 0.0 && speed <= 1_000_000.0 {
        Ok(speed)
    } else {
        Err("must be above 0 and at most 1000000".to_owned())
    }
}

/// What stands behind clusters and instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Clusters {
    /// Real control planes and real hosts
    Real,
    /// Entries in the account, nothing runs
    Records,
}

/// What to do about faults.
#[derive(Debug, Subcommand)]
pub(super) enum FaultsAction {
    /// Add a fault, given as JSON
    Set {
        /// The fault; docs/rehearsal.md lists the words
        fault: String,
    },
    /// Take faults back
    Clear {
        /// Number of one fault; all when absent
        id: Option<u64>,
    },
}

/// How time is to pass.
#[derive(Debug, Args)]
pub(super) struct ClockWish {
    /// As fast as life
    #[arg(long, group = "mode")]
    pub(super) real: bool,
    /// So many times faster than life
    #[arg(long, group = "mode", value_name = "N", value_parser = speed)]
    pub(super) speed: Option<f64>,
    /// By hand only
    #[arg(long, group = "mode")]
    pub(super) stepped: bool,
    /// Move time on, by a duration such as 7m, 1h30m or 90 (seconds)
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) advance: Option<f64>,
}

fn duration(text: &str) -> Result<f64, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Ok(seconds);
    }
    text.parse::<jiff::SignedDuration>()
        .map(|duration| duration.as_secs_f64())
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        assert_eq!(duration("7m"), Ok(420.0));
        assert_eq!(duration("90"), Ok(90.0));
        assert!(duration("soon").is_err());
    }
}
