//! Measures what the README claims: medians with their spread, call counts exact, each beside what it is compared with.

mod api;
mod components;
mod handshake;
mod plan;
mod usage;
mod watching;

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{command, ground, stage::stage, tools};

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Starts measured for the handshake.
    #[arg(long, default_value_t = 30)]
    starts: usize,
    /// Measure with the programs that `SLIPWAY_BIN_DIR` and `SLIPWAY_TOOLS` name; without it they are built first.
    #[arg(long)]
    prepared: bool,
    /// Measure plan and refresh alone.
    #[arg(long)]
    plan: bool,
    /// Measure the runs of components alone.
    #[arg(long, conflicts_with = "plan")]
    components: bool,
    /// How often a run of components is measured, its rivals taking turns with it.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measure the platform API alone, with so many environments.
    #[arg(long, value_name = "ENVIRONMENTS", num_args = 0..=1, default_missing_value = "10000")]
    api: Option<usize>,
}

/// Measures one series of plans.
type Series = fn() -> Result<Vec<plan::Row>>;

/// The series of plans, with what they go through.
const PLANS: [(&str, Series); 2] = [
    (
        "provider: no-op plan and refresh with 1, 10, 100 and 1,000 pools",
        plan::pools,
    ),
    (
        "provider: no-op plan and refresh with 1, 10, 100 and 1,000 claims",
        plan::claims,
    ),
];

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(environments) = arguments.api {
        let engines = tools::ensure()?;
        return stage("platform API under load", "1 min and the build", || {
            api::measure(&engines, environments)
        });
    }
    if arguments.prepared {
        if arguments.plan {
            return plans();
        }
        if arguments.components {
            runs(arguments.rounds)?.print();
            return Ok(());
        }
        return measure(arguments.starts, arguments.rounds);
    }
    let engines = tools::ensure()?;
    let programs = stage("build in the release profile", "10 min cold", || {
        ground::build_programs(true)
    })?;
    let mut again = Command::new(std::env::current_exe()?);
    again
        .args(["bench", "--prepared", "--starts"])
        .arg(arguments.starts.to_string())
        .arg("--rounds")
        .arg(arguments.rounds.to_string());
    if arguments.plan {
        again.arg("--plan");
    }
    if arguments.components {
        again.arg("--components");
    }
    command::run(
        again
            .env("SLIPWAY_BIN_DIR", programs)
            .env("SLIPWAY_TOOLS", engines),
    )
}

/// Plan and refresh; each series is told when it ends, for the next one may need engines that are not there.
fn plans() -> Result<()> {
    plan::print_heading();
    for (what, series) in PLANS {
        let rows = stage(what, "5 min", series)?;
        rows.iter().for_each(plan::Row::print);
    }
    Ok(())
}

/// Runs of components against their rivals.
fn runs(rounds: usize) -> Result<components::Components> {
    let engines = slipway_tests::engines()?;
    let bootstrap = slipway_tests::binary("slipway-bootstrap")?;
    stage(
        "eight components: install, again, by Ansible in a row, by one playbook",
        "8 min",
        || components::measure(&bootstrap, Path::new(&engines), rounds),
    )
}

fn measure(starts: usize, rounds: usize) -> Result<()> {
    let handshake = stage(
        "provider: start to handshake line, mutual TLS",
        "10 s",
        || {
            handshake::measure(
                &slipway_tests::binary("terraform-provider-slipway")?,
                starts,
            )
        },
    )?;
    let components = runs(rounds)?;
    eprintln!();
    handshake.print();
    components.print();
    plans()
}

/// Median, smallest and largest of a series.
pub(crate) struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// The spread of a series that is not empty; an empty one has no figures.
    fn of(mut series: Vec<f64>) -> Self {
        series.sort_by(f64::total_cmp);
        let at = |index: usize| series.get(index).copied().unwrap_or(f64::NAN);
        Self {
            median: at(series.len() / 2),
            least: at(0),
            most: at(series.len().saturating_sub(1)),
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{:.1} ({:.1} to {:.1})",
            self.median, self.least, self.most
        )
    }
}
