//! Playbooks on a host that was there before, with a key or with an SSH agent, and on this machine: no server is made for
//! a run, and the key stands nowhere.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use slipway_tests::{
    Call, Cluster, ExistingHost, Sandbox, SandboxOptions, Terraform, configuration, engines, until,
};

const AGENT: &str = "SSH_AUTH_SOCK";
/// A host key that no host has.
const OTHER_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

/// A platform with one component, whose values decide whether it runs again, and `bootstrap` as it stands there.
fn platform(bootstrap: &str, round: u32) -> String {
    let values = format!(
        "crossplane = {{ enabled = true, values = \"slipway: {{ wait_seconds: {} }}\" }}",
        600 + round
    );
    configuration::platform("existing", &["crossplane"])
        .replace("crossplane = { enabled = true }", &values)
        .replace("  components = {", &format!("{bootstrap}  components = {{"))
        + "\nvariable \"login\" {\n  type      = string\n  ephemeral = true\n  default   = null\n}\n"
}

#[test]
fn a_host_of_the_users_takes_the_place_of_a_server() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let host = ExistingHost::raise(&sandbox)?;
    let key = std::fs::read_to_string(host.login_key())?;
    let with_key = host.attribute("    private_key_wo = var.login\n")?;
    let mark = sandbox.mark()?;

    let wrong = with_key.replace(&host.host_key()?, OTHER_KEY);
    let mut terraform = Terraform::new(&sandbox, &platform(&wrong, 0))?;
    terraform.unset(AGENT);
    let variables = serde_json::json!({ "login": key });
    std::fs::write(
        terraform.folder().join("terraform.tfvars.json"),
        variables.to_string(),
    )?;
    let said = terraform.apply()?.failed()?.text();
    ensure!(
        said.contains("SLW-311") && said.matches("Error:").count() == 1,
        "{said}"
    );

    terraform.configure(&platform(&with_key, 0))?;
    terraform.apply()?.ok()?;
    let first = run_of(&sandbox)?;
    ensure!(
        terraform.plan()?.code == 0,
        "the plan after it is not empty"
    );
    let state = std::fs::read_to_string(terraform.folder().join("terraform.tfstate"))?;
    let secret = key.lines().nth(2).context("a key of fewer lines")?;
    ensure!(
        state.contains(host.address()) && !state.contains(secret),
        "the key is in the state"
    );

    let by_agent = host.attribute("")?;
    terraform.configure(&platform(&by_agent, 1))?;
    let said = terraform.apply()?.failed()?.text();
    ensure!(said.contains("SLW-354") && said.contains(AGENT), "{said}");
    let agent = Agent::with(&host)?;
    terraform.set(AGENT, &agent.socket);
    terraform.apply()?.ok()?;
    let second = run_of(&sandbox)?;
    ensure!(first != second, "the changed values did not run");

    // The programs of this machine, as somebody has them who runs playbooks on it.
    terraform.unset(AGENT);
    let tools = engines()?;
    let path = std::env::var("PATH")?;
    terraform.set(
        "PATH",
        &format!(
            "{}:{}:{path}",
            tools.join("venv/bin").display(),
            tools.display()
        ),
    );
    terraform.set("HOME", &host.folder().display().to_string());
    terraform.configure(&platform("  bootstrap = { connection = \"local\" }\n", 2))?;
    terraform.apply()?.ok()?;
    ensure!(
        run_of(&sandbox)? != second,
        "the changed values did not run"
    );
    ensure!(
        ran_on_this_machine(host.folder())?,
        "this machine ran no playbook, or keeps its secrets"
    );

    let made = |call: &&Call| call.method == "POST" && call.path.contains("/instances");
    let calls = sandbox.journal(mark)?;
    ensure!(
        !calls.iter().any(|call| made(&call)),
        "a server was made: {calls:#?}"
    );
    terraform.destroy()?.ok()?;
    ensure!(sandbox.count("instance")? == 1, "the user's host is gone");
    host.remove(&sandbox)
}

/// The run that the component's record names, which ended well.
fn run_of(sandbox: &Sandbox) -> Result<String> {
    let journal = Cluster::only(sandbox)?.journal()?;
    let record = journal
        .get("crossplane")
        .context("crossplane is not recorded")?;
    ensure!(record["outcome"] == "ok", "{record:?}");
    Ok(record["run"].clone())
}

/// Whether a playbook ran on this machine with `home` as its home, and left nothing in memory.
fn ran_on_this_machine(home: &Path) -> Result<bool> {
    let job = home.join(".slipway/jobs/crossplane");
    let mark = run_report::canonical::sha256_hex(job.display().to_string().as_bytes());
    let left = std::fs::read_dir("/dev/shm")?
        .filter_map(Result::ok)
        .any(|entry| entry.file_name().to_string_lossy().contains(&mark[..16]));
    Ok(job.is_dir() && !left)
}

/// An SSH agent that holds the host's login key.
struct Agent {
    process: Child,
    socket: String,
}

impl Agent {
    fn with(host: &ExistingHost) -> Result<Self> {
        let socket = host.folder().join("agent").display().to_string();
        let process = Command::new("ssh-agent")
            .args(["-D", "-a", &socket])
            .stdout(Stdio::null())
            .spawn()?;
        let agent = Self { process, socket };
        until(
            "the agent listens",
            || Ok(Path::new(&agent.socket).exists()),
        )?;
        let added = Command::new("ssh-add")
            .arg("-q")
            .arg(host.login_key())
            .env(AGENT, &agent.socket)
            .status()?;
        ensure!(added.success(), "ssh-add ended with {added}");
        Ok(agent)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
