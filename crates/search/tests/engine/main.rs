//! The index with a real engine, and with engines that fail.

#![allow(clippy::expect_used, clippy::panic)]

mod agree;
mod authority;
mod converge;
mod documents;
mod encrypted;
mod node;
mod outage;
mod rebuild;
