//! The rehearsal: an emulated Vultr account around real engines.
//!
//! [`account`] is the emulated cloud, [`engines`] are the programs that really run, [`world`] is the seam between them,
//! [`records`] stands in for the engines where no process may start. [`cli`] is the command line; [`folder`], [`processes`]
//! and [`slot`] see to it that nothing is left behind.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod account;
pub mod cli;
pub mod engines;
pub mod folder;
pub mod processes;
pub mod records;
mod services;
pub mod slot;
pub mod world;
