//! How long the eight components take: against the longest chain of their graph, against Ansible in a row, and how much
//! of it is slipway-bootstrap itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use run_report::{Catalog, Event, EventReader, Line};
use serde_json::{Value, json};
use slipway_tests::configuration::{self, COMPONENTS};
use slipway_tests::{Cluster, Sandbox, SandboxOptions, Terraform};

use super::Spread;
use super::watching::{self, Watching};
use crate::{command, ground};

/// The platform that is measured.
const PLATFORM: &str = "bench";
/// The run that is repeated.
const RUN: &str = "00000000-0000-4000-8000-000000000001";
/// How often the short measurements are repeated, the two sides taking turns.
const ROUNDS: usize = 3;

/// Figures of the component runs, in seconds.
pub(super) struct Components {
    /// First install: from the first playbook's start to the last one's end, and the longest chain of the graph.
    install: (f64, f64),
    /// All six again, with nothing to change: by one run, and by `ansible-playbook` in a row.
    again: Spread,
    in_a_row: Spread,
    /// What a run spends outside its playbooks.
    outside: Spread,
    watching: Watching,
}

impl Components {
    #[expect(clippy::print_stdout, reason = "figures are the result of this task")]
    pub(super) fn print(&self) {
        let (wall, chain) = self.install;
        println!(
            "install of eight components: {wall:.1} s, longest chain {chain:.1} s, ratio {:.2}",
            wall / chain
        );
        println!(
            "eight components again, one run: {} s; ansible-playbook in a row: {} s",
            self.again, self.in_a_row
        );
        println!(
            "slipway-bootstrap outside its playbooks: {} s, {:.1} % of the run",
            self.outside,
            100.0 * self.outside.median / self.again.median
        );
        self.watching.print();
    }
}

pub(super) fn measure(bootstrap: &Path, engines: &Path) -> Result<Components> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let terraform = Terraform::new(&sandbox, &configuration::platform(PLATFORM, &COMPONENTS))?;
    terraform.apply()?.ok()?;
    let cluster = Cluster::only(&sandbox)?;
    let install = install(&cluster)?;

    let host = BenchHost::raise(&sandbox)?;
    let request = host.request(&sandbox, &cluster)?;
    let mut runs = Vec::new();
    let mut outside = Vec::new();
    let mut rows = Vec::new();
    let (mut delays, mut nothing) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (whole, idle, events) = one_run(bootstrap, &request)?;
        runs.push(whole);
        outside.push(idle);
        delays.extend(watching::delays(sandbox.folder(), RUN, &events)?);
        nothing.push(watching::nothing_to_do(bootstrap, &request)?);
        rows.push(in_a_row(engines, &sandbox, &cluster)?);
    }
    terraform.destroy()?.ok()?;
    Ok(Components {
        install,
        again: Spread::of(runs),
        in_a_row: Spread::of(rows),
        outside: Spread::of(outside),
        watching: watching::figures(delays, nothing)?,
    })
}

/// Wall time and longest chain of the first install, from the records in the cluster.
fn install(cluster: &Cluster) -> Result<(f64, f64)> {
    let mut spans = BTreeMap::new();
    for (name, record) in cluster.journal()? {
        let at = |key: &str| -> Result<f64> {
            let text = record
                .get(key)
                .with_context(|| format!("{name} has no {key}"))?;
            seconds_since_epoch(text)
        };
        spans.insert(name.clone(), (at("started_at")?, at("finished_at")?));
    }
    let first = spans
        .values()
        .map(|(start, _)| *start)
        .fold(f64::INFINITY, f64::min);
    let last = spans.values().map(|(_, end)| *end).fold(0.0, f64::max);
    let catalog = Catalog::embedded()?;
    let durations: BTreeMap<String, Duration> = spans
        .into_iter()
        .map(|(name, (start, end))| (name, Duration::from_secs_f64(end - start)))
        .collect();
    let chosen = durations.keys().cloned().collect();
    let chain = catalog
        .longest_chain(&chosen, &durations)
        .duration
        .as_secs_f64();
    Ok((last - first, chain))
}

fn seconds_since_epoch(text: &str) -> Result<f64> {
    let instant: jiff::Timestamp = text.parse()?;
    Ok(instant.as_duration().as_secs_f64())
}

/// One run of all six by slipway-bootstrap: its wall time, and the part of it in which no playbook ran.
fn one_run(program: &Path, request: &Path) -> Result<(f64, f64, String)> {
    let mut run = Command::new(program);
    run.args(["run", "--json", "--request"]).arg(request);
    for component in COMPONENTS {
        run.args(["--force", component]);
    }
    let started = Instant::now();
    let events = command::output(&mut run)?;
    let whole = started.elapsed().as_secs_f64();
    let mut reader = EventReader::default();
    let mut first = None;
    let mut last = None;
    for line in events.lines() {
        let Line::Known(envelope) = reader.read(line)? else {
            continue;
        };
        match envelope.event {
            Event::ComponentStarted { .. } => {
                first.get_or_insert(envelope.ts);
            }
            Event::ComponentFinished { .. } => last = Some(envelope.ts),
            _ => {}
        }
    }
    let (Some(first), Some(last)) = (first, last) else {
        bail!("the run started no component:\n{events}");
    };
    let inside = last.duration_since(first).as_secs_f64();
    Ok((whole, whole - inside, events))
}

/// The same six by `ansible-playbook` alone, one after the other.
fn in_a_row(engines: &Path, sandbox: &Sandbox, cluster: &Cluster) -> Result<f64> {
    let playbooks = ground::root().join("playbooks");
    let path = format!(
        "{}:{}:{}",
        engines.join("venv/bin").display(),
        engines.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let catalog = Catalog::embedded()?;
    let mut seconds = 0.0;
    for name in COMPONENTS {
        let component = catalog
            .get(name)
            .with_context(|| format!("no component {name}"))?;
        let variables = json!({
            "slipway_platform": platform(),
            "slipway_component": {
                "name": name, "digest": "", "version": component.chart.version, "size": "dev", "values": {},
                "namespace": component.namespace,
                "chart": { "name": component.chart.name, "repository": component.chart.repository, "version": component.chart.version },
            },
            "slipway_chart_mirror": sandbox.chart_mirror(),
            "slipway_kubeconfig": cluster.kubeconfig(),
            "slipway_run": "00000000-0000-4000-8000-000000000000",
        });
        let file = sandbox.folder().join(format!("bench-{name}.json"));
        std::fs::write(&file, variables.to_string())?;
        let mut playbook = Command::new(engines.join("venv/bin/ansible-playbook"));
        playbook
            .current_dir(&playbooks)
            .env("ANSIBLE_CONFIG", playbooks.join("ansible.cfg"))
            .env("PATH", &path)
            .arg("--extra-vars")
            .arg(format!("@{}", file.display()))
            .arg(format!("{name}.yml"));
        let started = Instant::now();
        command::output(&mut playbook)?;
        seconds += started.elapsed().as_secs_f64();
    }
    Ok(seconds)
}

fn platform() -> Value {
    json!({ "id": PLATFORM, "name": PLATFORM, "region": "ams", "domain": format!("{PLATFORM}.example") })
}

/// A host of the sandbox with keys of our own, in the place of the provider's short-lived one.
struct BenchHost {
    address: String,
    folder: PathBuf,
}

impl BenchHost {
    fn raise(sandbox: &Sandbox) -> Result<Self> {
        let folder = sandbox.folder().join("bench-keys");
        std::fs::create_dir_all(&folder)?;
        for name in ["host", "login"] {
            command::run(
                Command::new("ssh-keygen")
                    .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
                    .arg(folder.join(name)),
            )?;
        }
        let read = |name: &str| {
            std::fs::read_to_string(folder.join(name)).map(|text| text.trim_end().to_owned() + "\n")
        };
        // JSON is YAML, so this is a cloud-config.
        let config = json!({
            "ssh_keys": { "ed25519_private": read("host")?, "ed25519_public": read("host.pub")? },
            "ssh_authorized_keys": [read("login.pub")?.trim()],
            "disable_root": false,
            "ssh_pwauth": false,
        });
        let answer = sandbox.call(
            "POST",
            "instances",
            Some(&json!({
                "region": "ams", "plan": "vc2-1c-2gb", "os_id": 2136, "label": "bench",
                "user_data": base64(&format!("#cloud-config\n{config}\n"), &folder)?,
            })),
        )?;
        let id = answer["instance"]["id"]
            .as_str()
            .context("an instance without id")?
            .to_owned();
        let started = Instant::now();
        while started.elapsed() < Duration::from_mins(1) {
            let seen = sandbox.call("GET", &format!("instances/{id}"), None)?;
            if seen["instance"]["server_status"] == "ok" {
                let address = seen["instance"]["main_ip"]
                    .as_str()
                    .context("no main_ip")?
                    .to_owned();
                return Ok(Self { address, folder });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("the bench's host did not come up within a minute")
    }

    /// The request that the provider would write, in a file.
    fn request(&self, sandbox: &Sandbox, cluster: &Cluster) -> Result<PathBuf> {
        let components: Vec<Value> = COMPONENTS
            .iter()
            .map(|name| json!({ "name": name, "enabled": true, "version": null, "size": "dev", "values": null }))
            .collect();
        let host_key = std::fs::read_to_string(self.folder.join("host.pub"))?;
        let request = json!({
            "v": run_report::PROTOCOL_VERSION,
            "run": RUN,
            "platform": platform(),
            "host": {
                "address": self.address, "port": 22, "user": "root",
                "host_key": host_key.trim(),
                "login_key": std::fs::read_to_string(self.folder.join("login"))?,
            },
            "kubeconfig": std::fs::read_to_string(cluster.kubeconfig())?,
            "chart_mirror": sandbox.chart_mirror(),
            "components": components,
            "secrets": {}, "secrets_version": 0,
            "connect_timeout_s": 60, "component_timeout_s": 600,
        });
        let path = self.folder.join("request.json");
        std::fs::write(&path, request.to_string())?;
        Ok(path)
    }
}

fn base64(text: &str, folder: &Path) -> Result<String> {
    let file = folder.join("user-data");
    std::fs::write(&file, text)?;
    let encoded = command::output(Command::new("base64").arg("--wrap=0").arg(&file))?;
    ensure!(!encoded.is_empty(), "base64 printed nothing");
    Ok(encoded)
}
