//! The processes of a host, found by the process name space that they live in.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// A process name space, named as the kernel names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Namespace(PathBuf);

impl Namespace {
    /// The name space that a process gives its children.
    pub(crate) fn of_children(pid: u32) -> Result<Self> {
        fs::read_link(format!("/proc/{pid}/ns/pid_for_children"))
            .map(Self)
            .with_context(|| format!("process {pid} shows no name space"))
    }

    /// Every process in it, by its pid outside.
    pub(crate) fn pids(&self) -> Vec<i32> {
        let Ok(entries) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| {
                fs::read_link(format!("/proc/{pid}/ns/pid")).is_ok_and(|found| found == self.0)
            })
            .collect()
    }

    /// The processes of a daemon that serve one connection each: children of the daemon, not of the first process.
    pub(crate) fn sessions_of(&self, daemon: &str) -> Vec<i32> {
        let pids = self.pids().into_iter();
        pids.filter(|pid| {
            runs(*pid, daemon) && parent(*pid).is_some_and(|parent| runs(parent, daemon))
        })
        .collect()
    }
}

fn runs(pid: i32, program: &str) -> bool {
    fs::read_link(format!("/proc/{pid}/exe"))
        .is_ok_and(|path| path.file_name().is_some_and(|name| name == program))
}

fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}
