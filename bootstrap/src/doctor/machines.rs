//! The machines: the bootstrap host, the cluster, and the programs and the clock of this one.

use crate::connection::Login;
use crate::doctor::{Finding, Subject};
use crate::journal::{ClusterJournal, Journal};
use jiff::Timestamp;
use run_report::Host;
use secrecy::ExposeSecret;
use std::process::Stdio;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const HOST: &str = "host";
const HOST_TOOLS: &str = "host tools";
const CLOCK: &str = "clock";
const CLUSTER: &str = "cluster";
const TOOLS: &str = "tools";
const PATIENCE: Duration = Duration::from_secs(10);
/// Certificates and signed requests bear no more.
const SKEW: Duration = Duration::from_secs(30);
/// What may stand on the PATH of a platform engineer, and how it tells its version.
const PROGRAMS: [(&str, &[&str]); 4] = [
    ("terraform", &["version"]),
    ("tofu", &["version"]),
    ("helm", &["version", "--short"]),
    ("kubectl", &["version", "--client"]),
];
/// Time in seconds, then the programs that are there; nothing is installed.
const LOOK: &str = "date +%s; for p in python3 ansible-playbook helm; do command -v $p >/dev/null && printf '%s ' $p; done; exit 0";

pub(super) async fn examine(subject: &Subject) -> Vec<Finding> {
    let mut findings = host(subject).await;
    findings.push(cluster(subject).await);
    findings.push(tools().await);
    findings
}

async fn host(subject: &Subject) -> Vec<Finding> {
    let Some(request) = &subject.request else {
        return vec![Finding::skipped(HOST, "--request")];
    };
    let host = request.host.clone();
    let looked = tokio::task::spawn_blocking(move || look(&host)).await;
    looked.unwrap_or_else(|error| vec![Finding::failed(HOST, "SLW-349", error.to_string())])
}

fn look(host: &Host) -> Vec<Finding> {
    let login = match Login::new(host) {
        Ok(login) => login,
        Err(error) => {
            return vec![Finding::failed(
                HOST,
                "SLW-303",
                format!("host.host_key: {error}"),
            )];
        }
    };
    let stop = CancellationToken::new();
    let connection = match login.connect(PATIENCE, &stop) {
        Ok(connection) => connection,
        Err(error) => return vec![Finding::coded(HOST, &error)],
    };
    let before = Timestamp::now();
    let answer = match connection.run(LOOK, b"", PATIENCE, &stop) {
        Ok(answer) => String::from_utf8_lossy(&answer.stdout).into_owned(),
        Err(error) => return vec![Finding::failed(HOST, "SLW-313", error.to_string())],
    };
    let (time, programs) = answer.split_once('\n').unwrap_or((&answer, ""));
    vec![
        Finding::ok(
            HOST,
            format!(
                "{} lets {} in and shows the expected key",
                host.address, host.user
            ),
        ),
        skew(time, before),
        host_tools(programs.trim()),
    ]
}

fn skew(time: &str, before: Timestamp) -> Finding {
    let Ok(theirs) = time.trim().parse::<i64>() else {
        return Finding::skipped(CLOCK, "a host that tells the time");
    };
    let skew = Duration::from_secs(theirs.abs_diff(before.as_second()));
    if skew > SKEW {
        let text = format!(
            "the host's clock differs by {} s from this one; set it, or certificates and signatures are refused",
            skew.as_secs()
        );
        return Finding::failed(CLOCK, "SLW-394", text);
    }
    Finding::ok(
        CLOCK,
        format!("the host's clock differs by {} s", skew.as_secs()),
    )
}

fn host_tools(programs: &str) -> Finding {
    let has = |program: &str| programs.split(' ').any(|found| found == program);
    if !has("python3") {
        return Finding::failed(
            HOST_TOOLS,
            "SLW-330",
            "the host has no python3; install Python 3.11 or later",
        );
    }
    let missing: Vec<&str> = ["ansible-playbook", "helm"]
        .into_iter()
        .filter(|program| !has(program))
        .collect();
    if missing.is_empty() {
        return Finding::ok(HOST_TOOLS, programs);
    }
    Finding::ok(
        HOST_TOOLS,
        format!(
            "{programs}; a run installs {}, for which the host needs a package index",
            missing.join(" and ")
        ),
    )
}

async fn cluster(subject: &Subject) -> Finding {
    let Some(kubeconfig) = &subject.kubeconfig else {
        return Finding::skipped(CLUSTER, "--kubeconfig, or a request");
    };
    let asked = async {
        let journal = ClusterJournal::open(kubeconfig.expose_secret()).await?;
        journal.read(PATIENCE).await
    };
    match asked.await {
        Ok(records) => Finding::ok(
            CLUSTER,
            format!("answers; {} components are recorded", records.len()),
        ),
        Err(error) => Finding::failed(CLUSTER, "SLW-360", error.to_string()),
    }
}

async fn tools() -> Finding {
    let mut found = vec![format!("slipway-bootstrap {}", env!("CARGO_PKG_VERSION"))];
    for (program, arguments) in PROGRAMS {
        found.extend(version_of(program, arguments).await);
    }
    let core = found
        .iter()
        .any(|tool| tool.starts_with("terraform") || tool.starts_with("tofu"));
    if core {
        return Finding::ok(TOOLS, found.join(", "));
    }
    Finding::warning(
        TOOLS,
        "SLW-395",
        format!(
            "neither terraform nor tofu is on the PATH; found {}",
            found.join(", ")
        ),
    )
}

async fn version_of(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        // Terraform would ask its makers for a newer version.
        .env("CHECKPOINT_DISABLE", "1")
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .ok()?
        .ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let mut words = said.split(|c: char| c.is_whitespace() || c == ',');
    let version = words.find(|word| {
        word.trim_start_matches('v')
            .starts_with(|c: char| c.is_ascii_digit())
            && word.contains('.')
    })?;
    Some(format!("{program} {}", version.trim_start_matches('v')))
}
