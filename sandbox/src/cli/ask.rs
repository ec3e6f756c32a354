//! Commands that ask a sandbox that runs.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::arguments::{ClockWish, FaultsAction};
use super::say;
use super::table::{Table, text};
use crate::account::{Difference, Object, Snapshot, diff};
use crate::folder::Folder;

/// One call to the sandbox's controls.
async fn control(
    dir: &Path,
    method: reqwest::Method,
    path: &str,
    body: Option<Value>,
) -> anyhow::Result<Value> {
    if !dir.exists() {
        bail!(
            "SLW-902: no sandbox is up in {}; start one with `slipway-sandbox up --dir {}`",
            dir.display(),
            dir.display()
        );
    }
    let description = Folder::open(dir)?.description()?;
    let url = format!("{}/_sandbox/{path}", description.api_url);
    let mut request = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .request(method, &url);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.with_context(|| {
        format!("SLW-913: the sandbox in {} does not answer; `slipway-sandbox down --dir {}` clears what is left of it", dir.display(), dir.display())
    })?;
    let status = response.status();
    let answer = response.text().await?;
    if !status.is_success() {
        let words = serde_json::from_str::<Value>(&answer)
            .ok()
            .and_then(|answer| Some(answer.get("error")?.as_str()?.to_owned()));
        bail!("{}", words.unwrap_or(answer));
    }
    if answer.is_empty() {
        Ok(Value::Null)
    } else {
        Ok(serde_json::from_str(&answer)?)
    }
}

async fn get(dir: &Path, path: &str) -> anyhow::Result<Value> {
    control(dir, reqwest::Method::GET, path, None).await
}

pub(super) async fn snapshot(
    dir: &Path,
    out: Option<&Path>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let snapshot: Snapshot = serde_json::from_value(get(dir, "snapshot").await?)?;
    if let Some(out) = out {
        std::fs::write(out, serde_json::to_string_pretty(&snapshot)?)
            .with_context(|| format!("cannot write {}", out.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    if json {
        say(&serde_json::to_string_pretty(&snapshot)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&[
        "KIND",
        "LABEL",
        "REGION",
        "STATE",
        "WHAT",
        "OWNER",
        "USD/MONTH",
        "ID",
    ]);
    for object in &snapshot.objects {
        let price = object.monthly_usd.to_string();
        table.row(&[
            &object.kind,
            &object.label,
            &object.region,
            &object.status,
            &object.what,
            &object.mark,
            &price,
            &object.id,
        ]);
    }
    say(&table.to_string())?;
    say(&format!(
        "{} objects, {} USD a month",
        snapshot.objects.len(),
        snapshot.monthly_usd
    ))?;
    for trouble in snapshot
        .objects
        .iter()
        .filter_map(|object| Some(format!("{}: {}", object.label, object.trouble.as_ref()?)))
    {
        say(&format!("trouble: {trouble}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> anyhow::Result<Snapshot> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is no snapshot; make one with `slipway-sandbox snapshot --out FILE`",
            path.display()
        )
    })
}

pub(super) async fn difference(
    dir: &Path,
    before: &Path,
    after: Option<&Path>,
    exit_code: bool,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let before = read(before)?;
    let after = match after {
        Some(after) => read(after)?,
        None => serde_json::from_value(get(dir, "snapshot").await?)?,
    };
    let difference = diff(&before, &after);
    if json {
        say(&serde_json::to_string_pretty(&difference)?)?;
    } else {
        show_difference(&difference)?;
    }
    Ok(if exit_code && !difference.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn show_difference(difference: &Difference) -> anyhow::Result<()> {
    if difference.is_empty() {
        return say("no difference");
    }
    let line = |sign: &str, object: &Object| {
        format!(
            "{sign} {} {:?} ({}, {}) {}",
            object.kind, object.label, object.what, object.status, object.id
        )
    };
    for object in &difference.added {
        say(&line("+", object))?;
    }
    for object in &difference.removed {
        say(&line("-", object))?;
    }
    for (was, is) in &difference.changed {
        say(&format!(
            "{} was ({}, {})",
            line("~", is),
            was.what,
            was.status
        ))?;
    }
    say(&format!("{:+} USD a month", difference.monthly_usd))
}

pub(super) async fn faults(
    dir: &Path,
    action: Option<FaultsAction>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    match action {
        None => {
            let faults = get(dir, "faults").await?;
            if json {
                say(&faults.to_string())?;
            } else {
                show_faults(&faults)?;
            }
        }
        Some(FaultsAction::Set { fault }) => {
            let fault = serde_json::from_str(&fault).context("the fault is not JSON")?;
            let set = control(dir, reqwest::Method::POST, "faults", Some(fault)).await?;
            match set.get("id").and_then(Value::as_u64).filter(|_| !json) {
                Some(id) => say(&format!(
                    "fault {id} is set; `slipway-sandbox faults clear {id}` takes it back"
                ))?,
                None if json => say(&set.to_string())?,
                None => say("set; `slipway-sandbox faults clear` takes it back")?,
            }
        }
        Some(FaultsAction::Clear { id }) => {
            let path = id.map_or_else(|| "faults".to_owned(), |id| format!("faults?id={id}"));
            control(dir, reqwest::Method::DELETE, &path, None).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Rules as a table, then each circumstance that holds.
fn show_faults(faults: &Value) -> anyhow::Result<()> {
    let mut table = Table::new(&[
        "ID", "METHOD", "PATH", "NTH", "TIMES", "CHANCE", "SEEN", "HITS", "ACTION",
    ]);
    let fields = [
        "id",
        "method",
        "path",
        "nth",
        "times",
        "probability",
        "seen",
        "hits",
        "action",
    ];
    for rule in faults["rules"].as_array().into_iter().flatten() {
        let cells = fields.map(|field| text(&rule[field]));
        table.row(&cells.each_ref().map(String::as_str));
    }
    say(&table.to_string())?;
    let circumstances = faults
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "rules");
    for (name, value) in circumstances {
        let holds = match value {
            Value::Bool(on) => *on,
            Value::Array(items) => !items.is_empty(),
            Value::Number(number) => number.as_u64() != Some(0),
            _ => false,
        };
        if holds {
            say(&format!("{name}: {value}"))?;
        }
    }
    Ok(())
}

pub(super) async fn clock(dir: &Path, wish: &ClockWish, json: bool) -> anyhow::Result<ExitCode> {
    let mode = match (wish.real, wish.stepped, wish.speed) {
        (true, ..) => Some("real"),
        (_, true, _) => Some("stepped"),
        (_, _, Some(_)) => Some("scaled"),
        _ => None,
    };
    let view = if mode.is_none() && wish.advance.is_none() {
        get(dir, "clock").await?
    } else {
        let order = json!({"mode": mode, "speed": wish.speed, "advance_s": wish.advance});
        control(dir, reqwest::Method::POST, "clock", Some(order)).await?
    };
    if json {
        say(&view.to_string())?;
    } else {
        say(&format!(
            "{} ({}, speed {})",
            text(&view["now"]),
            text(&view["mode"]),
            view["speed"]
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn journal(
    dir: &Path,
    since: u64,
    writes: bool,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let answer = get(dir, &format!("journal?since={since}")).await?;
    let calls: Vec<&Value> = answer
        .as_array()
        .into_iter()
        .flatten()
        .filter(|call| !writes || call["method"] != "GET")
        .collect();
    if json {
        say(&serde_json::to_string(&calls)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&[
        "N", "TIME", "METHOD", "PATH", "STATUS", "MS", "CALLER", "FAULT",
    ]);
    for call in calls {
        let fields = [
            "n",
            "ts",
            "method",
            "path",
            "status",
            "duration_ms",
            "caller",
            "fault",
        ]
        .map(|field| text(&call[field]));
        table.row(&fields.each_ref().map(String::as_str));
    }
    say(&table.to_string())?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn bill(dir: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let bill: crate::account::Bill = serde_json::from_value(get(dir, "bill").await?)?;
    if json {
        say(&serde_json::to_string_pretty(&bill)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&[
        "KIND", "LABEL", "WHAT", "HOURS", "USD/HOUR", "USD", "RUNNING",
    ]);
    for line in &bill.lines {
        let (hours, hourly, usd) = (
            line.hours.to_string(),
            line.hourly_usd.to_string(),
            line.usd.to_string(),
        );
        table.row(&[
            &line.kind,
            &line.label,
            &line.what,
            &hours,
            &hourly,
            &usd,
            if line.running { "yes" } else { "no" },
        ]);
    }
    say(&table.to_string())?;
    say(&format!("{} USD until {}", bill.total_usd, bill.until))?;
    Ok(ExitCode::SUCCESS)
}
