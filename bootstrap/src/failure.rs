//! What can go wrong with a component, each with its code, its cause and what to do. docs/errors.md lists them.

use crate::connection::ConnectError;
use crate::platform_lock::Holder;
use run_report::Failure;
use std::fmt::Write as _;

/// A failure that no task is to blame for.
#[must_use]
pub(crate) fn plain(code: &str, cause: impl Into<String>, advice: &str) -> Failure {
    Failure {
        play: None,
        task: None,
        host: None,
        cause: cause.into(),
        advice: advice.to_owned(),
        code: code.to_owned(),
    }
}

/// The host cannot be used.
#[must_use]
pub(crate) fn no_connection(error: &ConnectError) -> Failure {
    let text = error.to_string();
    let (code, cause) = text.split_once(": ").unwrap_or(("SLW-310", &text));
    let advice = match error {
        ConnectError::NoAnswer { .. } => {
            "Check that the host is running and that a firewall lets this machine reach its SSH port; then run again."
        }
        ConnectError::WrongHost { .. } => {
            "Another machine answers at this address, or the host was set up anew. Do not continue before you know why."
        }
        ConnectError::Denied { .. } => {
            "Check that the request's key belongs to this user, and that the host's cloud-init has finished."
        }
        ConnectError::Stopped => "Run again to go on from here.",
    };
    plain(code, cause, advice)
}

/// The connection broke during the run and did not come back.
#[must_use]
pub(crate) fn connection_lost(cause: &str) -> Failure {
    plain(
        "SLW-313",
        format!("the connection to the host was lost and did not come back: {cause}"),
        "The host ends the playbook by itself. Run again: finished components are not repeated.",
    )
}

/// The host answers and something on it is not as it must be.
#[must_use]
pub(crate) fn host_not_ready(cause: &str) -> Failure {
    plain(
        "SLW-320",
        cause,
        "Check free space, memory and the rights of the login user on the host; then run again.",
    )
}

/// The host has no Python.
#[must_use]
pub(crate) fn no_python() -> Failure {
    plain(
        "SLW-330",
        "the host has no python3",
        "Install Python 3.11 or later on the host.",
    )
}

/// A playbook could not be started, or said nothing before it ended.
#[must_use]
pub(crate) fn not_started(rc: Option<i32>, stderr: &str) -> Failure {
    let ended = rc.map_or("it was ended from outside".to_owned(), |rc| {
        format!("exit code {rc}")
    });
    let said = if stderr.is_empty() {
        String::new()
    } else {
        format!(": {stderr}")
    };
    plain(
        "SLW-342",
        format!("ansible-playbook did nothing ({ended}){said}"),
        "The playbook or its variables cannot be read, or Ansible is broken on the host.",
    )
}

/// A playbook ended well and touched no host, which Ansible calls success.
#[must_use]
pub(crate) fn no_hosts() -> Failure {
    plain(
        "SLW-343",
        "the playbook matched no host, so nothing was done",
        "Its `hosts:` must be localhost.",
    )
}

/// A component took longer than it may.
#[must_use]
pub(crate) fn too_long(seconds: u64, task: Option<&str>, waiting_for: Option<&str>) -> Failure {
    let doing = task
        .map(|task| format!(", doing \"{task}\""))
        .unwrap_or_default();
    let waiting_for = waiting_for
        .map(|what| format!("; it was waiting: {what}"))
        .unwrap_or_default();
    plain(
        "SLW-344",
        format!("it did not end within {seconds} s{doing}; its processes were ended{waiting_for}"),
        "Look at what it waits for in the cluster, or give it more time (component_timeout_s).",
    )
}

/// Something it builds on failed.
#[must_use]
pub(crate) fn blocked(by: &str) -> Failure {
    plain(
        "SLW-345",
        format!("it builds on `{by}`, which did not end well"),
        "Mend that one; this one follows by itself.",
    )
}

/// The caller asked to stop.
#[must_use]
pub(crate) fn stopped() -> Failure {
    plain(
        "SLW-346",
        "the run was stopped by its caller before it ended",
        "Run again: it starts anew.",
    )
}

/// The playbook's processes ended without a word about how.
#[must_use]
pub(crate) fn no_verdict(rc: Option<i32>, stderr: &str) -> Failure {
    let ended = rc.map_or("was ended from outside".to_owned(), |rc| {
        format!("ended with exit code {rc}")
    });
    let said = if stderr.is_empty() {
        String::new()
    } else {
        format!(" It said last: {stderr}")
    };
    plain(
        "SLW-347",
        format!("ansible-playbook {ended} without a summary of its hosts.{said}"),
        "Check the host's memory (a killed process leaves no summary); then run again.",
    )
}

/// The playbook and its supervisor were gone, and once more after a second start.
#[must_use]
pub(crate) fn vanished() -> Failure {
    plain(
        "SLW-347",
        "the playbook vanished from the host twice, without a word",
        "Check whether the host restarts or runs out of memory; then run again.",
    )
}

/// The host's supervisor refused the job.
#[must_use]
pub(crate) fn refused(cause: &str) -> Failure {
    plain(
        "SLW-348",
        cause,
        "Wait until the other run has ended, or restart the host; then run again.",
    )
}

/// A fault of this program.
#[must_use]
pub(crate) fn internal(cause: &str) -> Failure {
    plain(
        "SLW-349",
        cause,
        "This is a fault of slipway-bootstrap; please report it.",
    )
}

/// The journal cannot be read or written.
#[must_use]
pub(crate) fn no_journal(cause: &str) -> Failure {
    plain(
        "SLW-360",
        cause,
        "Check that the cluster's API answers and that the kubeconfig may write to slipway-system.",
    )
}

/// A component ended well and that could not be recorded.
#[must_use]
pub(crate) fn not_recorded(cause: &str) -> Failure {
    plain(
        "SLW-361",
        cause,
        "The component is in place; the next run repeats it, because nothing says that it ended well.",
    )
}

/// Another run of the platform goes on.
#[must_use]
pub(crate) fn busy(holder: &Holder) -> Failure {
    plain(
        "SLW-314",
        format!(
            "run {} of this platform is going on since {}; nothing was done",
            holder.run, holder.since
        ),
        "Watch it with `slipway-bootstrap follow`, and run again when it has ended.",
    )
}

/// A failure over several lines, as a person reads it.
pub(crate) fn describe(failure: &Failure) -> String {
    let places = [
        ("play", &failure.play),
        ("task", &failure.task),
        ("host", &failure.host),
    ];
    let mut text = failure.code.clone();
    for (what, place) in places {
        if let Some(place) = place {
            let _ = write!(text, "\n  {what}: {place}");
        }
    }
    let cause = failure.cause.replace('\n', "\n    ");
    let _ = write!(
        text,
        "\n  cause: {cause}\n  {}\n  docs/errors.md explains {}",
        failure.advice, failure.code
    );
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    fn texts(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let of = |path: std::path::PathBuf| {
            if path.is_dir() {
                texts(&path)
            } else {
                vec![std::fs::read_to_string(path).unwrap_or_default()]
            }
        };
        entries.flat_map(of).collect()
    }

    /// Every code that a user can meet has its page, wherever in this crate it is given.
    #[test]
    fn every_code_is_explained() {
        let pages = include_str!("../../docs/errors.md");
        let sources = ["src", "host"]
            .map(|folder| texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)));
        let sources = sources.concat();
        let codes: BTreeSet<&str> = sources
            .iter()
            .flat_map(|source| source.split("SLW-").skip(1))
            .filter_map(|rest| rest.get(..3))
            .filter(|code| code.chars().all(|digit| digit.is_ascii_digit()))
            .collect();
        assert!(codes.len() > 20, "{codes:?}");
        for code in codes {
            assert!(
                pages.contains(&format!("### SLW-{code}: ")),
                "docs/errors.md has no section for SLW-{code}"
            );
        }
    }
}
