//! The index with a real engine, and with engines that fail.

#![allow(clippy::expect_used, clippy::panic)]

mod agree;
mod converge;
mod documents;
mod node;
mod outage;
mod rebuild;
