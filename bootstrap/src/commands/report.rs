//! `report`: a redacted archive of a run, for a bug report.

use crate::arguments::ReportArguments;
use crate::commands::{refuse, say, status};
use crate::redact::Redaction;
use crate::run_files::RunFiles;
use run_report::bundle::pack;
use run_report::{Event, EventReader, Line};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

/// Packs what is known of a run.
pub(crate) async fn run(arguments: ReportArguments) -> ExitCode {
    let ReportArguments {
        run,
        access,
        hide,
        out,
    } = arguments;
    let Some(file) = RunFiles::of_user().and_then(|files| files.find(run.as_deref())) else {
        return refuse(
            "SLW-305",
            "no such run is known on this machine".to_owned(),
            "Name a run by the beginning of its id; the files of the last 20 runs are kept.",
        );
    };
    let events = match std::fs::read_to_string(&file) {
        Ok(events) => events,
        Err(error) => {
            return refuse(
                "SLW-305",
                format!("{} cannot be read: {error}", file.display()),
                "Name another run.",
            );
        }
    };
    let mut redaction = Redaction::default();
    for (number, text) in hide.iter().enumerate() {
        redaction.hide(text, &format!("hidden-{}", number + 1));
    }
    if let Some(platform) = platform_of(&events) {
        redaction.hide(&platform, "platform");
    }
    let mut files = BTreeMap::from([
        ("events.jsonl", redaction.apply(&events)),
        ("about.json", about().to_string()),
    ]);
    if access.kubeconfig.is_some() {
        match status::journal_json(&access).await {
            Ok(journal) => files.insert("journal.json", redaction.apply(&journal.to_string())),
            Err(refused) => return refused,
        };
    }
    match write(&out, &files) {
        Ok(()) => {
            say(&format!(
                "{}: {}. Read it before you send it: it is redacted by form, and only you know what else is private (--hide TEXT).",
                out.display(),
                files.into_keys().collect::<Vec<_>>().join(", ")
            ));
            ExitCode::SUCCESS
        }
        Err(error) => refuse(
            "SLW-308",
            format!("{} cannot be written: {error}", out.display()),
            "Name another file with --out; one that exists is not overwritten.",
        ),
    }
}

fn platform_of(events: &str) -> Option<String> {
    let first = EventReader::default().read(events.lines().next()?).ok()?;
    match first {
        Line::Known(envelope) => match envelope.event {
            Event::RunStarted { platform, .. } => Some(platform),
            _ => None,
        },
        Line::Unknown { .. } => None,
    }
}

/// What produced the events.
fn about() -> serde_json::Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "os": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
    })
}

fn write(out: &Path, files: &BTreeMap<&str, String>) -> std::io::Result<()> {
    let archive = pack(files.iter().map(|(name, text)| (*name, text.as_bytes())))?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out)?;
    file.write_all(&archive)
}
