//! A sandbox of the test's own: its own account, its own ports, gone with the value.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::build;
use crate::http::request;

/// How long a sandbox may take to answer its health check; a machine under load needs most of it.
const START_DEADLINE: Duration = Duration::from_mins(1);
/// How long `down` may take with two clusters and their processes.
const STOP_DEADLINE: Duration = Duration::from_mins(1);

/// Four looks a second at what engines are busy with.
const PACE_OF_ENGINES: u32 = 60;

/// What kind of sandbox a test wants.
#[derive(Debug, Clone, Copy)]
pub struct SandboxOptions {
    /// Real control planes and hosts, or records alone.
    pub real: bool,
    /// How many times faster than life the emulated cloud moves.
    pub speed: u32,
}

impl SandboxOptions {
    /// Records only: clusters and instances are entries in the account, for tests of the provider alone.
    #[must_use]
    pub fn records() -> Self {
        Self {
            real: false,
            speed: 6_000,
        }
    }

    /// Real control planes, hosts and object store.
    #[must_use]
    pub fn real() -> Self {
        Self {
            real: true,
            speed: 600,
        }
    }
}

/// One call that the emulated account answered.
#[derive(Debug, Clone, Deserialize)]
pub struct Call {
    /// Position in the journal, from 1 without gaps.
    pub n: u64,
    /// HTTP method.
    pub method: String,
    /// Path with its query.
    pub path: String,
    /// HTTP status answered; 0 when the connection was cut.
    pub status: u16,
    /// Fault that hit it.
    #[serde(default)]
    pub fault: Option<String>,
    /// Body of the call, its secrets left out.
    #[serde(default)]
    pub body: Option<Value>,
}

impl Call {
    /// Whether the call could have changed the account.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.method != "GET"
    }
}

/// One call that a stand-in for a program answered.
#[derive(Debug, Clone, Deserialize)]
pub struct ServiceCall {
    /// The program.
    pub service: String,
    /// HTTP method.
    pub method: String,
    /// Path without its query.
    pub path: String,
    /// Whether the real program would have taken the call.
    pub expected: bool,
    /// Why not.
    pub why: Option<String>,
}

impl ServiceCall {
    /// Whether it is this call of this program.
    #[must_use]
    pub fn is(&self, service: &str, method: &str, path: &str) -> bool {
        self.service == service && self.method == method && self.path == path
    }
}

/// Where a service outside of the cluster is played, and what opens it.
#[derive(Debug, Clone, Deserialize)]
pub struct OutsideService {
    /// Its address.
    pub url: String,
    /// The token that it takes.
    pub token: String,
}

/// One object of the account as `snapshot` lists it.
pub type Object = Value;

/// A running sandbox; dropping it ends every process that it started.
#[derive(Debug)]
pub struct Sandbox {
    child: Child,
    folder: TempDir,
    options: SandboxOptions,
    api_url: String,
    api_key: String,
    chart_mirror: Option<String>,
}

#[derive(Deserialize)]
struct Description {
    api_url: String,
    api_key: String,
    #[serde(default)]
    chart_mirror: Option<String>,
}

impl Sandbox {
    /// Starts a sandbox and waits until its account answers.
    pub fn start(options: SandboxOptions) -> Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder for the sandbox")?;
        let log = std::fs::File::create(folder.path().join("up.log"))?;
        let mut command = Command::new(build::binary("slipway-sandbox")?);
        command
            .args([
                "up",
                "--listen",
                "127.0.0.1:0",
                "--speed",
                &options.speed.to_string(),
                "--dir",
            ])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if options.real {
            command
                .args(["--clusters", "real", "--engines"])
                .arg(build::engines()?);
        } else {
            command.args(["--clusters", "records"]);
        }
        let mut child = command.spawn().context("slipway-sandbox does not start")?;
        match await_description(&mut child, folder.path()) {
            Ok(description) => Ok(Self {
                child,
                folder,
                options,
                api_url: description.api_url,
                api_key: description.api_key,
                chart_mirror: description.chart_mirror,
            }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                let log = std::fs::read_to_string(folder.path().join("up.log")).unwrap_or_default();
                Err(error.context(format!("the sandbox said:\n{log}")))
            }
        }
    }

    /// The folder of everything that this sandbox holds.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Every call that the stand-ins of programs have answered, in their order.
    pub fn service_calls(&self) -> Result<Vec<ServiceCall>> {
        let book = self.folder().join("services.jsonl");
        std::fs::read_to_string(&book)
            .with_context(|| format!("no {}", book.display()))?
            .lines()
            .map(|line| serde_json::from_str(line).context("a call that cannot be read"))
            .collect()
    }

    /// Where a service outside of the cluster is played.
    pub fn outside_service(&self, name: &str) -> Result<OutsideService> {
        let text = std::fs::read_to_string(self.folder().join("services.json"))?;
        let mut places: std::collections::BTreeMap<String, OutsideService> =
            serde_json::from_str(&text)?;
        places
            .remove(name)
            .with_context(|| format!("{name} is not played"))
    }

    /// The account's address, for `SLIPWAY_API_URL`.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// The account's key, for `VULTR_API_KEY`.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The address of the chart repository, for `SLIPWAY_CHART_MIRROR`.
    #[must_use]
    pub fn chart_mirror(&self) -> Option<&str> {
        self.chart_mirror.as_deref()
    }

    /// How many times faster than life its clock runs.
    #[must_use]
    pub fn speed(&self) -> u32 {
        self.options.speed
    }

    /// How many times faster than life the provider asks it, for `SLIPWAY_SANDBOX_SPEED`. Real engines take their own time,
    /// and need the processor for themselves meanwhile.
    #[must_use]
    pub fn pace(&self) -> u32 {
        let most = if self.options.real {
            PACE_OF_ENGINES
        } else {
            u32::MAX
        };
        self.options.speed.min(most)
    }

    /// The process that holds the sandbox.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Every call that the account answered after number `since`.
    pub fn journal(&self, since: u64) -> Result<Vec<Call>> {
        let answer = self.control("GET", &format!("journal?since={since}"), None)?;
        let calls = answer.get("calls").cloned().unwrap_or(answer);
        serde_json::from_value(calls).context("the journal has another shape")
    }

    /// The number of the newest call, to count from.
    pub fn mark(&self) -> Result<u64> {
        let newest = self.control("GET", "journal/newest", None)?;
        newest["n"].as_u64().context("the journal has no count")
    }

    /// The whole account as one JSON value.
    pub fn snapshot(&self) -> Result<Value> {
        self.control("GET", "snapshot", None)
    }

    /// Every object in the account.
    pub fn objects(&self) -> Result<Vec<Object>> {
        let snapshot = self.snapshot()?;
        Ok(snapshot
            .get("objects")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default())
    }

    /// How many objects of a kind (`cluster`, `vpc`, `instance`, …) the account holds.
    pub fn count(&self, kind: &str) -> Result<usize> {
        Ok(self
            .objects()?
            .iter()
            .filter(|object| object["kind"] == kind)
            .count())
    }

    /// Sets a fault; see docs/rehearsal.md for the words.
    pub fn fault(&self, fault: &Value) -> Result<()> {
        self.control("POST", "faults", Some(fault)).map(drop)
    }

    /// Takes every fault back.
    pub fn clear_faults(&self) -> Result<()> {
        self.control("DELETE", "faults", None).map(drop)
    }

    /// A call to the account itself, as a person at the console would make it.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        request(
            method,
            &format!("{}/v2/{path}", self.api_url),
            Some(&self.api_key),
            body,
        )
    }

    /// A call to the API server of a cluster that is a record, as a person with `kubectl` would make it.
    pub fn in_cluster(&self, method: &str, cluster: &str, path: &str) -> Result<Value> {
        let url = format!("{}/_clusters/{cluster}/{path}", self.api_url);
        request(method, &url, None, None)
    }

    fn control(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        request(
            method,
            &format!("{}/_sandbox/{path}", self.api_url),
            None,
            body,
        )
    }

    /// Plays a cluster's cloud controller (`load-balancers`) or CSI driver (`volumes`): makes one with this label.
    pub fn make_inside(&self, cluster: &str, kind: &str, label: &str) -> Result<()> {
        let wish = serde_json::json!({"label": label});
        self.control("POST", &format!("clusters/{cluster}/{kind}"), Some(&wish))
            .map(drop)
    }

    /// Ends the sandbox as Ctrl-C would and waits for it.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let pid = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(pid, Signal::SIGTERM)?;
        let started = Instant::now();
        while started.elapsed() < STOP_DEADLINE {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill()?;
        self.child.wait()?;
        bail!("the sandbox did not end within {STOP_DEADLINE:?} of SIGTERM")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("sandbox: {error:#}");
        }
    }
}

fn await_description(child: &mut Child, folder: &Path) -> Result<Description> {
    let started = Instant::now();
    while started.elapsed() < START_DEADLINE {
        if let Some(status) = child.try_wait()? {
            bail!("slipway-sandbox ended with {status}");
        }
        if let Ok(text) = std::fs::read_to_string(folder.join("sandbox.json"))
            && let Ok(description) = serde_json::from_str::<Description>(&text)
            && request(
                "GET",
                &format!("{}/_sandbox/health", description.api_url),
                None,
                None,
            )
            .is_ok()
        {
            return Ok(description);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    bail!("no healthy sandbox within {START_DEADLINE:?}")
}
