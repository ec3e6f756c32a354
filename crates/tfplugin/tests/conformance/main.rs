//! Conformance with the plugin protocol: a test a rule, named by it, `c01` to `c46` and `w01` to `w24`.
//!
//! The example providers are driven by the real Terraform where core enforces a rule, and by the miniature core or on the
//! wire elsewhere. Several rules share a run of Terraform. Terraform 1.11 or newer must be in PATH (or named by
//! `TERRAFORM`); without it these tests fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod apply;
mod binary;
mod driver;
mod logs;
mod plan;
mod processes;
mod read;
mod rules;
mod schema;
mod stops;
mod streams;
mod values;
mod wire;
mod workspace;
