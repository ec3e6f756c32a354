//! How long the provider takes from its start to the handshake line, and how much memory it holds by then.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::Spread;

/// Terraform's cookie: without it the binary says that it is a plugin and ends.
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// A certificate of the kind that Terraform sends (ECDSA P-521, self-signed), made once and valid until 2126; its key
/// is nowhere, the handshake does not need it.
const CLIENT_CERTIFICATE: &str = include_str!("client.pem");

/// Start-up figures.
pub(super) struct Handshake {
    milliseconds: Spread,
    mebibytes: Spread,
    starts: usize,
}

impl Handshake {
    pub(super) fn print(&self) {
        println_figure(
            "start to handshake line, ms",
            &self.milliseconds,
            self.starts,
        );
        println_figure("peak memory by then, MiB", &self.mebibytes, self.starts);
    }
}

#[expect(clippy::print_stdout, reason = "figures are the result of this task")]
fn println_figure(name: &str, spread: &Spread, starts: usize) {
    println!("{name}: {spread}, {starts} starts");
}

pub(super) fn measure(provider: &Path, starts: usize) -> Result<Handshake> {
    let mut milliseconds = Vec::new();
    let mut mebibytes = Vec::new();
    for _ in 0..starts {
        let (time, memory) = one_start(provider)?;
        milliseconds.push(time);
        mebibytes.push(memory);
    }
    Ok(Handshake {
        milliseconds: Spread::of(milliseconds),
        mebibytes: Spread::of(mebibytes),
        starts,
    })
}

fn one_start(provider: &Path) -> Result<(f64, f64)> {
    let started = Instant::now();
    let mut child = Command::new(provider)
        .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
        .env("PLUGIN_PROTOCOL_VERSIONS", "6,5")
        .env("PLUGIN_CLIENT_CERT", CLIENT_CERTIFICATE)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{} does not start", provider.display()))?;
    let mut line = String::new();
    let stdout = child.stdout.take().context("no standard output")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let elapsed = started.elapsed().as_secs_f64() * 1000.0;
    let memory = peak_memory(Path::new(&format!("/proc/{}", child.id())));
    child.kill()?;
    child.wait()?;
    ensure!(line.starts_with("1|6|"), "the handshake line is {line:?}");
    Ok((elapsed, memory?))
}

/// Peak resident memory in MiB of the process with this folder in `/proc`.
pub(super) fn peak_memory(process: &Path) -> Result<f64> {
    let status = std::fs::read_to_string(process.join("status"))?;
    let kibibytes: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next())
        .context("no VmHWM")?
        .parse()?;
    Ok(kibibytes / 1024.0)
}
