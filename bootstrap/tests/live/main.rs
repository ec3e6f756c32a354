//! Runs against a real sshd, a real Ansible and, for the program as a whole, a real Kubernetes API server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod api_server;
mod breaking;
mod commands;
mod connecting;
mod doctor;
mod graph;
mod host;
mod outcomes;
mod playbooks;
mod program;
mod runs;
mod runtime;
mod secrets;
mod sweep;
mod taking_over;
