//! The command line.

use crate::commands::{bundle, components, doctor, follow, report, run, status};
use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Runs the platform's Ansible playbooks on a host over SSH
#[derive(Debug, Parser)]
#[command(name = "slipway-bootstrap", version, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One bootstrap run: connect, upload, walk the graph of components
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArguments),
    /// Watch a run that goes on, also one that `terraform apply` started in another terminal
    #[command(after_help = FOLLOW_EXAMPLES)]
    Follow(FollowArguments),
    /// What the platform's journal says of each component
    #[command(after_help = STATUS_EXAMPLES)]
    Status(StatusArguments),
    /// Preflight: key, stock, DNS delegation, host, clock, cluster, tools; changes nothing
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArguments),
    /// The graph of components with versions and sizes
    Components(ComponentsArguments),
    /// One archive of playbooks, charts, image list, Ansible and Helm, for hosts without internet
    #[command(after_help = BUNDLE_EXAMPLES)]
    Bundle(BundleArguments),
    /// A redacted archive of a run, for a bug report
    Report(ReportArguments),
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// The request, one JSON object; `-` reads it from stdin. It holds secrets: a file should have mode 600
    #[arg(long, value_name = "FILE|-")]
    pub(crate) request: PathBuf,
    /// Run the playbooks of this folder or archive instead of those in the binary; it has a components.yaml
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) bundle: Option<PathBuf>,
    /// Run this component whatever its record says; may be given more than once
    #[arg(long, value_name = "COMPONENT")]
    pub(crate) force: Vec<String>,
    /// Write events as JSON lines also when stdout is a terminal
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `follow`.
#[derive(Debug, Args)]
pub(crate) struct FollowArguments {
    /// The run, by its id or the beginning of it; without one the run that goes on, or the last one
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) access: ClusterAccess,
    /// Write the events from the first one on, one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    pub(crate) access: ClusterAccess,
    /// Write one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `doctor`. The API key comes from `VULTR_API_KEY`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// The request of the run that is planned; `-` reads it from stdin
    #[arg(long, value_name = "FILE|-")]
    pub(crate) request: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) access: ClusterAccess,
    /// The region whose stock is looked at; by default the request's
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// The plan that must be in stock there
    #[arg(long)]
    pub(crate) plan: Option<String>,
    /// The domain that must be delegated; by default the request's
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// The resolver that is asked; by default the one of this machine
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) resolver: Option<SocketAddr>,
    /// Address of the Vultr API, for a private endpoint or the sandbox
    #[arg(long, value_name = "URL", env = "SLIPWAY_API_URL")]
    pub(crate) api_url: Option<String>,
    /// Write one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `components`.
#[derive(Debug, Args)]
pub(crate) struct ComponentsArguments {
    /// The catalogue of this folder or archive instead of the one in the binary
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) bundle: Option<PathBuf>,
    /// Write one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `bundle`.
#[derive(Debug, Args)]
pub(crate) struct BundleArguments {
    /// The archive that is made
    #[arg(long, value_name = "FILE", default_value = "slipway-bundle.tar.gz")]
    pub(crate) out: PathBuf,
    /// The playbooks of this folder or archive instead of those in the binary
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) bundle: Option<PathBuf>,
    /// Fetch charts from this repository, and write beside each image its place in this registry
    #[arg(long, value_name = "URL")]
    pub(crate) mirror: Option<String>,
    /// This component and what it reads; may be given more than once. By default those of a platform that names none
    #[arg(long, value_name = "COMPONENT")]
    pub(crate) component: Vec<String>,
    /// Leave out Ansible and Helm: the hosts have them, or an index that they reach has
    #[arg(long)]
    pub(crate) without_runtime: bool,
    /// The version of Python that the hosts have
    #[arg(long, value_name = "VERSION", default_value = "3.11")]
    pub(crate) python: String,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// The run, by its id or the beginning of it; without one the last one
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) access: ClusterAccess,
    /// Replace this text, for example a domain; may be given more than once
    #[arg(long, value_name = "TEXT")]
    pub(crate) hide: Vec<String>,
    /// The archive that is made
    #[arg(long, value_name = "FILE", default_value = "slipway-report.tar.gz")]
    pub(crate) out: PathBuf,
}

/// The way to the platform's cluster.
#[derive(Debug, Args)]
pub(crate) struct ClusterAccess {
    /// The kubeconfig of the platform's cluster; `-` reads it from stdin. Its text never goes to an argument
    #[arg(long, value_name = "FILE|-", env = "KUBECONFIG")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

impl ClusterAccess {
    /// The text of the kubeconfig.
    pub(crate) fn read(&self) -> io::Result<SecretString> {
        let path = self.kubeconfig.as_deref().ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "none was given (--kubeconfig or KUBECONFIG)",
            )
        })?;
        let mut text = Zeroizing::new(String::new());
        if path == Path::new("-") {
            io::stdin().read_to_string(&mut text)?;
        } else {
            std::fs::File::open(path)?.read_to_string(&mut text)?;
        }
        Ok(SecretString::from(text.as_str()))
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every component is as wanted
  1  a component failed
  2  the request is bad; nothing was done
  3  the host or the cluster cannot be reached
  4  stopped by the caller (SIGTERM, SIGINT, or stdout closed)
  5  another run of the platform is going on; nothing was done";

const RUN_EXAMPLES: &str = "\
Examples:
  slipway-bootstrap run --request request.json
      with a live view on a terminal (progress on stderr; NO_COLOR is honoured)
  make-request | slipway-bootstrap run --request - --json | jq -r 'select(.event == \"component_finished\")'
      one JSON event a line on stdout
  slipway-bootstrap run --request request.json --bundle ./playbooks --force kong
      with playbooks of your own, and kong even if it is recorded as done

Components that are recorded in the cluster with the wanted digest are not run again.
RUST_LOG=info says more on stderr; it never shows a secret.

Exit codes: 0 done, 1 a component failed, 2 bad request, 3 host or cluster unreachable, 4 stopped by the caller,
5 another run of the platform is going on";

const FOLLOW_EXAMPLES: &str = "\
Examples:
  slipway-bootstrap follow
      the run that goes on on this machine: components, current task, time, time that is left
  slipway-bootstrap follow 6f2c8a0e --json | jq -r .event
      the events of one run from the first one on, while it goes on and after it has ended
  slipway-bootstrap follow --kubeconfig platform.yaml
      a run of another machine: as much of it as the journal in the cluster says

The exit code is the run's own.";

const STATUS_EXAMPLES: &str = "\
Examples:
  slipway-bootstrap status --kubeconfig platform.yaml
  get-kubeconfig | slipway-bootstrap status --kubeconfig - --json | jq '.components.kong.outcome'";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  VULTR_API_KEY=... slipway-bootstrap doctor --region ams --plan vc2-4c-8gb --domain platform.acme.example
  slipway-bootstrap doctor --request request.json --json | jq -r '.findings[] | select(.verdict == \"failed\") | .code'

Exit codes: 0 nothing failed, 1 a check failed, 2 the question was bad.";

const BUNDLE_EXAMPLES: &str = "\
Examples:
  slipway-bootstrap bundle --out slipway.tar.gz
      on a machine with internet, with Helm 3 and Python's pip on its PATH
  slipway-bootstrap run --request request.json --bundle slipway.tar.gz
      on one without: neither a chart repository nor a package index is asked, by it or by the host

images.txt in the archive lists the images; with --mirror each one with its place in that registry.";

/// Does what the command line says; the exit code is the outcome.
pub async fn run_command(arguments: Arguments) -> ExitCode {
    match arguments.command {
        Command::Run(arguments) => run::run(arguments).await,
        Command::Follow(arguments) => follow::run(arguments).await,
        Command::Status(arguments) => status::run(arguments).await,
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::Components(arguments) => components::run(&arguments),
        Command::Bundle(arguments) => bundle::run(&arguments),
        Command::Report(arguments) => report::run(arguments).await,
    }
}
