//! Measures what the README claims: medians with their spread, call counts exact, each beside what it is compared with.

mod handshake;
mod plan_calls;

use anyhow::Result;

use crate::{ground, stage::stage, tools};

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Starts measured for the handshake.
    #[arg(long, default_value_t = 30)]
    starts: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    tools::ensure()?;
    let release = stage("build in the release profile", "10 min cold", || {
        ground::build_programs(true)
    })?;
    let handshake = stage(
        "provider: start to handshake line, mutual TLS",
        "10 s",
        || {
            handshake::measure(
                &release.join("terraform-provider-slipway"),
                arguments.starts,
            )
        },
    )?;
    let calls = stage(
        "provider: Vultr calls of a no-op plan with 1, 10 and 100 pools",
        "1 min",
        || plan_calls::measure(&release),
    )?;
    eprintln!();
    handshake.print();
    calls.iter().for_each(plan_calls::PlanCalls::print);
    Ok(())
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
