//! The client against a real HTTP server: what goes over the wire, and what becomes of every way in which it can fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod creation;
mod deletion;
mod endpoints;
mod failure;
mod listing;
mod server;
mod waiting;
