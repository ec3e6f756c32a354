//! Ansible and Helm on the host: asked for, or installed by the program that `host/runtime.py` is.

use crate::connection::Connection;
use crate::failure;
use crate::upload::NotReady;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Installing Ansible from a slow package index takes minutes.
const LIMIT: Duration = Duration::from_mins(30);
const SHELL_NOT_FOUND: i32 = 127;

/// What runs playbooks on the host.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Runtime {
    /// The path of `ansible-playbook`.
    pub ansible: String,
    /// Folders that go before PATH.
    pub path: Vec<String>,
    /// What is there, by name.
    pub versions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Lacking {
    code: String,
    cause: String,
    advice: String,
}

/// Makes sure that the runtime is there. What is missing comes from the folder `brought`, or else from the internet.
pub(crate) fn ensure(
    connection: &Connection,
    programs: &str,
    brought: Option<&str>,
    stop: &CancellationToken,
) -> Result<Runtime, NotReady> {
    let mut command = format!(r#"python3 "{programs}/runtime.py""#);
    if let Some(folder) = brought {
        command = format!(r#"{command} "{folder}""#);
    }
    let answer = connection.run(&command, b"", LIMIT, stop)?;
    if let Ok(runtime) = serde_json::from_slice::<Runtime>(&answer.stdout) {
        return Ok(runtime);
    }
    if let Ok(lacking) = serde_json::from_slice::<Lacking>(&answer.stdout) {
        return Err(NotReady::because(failure::plain(
            &lacking.code,
            lacking.cause,
            &lacking.advice,
        )));
    }
    let failure = if answer.status == SHELL_NOT_FOUND {
        failure::no_python()
    } else {
        failure::host_not_ready(&format!(
            "the Ansible runtime cannot be looked at: {}",
            answer.stderr
        ))
    };
    Err(NotReady::because(failure))
}

/// Ends what earlier runs left on the host, processes and secrets, and names the components it belonged to. Jobs in
/// `kept`, as `component/run`, are left alone: they will be taken over.
pub(crate) fn sweep(
    connection: &Connection,
    programs: &str,
    kept: &[String],
    stop: &CancellationToken,
) -> Result<Vec<String>, NotReady> {
    #[derive(Deserialize)]
    struct Swept {
        ended: Vec<String>,
    }
    let answer = connection.run(
        &format!(r#"python3 "{programs}/keeper.py" sweep {}"#, kept.join(" ")),
        b"",
        LIMIT,
        stop,
    )?;
    match serde_json::from_slice::<Swept>(&answer.stdout) {
        Ok(swept) => Ok(swept.ended),
        Err(_) if answer.status == SHELL_NOT_FOUND => Err(NotReady::because(failure::no_python())),
        Err(_) => {
            let said = format!(
                "{} {}",
                String::from_utf8_lossy(&answer.stdout).trim(),
                answer.stderr
            );
            Err(NotReady::because(failure::refused(&format!(
                "what an earlier run left cannot be ended: {said}"
            ))))
        }
    }
}

impl Runtime {
    /// The versions in one line, for a person.
    #[must_use]
    pub(crate) fn summary(&self) -> String {
        self.versions
            .iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect::<Vec<_>>()
            .join(", ")
    }
}
