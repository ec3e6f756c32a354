//! The store against real S3 servers, and against lines to them that break.
#![allow(clippy::unwrap_used, clippy::panic)]

mod contract;
mod cut_connection;
mod freeze;
mod ledger;
mod history;
mod line;
mod minio;
mod servers;
mod versitygw;
