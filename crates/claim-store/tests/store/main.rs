//! The store against real S3 servers, and against lines to them that break.
#![allow(clippy::unwrap_used, clippy::panic)]

mod contract;
#[path = "../../../../tests/corpus/corpus.rs"]
mod corpus;
mod cut_connection;
mod freeze;
mod history;
mod ledger;
mod line;
mod minio;
mod servers;
mod verdicts;
mod versitygw;
