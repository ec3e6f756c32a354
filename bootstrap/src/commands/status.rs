//! `status`: what the journal in the platform's cluster says.

use crate::arguments::{ClusterAccess, StatusArguments};
use crate::commands::{refuse, say};
use crate::failure::describe;
use crate::journal::{ClusterJournal, Journal, JournalFault};
use crate::platform_lock::{Held, Holder};
use crate::progress::clock;
use jiff::Timestamp;
use run_report::{JournalRecord, Progress};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

/// How long the cluster may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What the cluster knows.
struct Known {
    records: BTreeMap<String, JournalRecord>,
    holder: Option<Holder>,
}

/// Says what the journal says.
pub(crate) async fn run(arguments: StatusArguments) -> ExitCode {
    let StatusArguments { access, json } = arguments;
    let known = match ask(&access).await {
        Ok(known) => known,
        Err(refused) => return refused,
    };
    if json {
        say(&known.to_json().to_string());
    } else {
        say(known.to_text(Timestamp::now()).trim_end());
    }
    ExitCode::SUCCESS
}

/// Says what the journal says of a run of another machine, again and again until the run has ended.
pub(crate) async fn watch(access: &ClusterAccess, run: Option<&str>) -> ExitCode {
    let mut said = String::new();
    loop {
        let mut known = match ask(access).await {
            Ok(known) => known,
            Err(refused) => return refused,
        };
        if let Some(run) = run {
            known
                .records
                .retain(|_, record| record.run.to_string().starts_with(run));
        }
        let text = known.outcomes();
        if text != said {
            said = text;
            say(known.to_text(Timestamp::now()).trim_end());
        }
        if known.holder.is_none() {
            let failed = |record: &JournalRecord| record.outcome != Progress::Ok;
            return ExitCode::from(u8::from(known.records.values().any(failed)));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What the journal says, as `status --json` has it.
pub(crate) async fn journal_json(access: &ClusterAccess) -> Result<Value, ExitCode> {
    Ok(ask(access).await?.to_json())
}

async fn ask(access: &ClusterAccess) -> Result<Known, ExitCode> {
    let kubeconfig = access.read().map_err(|error| {
        refuse(
            "SLW-307",
            format!("the kubeconfig cannot be read: {error}"),
            "Give it with --kubeconfig FILE, --kubeconfig - on stdin, or KUBECONFIG.",
        )
    })?;
    let read = async {
        let journal = ClusterJournal::open(kubeconfig.expose_secret()).await?;
        let records = journal.read(PATIENCE).await?;
        let holder = journal.held().await?.map(|Held { holder, .. }| holder);
        Ok(Known { records, holder })
    };
    read.await.map_err(|error: JournalFault| {
        refuse(
            "SLW-360",
            error.to_string(),
            "Check that the cluster's API answers and that the kubeconfig may read slipway-system.",
        )
    })
}

impl Known {
    fn to_json(&self) -> Value {
        let components: BTreeMap<&String, Value> = self
            .records
            .iter()
            .map(|(name, record)| (name, record_json(record)))
            .collect();
        let going_on = self
            .holder
            .as_ref()
            .map(|holder| json!({"run": holder.run, "since": holder.since.to_string()}));
        json!({"going_on": going_on, "components": components})
    }

    fn to_text(&self, now: Timestamp) -> String {
        let mut text = match &self.holder {
            Some(holder) => format!(
                "run {} is going on, for {}\n\n",
                holder.run,
                age(holder.since, now)
            ),
            None => String::new(),
        };
        if self.records.is_empty() {
            text.push_str("No component is recorded: nothing was installed yet.");
            return text;
        }
        let _ = writeln!(
            text,
            "{:<16} {:<8} {:<12} {:<12} {:<5} {:<10} {:<10} DIGEST",
            "COMPONENT", "OUTCOME", "VERSION", "APP", "SIZE", "AGE", "TOOK"
        );
        for (name, record) in &self.records {
            let took = record
                .duration_ms
                .map_or("-".to_owned(), |ms| clock(Duration::from_millis(ms)));
            let since = record.finished_at.unwrap_or(record.started_at);
            let _ = writeln!(
                text,
                "{name:<16} {:<8} {:<12} {:<12} {:<5} {:<10} {took:<10} {}",
                record.outcome.as_str(),
                record.chart_version,
                record.app_version,
                record.size,
                age(since, now),
                record.digest.get(..12).unwrap_or(&record.digest),
            );
        }
        for (name, record) in &self.records {
            if let Some(failure) = &record.failure {
                let _ = write!(text, "\n{name}: {}\n", describe(failure));
            }
        }
        text
    }

    /// What a watcher is told about when it changes.
    fn outcomes(&self) -> String {
        let outcome = |(name, record): (&String, &JournalRecord)| {
            format!(
                "{name} {} {:?} {}\n",
                record.outcome.as_str(),
                record.finished_at,
                record.run
            )
        };
        self.records.iter().map(outcome).collect()
    }
}

fn record_json(record: &JournalRecord) -> Value {
    json!({
        "outcome": record.outcome,
        "digest": record.digest,
        "chart": record.chart,
        "chart_version": record.chart_version,
        "app_version": record.app_version,
        "size": record.size,
        "changed": record.changed,
        "duration_ms": record.duration_ms,
        "typical_ms": record.typical_ms,
        "started_at": record.started_at.to_string(),
        "finished_at": record.finished_at.map(|at| at.to_string()),
        "run": record.run,
        "failure": record.failure,
    })
}

fn age(since: Timestamp, now: Timestamp) -> String {
    clock(Duration::try_from(now.duration_since(since)).unwrap_or_default())
}
