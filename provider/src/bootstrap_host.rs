//! The bootstrap host: a small server in the platform's VPC that lives only while playbooks run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use run_report::{
    ComponentRequest, Connection, Failure, Host, Outcome, PROTOCOL_VERSION, Platform, Request,
};
use secrecy::SecretString;
use tfplugin::{Diagnostic, Diagnostics};
use uuid::Uuid;
use vultr::{Client, CreateInstance};

use crate::allowance::Allowance;
use crate::bootstrap_place::{Bootstrap, Place};
use crate::bootstrap_run::{self, Orders, Report};
use crate::catalogue::PlanOffer;
use crate::cloud_init;
use crate::fault::{self, Fault};
use crate::host_keys::RunKeys;
use crate::mark::PlatformId;
use crate::session::{Session, cloud};
use crate::stock::Market;
use crate::upgrade::Tell;

/// Name of the image; its number changes with point releases.
const IMAGE: &str = "Debian 12 x64";
/// Family and memory of the smallest plan that carries Ansible.
const FAMILY: &str = "vc2";
const MEMORY_MB: u64 = 2048;
const USER: &str = "root";
const PORT: u16 = 22;
/// How long a new host may take to answer SSH.
const CONNECT_WITHIN: Duration = Duration::from_mins(5);
/// How long one component may take.
const COMPONENT_WITHIN: Duration = Duration::from_mins(30);
/// How long the removal of the host may take, also when everything else was stopped.
const REMOVE_WITHIN: Duration = Duration::from_mins(10);

/// What a host is raised for.
pub(crate) struct Job<'a> {
    pub(crate) session: &'a Session,
    pub(crate) client: &'a Client,
    pub(crate) id: &'a PlatformId,
    pub(crate) region: &'a str,
    pub(crate) domain: &'a str,
    /// The components to look at: the child holds them against the journal itself, and needs the others as inputs.
    pub(crate) components: Vec<ComponentRequest>,
    /// One that runs whatever the journal says.
    pub(crate) forced: Option<&'a str>,
    /// Where the playbooks run.
    pub(crate) bootstrap: &'a Bootstrap,
    pub(crate) secrets: &'a BTreeMap<String, SecretString>,
    pub(crate) secrets_version: u64,
    pub(crate) run: Uuid,
    pub(crate) allowance: Allowance<'a>,
    pub(crate) tell: Tell<'a>,
}

/// Runs what is due where the user wants it. A host that is raised for it is removed whatever happened.
pub(crate) async fn run(job: &Job<'_>, cluster: &str, vpc: &str) -> Result<(), Diagnostics> {
    let program = job.session.bootstrap_program()?;
    job.bootstrap.require_ready()?;
    let mut problems = Diagnostics::new();
    let report = match &job.bootstrap.place {
        Place::Instance => on_new_host(job, cluster, vpc, &program, &mut problems).await?,
        Place::Standing(host) => {
            problems.collect(drive(job, cluster, (**host).clone(), &program).await)
        }
    };
    if let Some(report) = report {
        judge(&report, &job.bootstrap.place, &mut problems);
    }
    problems.into_result()
}

async fn on_new_host(
    job: &Job<'_>,
    cluster: &str,
    vpc: &str,
    program: &Path,
    problems: &mut Diagnostics,
) -> Result<Option<Report>, Diagnostics> {
    let keys = RunKeys::generate().map_err(|error| {
        Fault::new(
            fault::RUN_FAILED,
            format!("The keys of the bootstrap host cannot be made: {error}."),
        )
    })?;
    let wanted = specification(job, vpc, &keys).await?;
    let made = job.client.ensure_instance(&wanted).await;
    let host = made
        .map_err(|error| cloud("creating the bootstrap host", &error))?
        .into_inner();

    let ran = use_host(job, cluster, &host.id, &keys, program).await;
    let removed = remove(job.client, &host.id).await;
    let report = problems.collect(ran);
    if let Err(fault) = removed {
        problems.append(fault);
    }
    Ok(report)
}

/// Removes a host and waits until it is gone. A stop does not end this: a host left behind goes on costing.
pub(crate) async fn remove(client: &Client, host: &str) -> Result<(), Fault> {
    let gone = client
        .delete_instance_for_good(host, &client.wait(REMOVE_WITHIN))
        .await;
    gone.map_err(|error| cloud(&format!("removing bootstrap host {host}"), &error))
}

async fn use_host(
    job: &Job<'_>,
    cluster: &str,
    host: &str,
    keys: &RunKeys,
    program: &Path,
) -> Result<Report, Diagnostics> {
    let up = job
        .client
        .instance_up(host, &job.allowance.wait(job.client))
        .await;
    let host = up.map_err(|error| cloud(&format!("waiting for bootstrap host {host}"), &error))?;
    let host = Host {
        connection: Connection::Ssh,
        address: host.main_ip,
        port: PORT,
        user: USER.to_owned(),
        host_key: keys.host.public().to_owned(),
        login_key: Some(keys.login.private().clone()),
    };
    drive(job, cluster, host, program).await
}

/// Runs slipway-bootstrap against a host that stands, in the time that is left.
async fn drive(
    job: &Job<'_>,
    cluster: &str,
    host: Host,
    program: &Path,
) -> Result<Report, Diagnostics> {
    let request = request(job, cluster, host).await?;
    let token = job.allowance.stop().token();
    let orders = Orders {
        forced: job.forced,
        bundle: job.bootstrap.bundle.as_deref(),
        agent: job.bootstrap.needs_agent(),
    };
    let run = bootstrap_run::run(program, &request, orders, job.tell, token);
    match tokio::time::timeout(job.allowance.left(), run).await {
        Ok(report) => Ok(report?),
        Err(_) => Err(Fault::new(
            fault::TIMED_OUT,
            format!(
                "The components of platform {} were not done in time. Finished ones are recorded; apply again to go on with the rest, or raise timeouts.",
                job.id
            ),
        )
        .into()),
    }
}

/// The cheapest plan in stock that carries Ansible.
pub(crate) fn plan(market: &Market) -> Option<&PlanOffer> {
    market
        .in_stock()
        .filter(|plan| plan.kind == FAMILY && plan.memory_mb >= MEMORY_MB)
        .min_by_key(|plan| plan.price_in(market.region()))
}

async fn specification(
    job: &Job<'_>,
    vpc: &str,
    keys: &RunKeys,
) -> Result<CreateInstance, Diagnostics> {
    let market = Market::now(job.session, job.region).await?;
    let plan = plan(&market).ok_or_else(|| {
        Fault::new(
            fault::OUT_OF_STOCK,
            format!("Region {} has no {FAMILY} plan of 2 GB or more in stock, and the bootstrap host needs one. Apply again when there is stock.", job.region),
        )
    })?;
    let images = job.client.operating_systems().await;
    let images = images.map_err(|error| cloud("listing the images", &error))?;
    let image = images
        .iter()
        .find(|image| image.name.starts_with(IMAGE))
        .ok_or_else(|| {
            Fault::new(
                fault::RUN_FAILED,
                format!(
                    "Vultr offers no image {IMAGE:?} any more. Use a newer release of the provider."
                ),
            )
        })?;
    Ok(CreateInstance {
        region: job.region.to_owned(),
        plan: plan.id.clone(),
        os_id: image.id,
        label: job.id.host_label(),
        hostname: format!("slipway-{}-bootstrap", job.id),
        tags: job.id.host_tags(),
        user_data: Some(cloud_init::user_data(keys)),
        sshkey_id: Vec::new(),
        attach_vpc: vec![vpc.to_owned()],
        enable_ipv6: false,
        backups: false,
        activation_email: false,
    })
}

async fn request(job: &Job<'_>, cluster: &str, host: Host) -> Result<Request, Fault> {
    Ok(Request {
        v: PROTOCOL_VERSION,
        run: job.run,
        platform: Platform {
            id: job.id.to_string(),
            name: job.id.to_string(),
            region: job.region.to_owned(),
            domain: job.domain.to_owned(),
        },
        host,
        kubeconfig: job.session.kubeconfig(cluster).await?,
        chart_mirror: job.session.chart_mirror().map(str::to_owned),
        components: job.components.clone(),
        secrets: job.secrets.clone(),
        secrets_version: job.secrets_version,
        connect_timeout_s: CONNECT_WITHIN.as_secs(),
        component_timeout_s: COMPONENT_WITHIN.as_secs(),
    })
}

/// Turns the outcome of a run into what the user must know.
fn judge(report: &Report, place: &Place, problems: &mut Diagnostics) {
    for (component, failure) in &report.failures {
        problems.push(component_failed(component, failure.as_ref()));
    }
    let said = if report.stderr.is_empty() {
        String::new()
    } else {
        format!(
            "\nslipway-bootstrap said:\n  {}",
            report.stderr.join("\n  ")
        )
    };
    match report.outcome {
        Outcome::Done => {}
        Outcome::Failed if !report.failures.is_empty() => {}
        Outcome::Failed => problems.append(Fault::new(fault::RUN_FAILED, format!("The run ended before any component had begun. Mend the cause, then apply again.{said}"))),
        Outcome::BadRequest => problems.append(Fault::new(
            fault::RUN_FAILED,
            format!("slipway-bootstrap refused the request; provider and slipway-bootstrap must be of one release.{said}"),
        )),
        Outcome::Unreachable => problems.append(Fault::new(
            fault::HOST_UNREACHABLE,
            match place {
                Place::Instance => format!("The bootstrap host did not answer SSH, or not with the key that was given to it. Check that port 22 of new servers can be reached from here, then apply again.{said}"),
                Place::Standing(_) => format!("The host of `bootstrap` did not answer, showed another host key, did not let the user in, or its cluster did not answer. Check `bootstrap` with `ssh`, then apply again.{said}"),
            },
        )),
        Outcome::Busy => problems.append(Fault::new(
            fault::RUN_FAILED,
            format!("Another run of this platform is going on; nothing was done. Watch it with `slipway-bootstrap follow`, and apply again when it has ended.{said}"),
        )),
        Outcome::Stopped => problems.append(Fault::new(
            fault::STOPPED,
            "Stopped on request while components were running. Finished ones are recorded; apply again to go on with the rest.",
        )),
    }
}

fn component_failed(component: &str, failure: Option<&Failure>) -> Diagnostic {
    let Some(failure) = failure else {
        return Fault::new(
            fault::COMPONENT_FAILED,
            format!("Component {component} failed and did not say why. Apply again: the run goes on from it."),
        )
        .into();
    };
    let mut detail = format!("Component {component} failed.\n");
    for (what, value) in [
        ("play", &failure.play),
        ("task", &failure.task),
        ("host", &failure.host),
    ] {
        if let Some(value) = value {
            let _ = writeln!(detail, "  {what}: {value}");
        }
    }
    let _ = write!(
        detail,
        "Cause: {}\nWhat to do: {}\nThe platform is kept; after that, apply again: finished components do not run again.",
        failure.cause.trim(),
        failure.advice.trim()
    );
    Diagnostic::error(
        format!("{} ({})", fault::COMPONENT_FAILED.summary, failure.code),
        detail,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn report(outcome: Outcome, failure: Option<Failure>) -> Report {
        let failures = failure.map(|failure| ("kong".to_owned(), Some(failure)));
        Report {
            outcome,
            failures: failures.into_iter().collect::<BTreeMap<_, _>>(),
            stderr: vec!["last words".to_owned()],
        }
    }

    fn told(report: &Report) -> Diagnostics {
        let mut problems = Diagnostics::new();
        judge(report, &Place::Instance, &mut problems);
        problems
    }

    #[test]
    fn a_failed_component_is_one_diagnostic_with_everything_in_it() {
        let failure = Failure {
            play: Some("Install kong".to_owned()),
            task: Some("Wait for the gateway".to_owned()),
            host: Some("localhost".to_owned()),
            cause: "pod kong-0 is pending: no node has room".to_owned(),
            advice: "Raise system_pool.max_nodes.".to_owned(),
            code: "SLW-321".to_owned(),
        };
        let problems = told(&report(Outcome::Failed, Some(failure)));
        assert_eq!(problems.len(), 1);
        let text = problems.to_string();
        for part in [
            "kong",
            "Install kong",
            "Wait for the gateway",
            "localhost",
            "no node has room",
            "max_nodes",
            "SLW-321",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn every_other_outcome_is_told_once_and_success_not_at_all() {
        assert!(told(&report(Outcome::Done, None)).is_empty());
        for outcome in [
            Outcome::Failed,
            Outcome::BadRequest,
            Outcome::Unreachable,
            Outcome::Stopped,
            Outcome::Busy,
        ] {
            assert_eq!(told(&report(outcome, None)).len(), 1, "{outcome:?}");
        }
    }
}
