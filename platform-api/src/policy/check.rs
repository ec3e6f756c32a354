//! `platform-api policy check`: whether policies are valid, and what they permit.

use super::folder;
use authz::rights;
use std::io::{self, Write};
use std::path::PathBuf;

/// Checks a folder of policies as the service would, and prints what they permit.
#[derive(Clone, Debug, clap::Args)]
pub struct Check {
    /// Folder of `.cedar` files, with the entities in `data.json` beside them.
    pub folder: PathBuf,
    /// Print nothing but faults and warnings.
    #[arg(long)]
    pub quiet: bool,
}

impl Check {
    /// Checks and prints. Fails with every fault when the service would refuse the policies.
    pub fn run(&self, out: &mut impl Write, warnings: &mut impl Write) -> anyhow::Result<()> {
        let set = folder::read(&self.folder)?.build()?;
        for warning in set.warnings() {
            writeln!(warnings, "warning: {warning}")?;
        }
        if self.quiet {
            return Ok(());
        }
        writeln!(
            out,
            "{} policies are valid, the rules of the floor among them; {} entities",
            set.policy_ids().len(),
            set.entity_count()
        )?;
        write!(out, "{}", rights::table(&set))?;
        Ok(())
    }

    /// [`Self::run`] on a terminal.
    pub fn run_on_terminal(&self) -> anyhow::Result<()> {
        self.run(&mut io::stdout().lock(), &mut io::stderr().lock())
    }
}
