//! The fault sweep over a whole run: every component of `examples/complete`, and at each event of the run, as it appears, the
//! connections to the host are cut, `slipway-bootstrap` is killed, or the host is restarted. After each fault the run is
//! continued as an operator would: by running again.
//!
//! One run takes all of it, so what is asked of its end is strict: everything is ready and recorded, a run more finds
//! nothing to do, no component came to its end twice, none started before those that it needs, no secret is left.

mod ledger;
mod process;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use slipway_tests::{Cluster, ExistingHost, Sandbox, SandboxOptions, Terraform, until};

use self::ledger::{Fault, Ledger};
use self::process::Process;

use crate::acceptance_complete::{every_component_is_recorded_and_ready, example};
use crate::acceptance_secrets::{files_with, memory_folders};

/// A run that takes longer than this never ends.
const PATIENCE: Duration = Duration::from_mins(25);

#[test]
#[ignore = "run by `cargo xtask test --only complete-faults`"]
fn at_each_event_of_a_whole_run_a_fault_leads_to_the_same_end() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let mut terraform = Terraform::example(&sandbox, "complete")?;
    for unused in ["cloudflare_api_token", "gitlab_runner_token"] {
        terraform.set(&format!("TF_VAR_{unused}"), "unused");
    }
    let text = std::fs::read_to_string(terraform.folder().join("main.tf"))?;
    terraform.configure(&without_components(&text)?)?;
    terraform.apply()?.ok()?;
    let cluster = Cluster::only(&sandbox)?;
    let host = ExistingHost::raise(&sandbox)?;

    let sweep = Sweep {
        order: Order::new(&sandbox, &cluster, &host)?,
        sandbox: &sandbox,
        cluster: &cluster,
        begun: Instant::now(),
    };
    let mut ledger = Ledger::new(&cluster)?;
    sweep.to_the_end(&mut ledger)?;
    ledger.tell("at the end", sweep.begun);

    every_component_is_recorded_and_ready(&cluster)?;
    sweep.nothing_is_left_to_do()?;
    ledger.each_ended_once()?;
    for call in sandbox.service_calls()? {
        ensure!(call.expected, "a call that nobody expected: {call:?}");
    }
    until("the host has forgotten the run's secrets", || {
        Ok(memory_folders(&sandbox)?.is_empty())
    })?;
    let disk = sandbox.folder().join("instances");
    for (name, secret) in sweep.order.secrets() {
        let found = files_with(secret, &disk);
        ensure!(found.is_empty(), "{name} rests in {found:?}");
    }

    host.remove(&sandbox)?;
    terraform.destroy()?.ok()?;
    sandbox.stop()
}

/// The example with every component switched off: the test runs them itself, on a host of its own.
fn without_components(example_text: &str) -> Result<String> {
    let (before, rest) = example_text
        .split_once("\n  components = {\n")
        .context("no components")?;
    let (_, after) = rest.split_once("\n  }\n").context("no end")?;
    let off: Vec<String> = example()?
        .iter()
        .map(|name| format!("    {name} = {{ enabled = false }}"))
        .collect();
    let off = off.join("\n");
    Ok(format!("{before}\n  components = {{\n{off}\n  }}\n{after}"))
}

/// What every run of the sweep is asked for.
struct Order(Value);

impl Order {
    fn new(sandbox: &Sandbox, cluster: &Cluster, host: &ExistingHost) -> Result<Self> {
        let outside = |service: &str| sandbox.outside_service(service);
        let (cloudflare, gitlab) = (outside("cloudflare")?, outside("gitlab")?);
        let values = |name: &str| match name {
            "cloudflare" => Some(format!("slipway: {{url: '{}'}}", cloudflare.url)),
            "gitlab-runner" => Some(format!("slipway: {{url: '{}'}}", gitlab.url)),
            _ => None,
        };
        let components: Vec<Value> = example()?
            .iter()
            .map(|name| json!({"name": name, "enabled": true, "version": null, "size": "dev", "values": values(name)}))
            .collect();
        Ok(Self(json!({
            "v": 1,
            "platform": {"id": "faults", "name": "faults", "region": "ams", "domain": "faults.example"},
            "host": {
                "address": host.address(), "port": 22, "user": "root", "host_key": host.host_key()?,
                "login_key": std::fs::read_to_string(host.login_key())?,
            },
            "kubeconfig": std::fs::read_to_string(cluster.kubeconfig())?,
            "chart_mirror": sandbox.chart_mirror(),
            "secrets": {"cloudflare_api_token": cloudflare.token, "gitlab_runner_token": gitlab.token},
            "secrets_version": 1,
            "components": components,
            "connect_timeout_s": 120,
            "component_timeout_s": 900,
        })))
    }

    /// The request of one run more.
    fn request(&self) -> Result<Value> {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/uuid")?;
        let mut request = self.0.clone();
        request["run"] = json!(id.trim());
        Ok(request)
    }

    fn secrets(&self) -> impl Iterator<Item = (&String, &str)> {
        let secrets = self.0["secrets"].as_object().into_iter().flatten();
        secrets.filter_map(|(name, value)| Some((name, value.as_str()?)))
    }
}

/// How one process of the sweep ended.
enum End {
    Killed,
    Said(Option<i32>),
}

struct Sweep<'a> {
    order: Order,
    sandbox: &'a Sandbox,
    cluster: &'a Cluster,
    begun: Instant,
}

impl Sweep<'_> {
    fn to_the_end(&self, ledger: &mut Ledger) -> Result<()> {
        loop {
            ensure!(
                self.begun.elapsed() < PATIENCE,
                "the run does not end: {ledger:#?}"
            );
            match self.one_process(ledger)? {
                End::Killed => {}
                End::Said(Some(0)) => return Ok(()),
                // A component that lost its playbook twice, or a host that was away too often: the operator runs again.
                End::Said(code) => ledger.note_run_again(code),
            }
        }
    }

    fn one_process(&self, ledger: &mut Ledger) -> Result<End> {
        let mut process = Process::start(&self.order.request()?, self.sandbox)?;
        while let Some(envelope) = process.next()? {
            let Some(fault) = ledger.take(self.cluster, self.begun, &envelope)? else {
                continue;
            };
            match fault {
                Fault::Cut => self.disturb("drop_connections")?,
                Fault::Reboot => self.disturb("reboot")?,
                Fault::Kill => {
                    process.kill()?;
                    // What it had said while it was being killed. A line that it could not end says nothing.
                    while let Ok(Some(envelope)) = process.next() {
                        ledger.take_with_a_kill(self.cluster, &envelope)?;
                    }
                    return Ok(End::Killed);
                }
            }
        }
        Ok(End::Said(process.code()?))
    }

    fn disturb(&self, how: &str) -> Result<()> {
        self.sandbox
            .fault(&json!({"instance": {"label": "existing", how: true}}))
    }

    /// A run more says its first and its last event: every recorded digest is the wanted one.
    fn nothing_is_left_to_do(&self) -> Result<()> {
        let mut process = Process::start(&self.order.request()?, self.sandbox)?;
        let mut said = Vec::new();
        while let Some(envelope) = process.next()? {
            said.push(envelope.event);
        }
        ensure!(
            process.code()? == Some(0) && said.len() == 2,
            "there was something left to do: {said:#?}"
        );
        Ok(())
    }
}
