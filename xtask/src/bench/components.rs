//! How long the eight components take: against the longest chain of their graph, against Ansible in a row, against one
//! playbook with everything, and how much of it is slipway-bootstrap itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use run_report::{Catalog, Event, EventReader, Line};
use serde_json::{Value, json};
use slipway_tests::configuration::{self, COMPONENTS};
use slipway_tests::{Cluster, ExistingHost, Sandbox, SandboxOptions, Terraform};

use super::Spread;
use super::watching::{self, Delays, Heard, Watching};
use crate::{command, ground};

/// The platform that is measured.
const PLATFORM: &str = "bench";
/// The run that is repeated.
const RUN: &str = "00000000-0000-4000-8000-000000000001";

/// Figures of the component runs, in seconds.
pub(super) struct Components {
    /// First install: from the first playbook's start to the last one's end, and the longest chain of the graph.
    install: (f64, f64),
    /// All of them again, with nothing to change: by one run, by `ansible-playbook` in a row, and by one playbook that has
    /// them all.
    again: Spread,
    in_a_row: Spread,
    in_one: Spread,
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
            "eight components again, one run: {} s; ansible-playbook in a row: {} s; one playbook with everything: {} s",
            self.again, self.in_a_row, self.in_one
        );
        println!(
            "slipway-bootstrap outside its playbooks: {} s, {:.1} % of the run",
            self.outside,
            100.0 * self.outside.median / self.again.median
        );
        self.watching.print();
    }
}

/// Measures; the short measurements are repeated in so many rounds, the rivals taking turns.
pub(super) fn measure(bootstrap: &Path, engines: &Path, rounds: usize) -> Result<Components> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let terraform = Terraform::new(&sandbox, &configuration::platform(PLATFORM, &COMPONENTS))?;
    terraform.apply()?.ok()?;
    let cluster = Cluster::only(&sandbox)?;
    let install = install(&cluster)?;

    let host = ExistingHost::raise(&sandbox)?;
    let request = request(&host, &sandbox, &cluster)?;
    let mut runs = Vec::new();
    let mut outside = Vec::new();
    let (mut rows, mut singles) = (Vec::new(), Vec::new());
    let (mut delays, mut nothing) = (Delays::default(), Vec::new());
    for _ in 0..rounds {
        let run = one_run(bootstrap, &request, sandbox.folder())?;
        runs.push(run.whole);
        outside.push(run.outside);
        for (delays, heard) in [
            (&mut delays.started, &run.started),
            (&mut delays.followed, &run.followed),
        ] {
            delays.extend(watching::delays(sandbox.folder(), RUN, heard)?);
        }
        nothing.push(watching::nothing_to_do(bootstrap, &request)?);
        rows.push(in_a_row(engines, &sandbox, &cluster)?);
        singles.push(in_one_playbook(engines, &sandbox, &cluster)?);
    }
    host.remove(&sandbox)?;
    terraform.destroy()?.ok()?;
    Ok(Components {
        install,
        again: Spread::of(runs),
        in_a_row: Spread::of(rows),
        in_one: Spread::of(singles),
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

/// One run of all of them by slipway-bootstrap.
struct OneRun {
    /// Its wall time, and the part of it in which no playbook ran.
    whole: f64,
    outside: f64,
    started: Heard,
    followed: Heard,
}

fn one_run(program: &Path, request: &Path, state: &Path) -> Result<OneRun> {
    let mut run = Command::new(program);
    run.args(["run", "--json", "--request"])
        .arg(request)
        .env("XDG_STATE_HOME", state);
    for component in COMPONENTS {
        run.args(["--force", component]);
    }
    let mut follow = Command::new(program);
    follow
        .args(["follow", RUN, "--json"])
        .env("XDG_STATE_HOME", state);
    let began = Instant::now();
    let mut listener = None;
    let started = watching::hear(&mut run, || {
        listener = Some(thread::spawn(move || watching::hear(&mut follow, || ())));
    })?;
    let whole = began.elapsed().as_secs_f64();
    let followed = listener
        .and_then(|listener| listener.join().ok())
        .context("nobody followed the run")??;
    let mut reader = EventReader::default();
    let (mut first, mut last) = (None, None);
    for (_, line) in &started {
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
        bail!("the run started no component: {started:#?}");
    };
    Ok(OneRun {
        whole,
        outside: whole - last.duration_since(first).as_secs_f64(),
        started,
        followed,
    })
}

/// The same by `ansible-playbook` alone, one after the other.
fn in_a_row(engines: &Path, sandbox: &Sandbox, cluster: &Cluster) -> Result<f64> {
    let catalog = Catalog::embedded()?;
    let mut seconds = 0.0;
    for name in COMPONENTS {
        let file = sandbox.folder().join(format!("bench-{name}.json"));
        let variables = variables(&catalog, name, sandbox, cluster)?;
        std::fs::write(&file, variables.to_string())?;
        let mut playbook = ansible(engines);
        playbook
            .arg("--extra-vars")
            .arg(format!("@{}", file.display()))
            .arg(format!("{name}.yml"));
        let started = Instant::now();
        command::output(&mut playbook)?;
        seconds += started.elapsed().as_secs_f64();
    }
    Ok(seconds)
}

/// The same by one playbook that imports each of theirs, in an order of the graph.
fn in_one_playbook(engines: &Path, sandbox: &Sandbox, cluster: &Cluster) -> Result<f64> {
    let catalog = Catalog::embedded()?;
    let chosen = COMPONENTS.iter().map(|name| (*name).to_owned()).collect();
    let mut plays = Vec::new();
    for name in catalog.waves(&chosen).into_iter().flatten() {
        plays.push(json!({
            "name": name,
            "ansible.builtin.import_playbook": playbooks().join(format!("{name}.yml")),
            "vars": variables(&catalog, &name, sandbox, cluster)?,
        }));
    }
    // JSON is YAML, so this is a playbook.
    let file = sandbox.folder().join("bench-everything.yml");
    std::fs::write(&file, Value::from(plays).to_string())?;
    let started = Instant::now();
    command::output(ansible(engines).arg(&file))?;
    Ok(started.elapsed().as_secs_f64())
}

fn playbooks() -> PathBuf {
    ground::root().join("playbooks")
}

fn ansible(engines: &Path) -> Command {
    let path = format!(
        "{}:{}:{}",
        engines.join("venv/bin").display(),
        engines.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut playbook = Command::new(engines.join("venv/bin/ansible-playbook"));
    playbook
        .current_dir(playbooks())
        .env("ANSIBLE_CONFIG", playbooks().join("ansible.cfg"))
        .env("PATH", &path);
    playbook
}

/// What a playbook of a component is handed.
fn variables(catalog: &Catalog, name: &str, sandbox: &Sandbox, cluster: &Cluster) -> Result<Value> {
    let component = catalog
        .get(name)
        .with_context(|| format!("no component {name}"))?;
    let chart = &component.chart;
    Ok(json!({
        "slipway_platform": platform(),
        "slipway_component": {
            "name": name, "digest": "", "version": chart.version, "size": "dev", "values": {},
            "namespace": component.namespace,
            "chart": { "name": chart.name, "repository": chart.repository, "version": chart.version },
        },
        "slipway_chart_mirror": sandbox.chart_mirror(),
        "slipway_kubeconfig": cluster.kubeconfig(),
        "slipway_run": "00000000-0000-4000-8000-000000000000",
    }))
}

fn platform() -> Value {
    json!({ "id": PLATFORM, "name": PLATFORM, "region": "ams", "domain": format!("{PLATFORM}.example") })
}

/// The request that the provider would write, in a file.
fn request(host: &ExistingHost, sandbox: &Sandbox, cluster: &Cluster) -> Result<PathBuf> {
    let components: Vec<Value> = COMPONENTS
        .iter()
        .map(|name| json!({ "name": name, "enabled": true, "version": null, "size": "dev", "values": null }))
        .collect();
    let request = json!({
        "v": run_report::PROTOCOL_VERSION,
        "run": RUN,
        "platform": platform(),
        "host": {
            "address": host.address(), "port": 22, "user": "root",
            "host_key": host.host_key()?,
            "login_key": std::fs::read_to_string(host.login_key())?,
        },
        "kubeconfig": std::fs::read_to_string(cluster.kubeconfig())?,
        "chart_mirror": sandbox.chart_mirror(),
        "components": components,
        "secrets": {}, "secrets_version": 0,
        "connect_timeout_s": 60, "component_timeout_s": 600,
    });
    let path = host.folder().join("request.json");
    std::fs::write(&path, request.to_string())?;
    Ok(path)
}
