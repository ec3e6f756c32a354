//! The host once everything stands on it that a playbook needs.

use crate::bundle::{Bundle, CHARTS, RUNTIME};
use crate::connection::{Connection, Login};
use crate::runtime::{self, Runtime};
use crate::upload::{self, NotReady};
use run_report::bundle::pack;
use run_report::canonical::{sha256_hex, sha256_of_json};
use serde_json::{Map, Value};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The Python packages that run playbooks, and what installs them from a bundle.
pub(crate) const REQUIREMENTS: &str = include_str!("../host/requirements.txt");
pub(crate) const INSTALLER: &str = include_str!("../host/installer.txt");

/// What runs on the host beside the playbooks, and the pins of what it may have to install.
const PROGRAMS: [(&str, &str); 8] = [
    ("follower.py", include_str!("../host/follower.py")),
    ("helm.json", include_str!("../host/helm.json")),
    ("job.py", include_str!("../host/job.py")),
    ("keeper.py", include_str!("../host/keeper.py")),
    ("processes.py", include_str!("../host/processes.py")),
    ("requirements.txt", REQUIREMENTS),
    ("runtime.py", include_str!("../host/runtime.py")),
    ("supervisor.py", include_str!("../host/supervisor.py")),
];

/// A host that is ready for playbooks.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) login: Login,
    pub(crate) patience: Duration,
    /// Folder of our programs.
    programs: String,
    /// Folder of the playbooks.
    pub(crate) bundle: String,
    /// Folder of the charts that came with them.
    pub(crate) charts: Option<String>,
    pub(crate) runtime: Runtime,
}

/// Brings what is missing to the host. `bundle_ready` is told whether the playbooks had to be uploaded.
pub(crate) fn prepare(
    connection: &Connection,
    login: Login,
    patience: Duration,
    bundle: &Bundle,
    kept: &[String],
    stop: &CancellationToken,
    bundle_ready: impl FnOnce(bool),
) -> Result<Host, NotReady> {
    let programs = PROGRAMS.map(|(name, text)| (name, text.as_bytes()));
    let digest = programs_digest();
    let programs = upload::ensure(
        connection,
        &format!("host-{digest}"),
        || pack(programs.into_iter()),
        stop,
    )?
    .path;
    let playbooks = upload::ensure(
        connection,
        &format!("bundle-{}", bundle.digest),
        || bundle.archive(),
        stop,
    )?;
    bundle_ready(playbooks.uploaded);
    let ended = runtime::sweep(connection, &programs, kept, stop)?;
    if !ended.is_empty() {
        tracing::warn!(
            components = ended.join(", "),
            "playbooks of an earlier run were still going; they were ended"
        );
    }
    let brought = bundle
        .has_runtime()
        .then(|| format!("{}/{RUNTIME}", playbooks.path));
    let runtime = runtime::ensure(connection, &programs, brought.as_deref(), stop)?;
    tracing::info!(runtime = runtime.summary(), "the host is ready");
    Ok(Host {
        login,
        patience,
        programs,
        charts: bundle
            .has_charts()
            .then(|| format!("{}/{CHARTS}", playbooks.path)),
        bundle: playbooks.path,
        runtime,
    })
}

fn programs_digest() -> String {
    let listing: Map<String, Value> = PROGRAMS
        .iter()
        .map(|(name, text)| ((*name).to_owned(), Value::from(sha256_hex(text.as_bytes()))))
        .collect();
    sha256_of_json(&Value::Object(listing))
}

impl Host {
    /// A command line for the keeper. Every word is of letters, digits and dashes, so nothing needs quoting.
    pub(crate) fn keeper(&self, words: &[&str]) -> String {
        format!(
            r#"exec python3 "{}/keeper.py" {}"#,
            self.programs,
            words.join(" ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{INSTALLER, REQUIREMENTS};

    /// The tests run Ansible as `cargo xtask tools` installs it; a host must get the same.
    #[test]
    fn what_is_installed_on_a_host_is_what_is_tested() {
        let pins = |text: &str| -> Vec<String> {
            let lines = text
                .lines()
                .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
            lines.map(str::to_owned).collect()
        };
        for (ours, tested) in [
            (
                REQUIREMENTS,
                include_str!("../../tests/tools/ansible/requirements.txt"),
            ),
            (
                INSTALLER,
                include_str!("../../tests/tools/ansible/installer.txt"),
            ),
        ] {
            assert_eq!(pins(ours), pins(tested));
        }
    }
}
