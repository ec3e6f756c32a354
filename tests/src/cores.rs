//! The programs that carry out a configuration: Terraform as it is installed, OpenTofu, and the newest Terraform.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::build;

/// One of them. `SLIPWAY_CORE` chooses for a whole run of the tests, by the name of its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Core {
    /// The Terraform of this machine; `SLIPWAY_TERRAFORM` names another.
    Terraform,
    /// OpenTofu, built at its pinned version.
    OpenTofu,
    /// The newest Terraform, built at its pinned version: it knows actions, list resources and identity.
    Newest,
}

impl Core {
    /// The core that this run of the tests is about.
    pub fn chosen() -> Result<Self> {
        match std::env::var("SLIPWAY_CORE").as_deref() {
            Err(_) | Ok("" | "terraform") => Ok(Self::Terraform),
            Ok("tofu") => Ok(Self::OpenTofu),
            Ok("terraform-newest") => Ok(Self::Newest),
            Ok(other) => bail!(
                "SLIPWAY_CORE is {other:?}; it can be `terraform`, `tofu` or `terraform-newest`"
            ),
        }
    }

    /// The program.
    pub fn program(self) -> Result<PathBuf> {
        let name = match self {
            Self::Terraform => {
                return Ok(std::env::var_os("SLIPWAY_TERRAFORM")
                    .map_or_else(|| PathBuf::from("terraform"), PathBuf::from));
            }
            Self::OpenTofu => "tofu",
            Self::Newest => "terraform-newest",
        };
        let path = build::engines()?.join(name);
        if !path.is_file() {
            bail!(
                "{} is missing: build it with `cargo xtask tools --checks`",
                path.display()
            );
        }
        Ok(path)
    }

    /// The program by its whole path, for those who look for none in `PATH`.
    pub fn program_path(self) -> Result<PathBuf> {
        let program = self.program()?;
        if program.is_absolute() {
            return Ok(program);
        }
        std::env::var_os("PATH")
            .and_then(|path| {
                std::env::split_paths(&path)
                    .map(|folder| folder.join(&program))
                    .find(|candidate| candidate.is_file())
            })
            .with_context(|| format!("{} is not installed", program.display()))
    }

    /// The registry whose providers a source without host means.
    #[must_use]
    pub fn registry(self) -> &'static str {
        match self {
            Self::Terraform | Self::Newest => "registry.terraform.io",
            Self::OpenTofu => "registry.opentofu.org",
        }
    }
}
