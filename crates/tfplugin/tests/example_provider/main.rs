//! The example provider as a process, met by go-plugin's habits and by the real Terraform: what core makes of our answers.
//!
//! Terraform 1.11 or newer must be in PATH (or named by `TERRAFORM`); without it these tests fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod binary;
mod go_plugin;
mod lifecycle;
mod processes;
mod signals;
mod values;
mod workspace;
