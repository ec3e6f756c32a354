//! Runs the platform's Ansible playbooks on a host over SSH.
//!
//! One run: read the request, hold it against the journal in the cluster, connect to the host, bring the playbooks and
//! the Ansible runtime there, and walk the graph of components. Whatever happens becomes an event; a component that
//! ended is recorded in the cluster, so that the next run does not repeat it.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod arguments;
mod bundle;
mod command;
mod commands;
mod component;
mod connection;
mod doctor;
mod failure;
mod host;
mod host_key;
mod job;
mod journal;
mod mask;
mod pipe;
mod platform_lease;
mod platform_lock;
mod playbook;
mod progress;
mod redact;
mod reporter;
mod run;
mod run_files;
mod runtime;
mod schedule;
mod stop;
mod tail;
mod upload;
mod view;

pub use arguments::{Arguments, run_command};
pub use bundle::{Bundle, BundleError};
pub use journal::{ClusterJournal, Journal, JournalFault};
pub use mask::Masks;
pub use platform_lock::{Held, Holder};
pub use reporter::{Clock, Reporter};
pub use run::{Ending, Run};
