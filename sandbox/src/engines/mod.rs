//! The programs that really run behind the emulated account: control planes, hosts, the object store, charts.
//!
//! Everything listens on loopback addresses and is told to dial loopback addresses only.

mod attachments;
mod certificates;
mod charts;
mod cloud_config;
mod cloud_controller;
mod cluster;
mod control_plane;
mod disk;
mod egress;
mod etcd;
mod instance;
mod kubeconfig;
mod namespace;
mod nodes;
mod object_store;
mod operators;
mod program;
mod real;
mod standin;
mod storage_classes;
mod tools;
mod version;
mod volumes;
mod waiting;

pub(crate) use certificates::{Authority, write_private};
pub use charts::{ChartServer, Charts};
pub use real::RealEngines;
pub use tools::Tools;
