//! Fuzzing with libFuzzer, by the compiler that the project is built with: counters at every branch need no nightly
//! one. The corpus of good and bad claims is where it begins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use crate::{command, ground, stage::stage};

const TARGETS: [&str; 6] = [
    "claim",
    "extend",
    "request_body",
    "rollback",
    "status",
    "version",
];
/// What `cargo fuzz` asks of the compiler, without the sanitizer: there is no unsafe code to watch.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 \
    -Ccodegen-units=1 --cfg fuzzing";
/// Naming the target keeps the flags away from build scripts.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";
const STATUS: &str = r#"{"phase":"Ready","since":"2024-01-15T10:30:00Z"}"#;
const ROLLBACKS: [&str; 3] = ["", "{}", r#"{"etag":"9b2cf535f27731c974343645a3985328"}"#];
const TAGS: &str = "latest\n1.2.3\nv1.2.3.4\n2.0.0-rc.1\n2.0.0\n10.0.0";

/// Arguments of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Seconds for each target.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Only this target.
    #[arg(long)]
    target: Option<String>,
}

impl Arguments {
    /// Every target for so many seconds.
    pub(crate) fn seconds(seconds: u32) -> Self {
        Self {
            seconds,
            target: None,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let chosen: Vec<&str> = TARGETS
        .into_iter()
        .filter(|target| {
            arguments
                .target
                .as_deref()
                .is_none_or(|only| only == *target)
        })
        .collect();
    ensure!(
        !chosen.is_empty(),
        "there is no such target; there are {}",
        TARGETS.join(", ")
    );
    let work = ground::target().join("fuzz");
    stage("fuzz: build", "2 min cold", || build(&work))?;
    for target in chosen {
        let corpus = work.join("corpus").join(target);
        seed(target, &corpus)?;
        let title = format!("fuzz: {target}");
        stage(&title, &format!("{} s", arguments.seconds), || {
            let artifacts = work.join(format!("{target}-"));
            command::run(
                Command::new(work.join(PLATFORM).join("release").join(target))
                    .arg(&corpus)
                    .arg(format!("-max_total_time={}", arguments.seconds))
                    .arg(format!("-artifact_prefix={}", artifacts.display()))
                    .args(["-max_len=4096", "-timeout=5", "-rss_limit_mb=1024"])
                    .args(["-print_final_stats=1", "-verbosity=0"]),
            )
        })?;
    }
    Ok(())
}

fn build(work: &Path) -> Result<()> {
    command::run(
        ground::cargo()
            .args(["build", "--locked", "--release", "--target", PLATFORM])
            .arg("--manifest-path")
            .arg(ground::root().join("fuzz/Cargo.toml"))
            .arg("--target-dir")
            .arg(work)
            .env("RUSTFLAGS", FLAGS)
            .env_remove("CARGO_ENCODED_RUSTFLAGS"),
    )
}

/// Writes the first inputs of a target; what an earlier run found stays.
fn seed(target: &str, corpus: &Path) -> Result<()> {
    fs::create_dir_all(corpus)?;
    let cases = match target {
        "extend" => behind(&ends()?, &claims()?),
        "rollback" => behind(&ROLLBACKS.map(str::to_owned), &claims()?),
        "status" => vec![STATUS.to_owned()],
        "version" => constraints()?,
        _ => claims()?,
    };
    for (number, text) in cases.iter().enumerate() {
        let path: PathBuf = corpus.join(format!("seed-{number}"));
        fs::write(&path, text).with_context(|| format!("{} is not written", path.display()))?;
    }
    Ok(())
}

fn cases() -> Result<Value> {
    let path = ground::root().join("tests/corpus/claims.json");
    let text = fs::read_to_string(&path)?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))
}

/// Every case of the corpus as its text.
fn claims() -> Result<Vec<String>> {
    let corpus = cases()?;
    let base = corpus["base"]
        .as_object()
        .context("the corpus has no base")?;
    let cases = corpus["cases"]
        .as_array()
        .context("the corpus has no cases")?;
    let text = |case: &Value| match case["text"].as_str() {
        Some(text) => text.to_owned(),
        None => Value::from(changed(base, case)).to_string(),
    };
    Ok(cases.iter().map(text).collect())
}

fn changed(base: &Map<String, Value>, case: &Value) -> Map<String, Value> {
    let mut claim = base.clone();
    for field in case["remove"].as_array().into_iter().flatten() {
        claim.remove(field.as_str().unwrap_or_default());
    }
    for (field, value) in case["set"].as_object().into_iter().flatten() {
        claim.insert(field.clone(), value.clone());
    }
    claim
}

/// Every end of the corpus as the body that asks for it.
fn ends() -> Result<Vec<String>> {
    let corpus = cases()?;
    let cases = corpus["cases"].as_array().into_iter().flatten();
    let ends: Vec<String> = cases
        .filter_map(|case| case["set"].get("expiration_date"))
        .map(|end| json!({ "until": end }).to_string())
        .collect();
    ensure!(!ends.is_empty(), "the corpus has no ends");
    Ok(ends)
}

/// Every claim behind the line of one body, so that each body and each claim is there.
fn behind(bodies: &[String], claims: &[String]) -> Vec<String> {
    let bodies = bodies.iter().cycle();
    let pairs = bodies.zip(claims);
    pairs
        .map(|(body, claim)| format!("{body}\n{claim}"))
        .collect()
}

/// Every constraint of the corpus with some tags.
fn constraints() -> Result<Vec<String>> {
    let corpus = cases()?;
    let cases = corpus["cases"]
        .as_array()
        .context("the corpus has no cases")?;
    let services = cases
        .iter()
        .filter_map(|case| case["set"]["services"].as_object());
    Ok(services
        .flat_map(Map::values)
        .filter_map(Value::as_str)
        .map(|constraint| format!("{constraint}\n{TAGS}"))
        .collect())
}
