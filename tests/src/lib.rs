//! The ground of the acceptance tests: the real Terraform, our release-shaped binaries and a sandbox of their own.
//!
//! Every test starts what it needs and ends it, also when it panics. Nothing is skipped silently: a missing
//! program fails the test with the command that installs it.

mod build;
pub mod charts;
mod cluster;
pub mod configuration;
mod cores;
pub mod driven;
mod existing_host;
mod http;
pub mod markdown;
mod mirror;
mod object_store;
mod offline;
mod plugin_testing;
mod policy;
mod processes;
mod registry_program;
mod sandbox;
mod terraform;
mod waiting;

pub use build::{binary, binary_folder, engines, workspace};
pub use cluster::{Cluster, Workload};
pub use cores::Core;
pub use existing_host::{ExistingHost, HostPython};
pub use mirror::{Mirror, pack};
pub use object_store::{ObjectStore, Verdict};
pub use offline::without_network;
pub use plugin_testing::plugin_testing;
pub use processes::{Sight, Watch, kill_in_group};
pub use registry_program::RegistryProgram;
pub use sandbox::{Call, Object, OutsideService, Sandbox, SandboxOptions, ServiceCall};
pub use terraform::{Run, Terraform};
pub use waiting::until;
