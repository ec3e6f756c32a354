//! The provider under the miniature core instead of Terraform: one process, many operations, killed where a test wants it.

mod account;
mod deployment;
mod killed;
mod wishes;

pub use account::Account;
pub use deployment::{Deployment, Plans, is_successor};
pub use killed::{Deadly, Moment, Outcome};
pub use wishes::{PlatformWish, PoolWish, Wish};

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tfcore::{Config, Core};

use crate::{Sandbox, build};

/// A provider that runs, pointed at a sandbox.
pub struct Driven {
    address: String,
    key: String,
    speed: u32,
    core: Core,
}

impl Driven {
    /// Starts the provider.
    pub async fn start(sandbox: &Sandbox) -> Result<Self> {
        let (address, key) = (sandbox.api_url().to_owned(), sandbox.api_key().to_owned());
        let core = start(&address, &key, sandbox.speed()).await?;
        Ok(Self {
            address,
            key,
            speed: sandbox.speed(),
            core,
        })
    }

    /// The core that drives it.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// Begins a new command: what the provider remembered of the account is forgotten, as in a new process.
    pub async fn new_command(&self) -> Result<()> {
        self.core.configure(&Config::default()).await?;
        Ok(())
    }

    /// Starts another process in place of one that was killed.
    pub async fn restart(&mut self) -> Result<()> {
        self.core = start(&self.address, &self.key, self.speed).await?;
        Ok(())
    }

    /// Kills the provider as a crash would.
    pub fn kill(&self) -> Result<()> {
        let pid = self.core.process_id().context("the provider has ended")?;
        Ok(kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGKILL)?)
    }
}

async fn start(address: &str, key: &str, speed: u32) -> Result<Core> {
    let mut command = Command::new(build::binary("terraform-provider-slipway")?);
    command
        .env("VULTR_API_KEY", key)
        .env("SLIPWAY_API_URL", address)
        .env("SLIPWAY_SANDBOX_SPEED", speed.to_string())
        .env("TF_LOG", "off")
        .stderr(Stdio::null());
    let core = Core::start(command).await?;
    core.configure(&Config::default()).await?;
    Ok(core)
}
