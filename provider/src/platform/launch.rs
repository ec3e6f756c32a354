//! Making a platform, or going on with one: observes, asks for the next step, takes it, and records what exists.

use std::collections::BTreeMap;
use std::time::Duration;

use run_report::{Catalog, JournalRecord, Wanted};
use secrecy::SecretString;
use tfplugin::{Diagnostics, Object, PartialState, Stop};
use tokio::time::Instant;
use uuid::Uuid;
use vultr::{Client, Cluster, Vpc, Wait};

use super::sequence::{Goal, Observed, SeenCluster, SeenVpc, Step, next};
use super::settings::Settings;
use super::status::{self, Statuses};
use super::{Phase, TYPE_NAME, census, components, record};
use crate::allowance::Allowance;
use crate::bootstrap_host::{self, Job};
use crate::bootstrap_place::Bootstrap;
use crate::fault::{self, Fault};
use crate::import_words::import_words;
use crate::mark::Mark;
use crate::session::{Session, cloud};
use crate::upgrade;

/// Everything one launch needs.
pub(crate) struct Launch<'a> {
    pub(crate) session: &'a Session,
    pub(crate) client: &'a Client,
    pub(crate) catalog: &'a Catalog,
    pub(crate) settings: Settings,
    pub(crate) wanted: BTreeMap<String, Wanted>,
    /// The settings to write down in the cluster.
    pub(crate) record: String,
    pub(crate) secrets: BTreeMap<String, SecretString>,
    pub(crate) bootstrap: Bootstrap,
    pub(crate) goal: Goal,
    pub(crate) run: Uuid,
    pub(crate) partial: &'a PartialState,
    pub(crate) stop: &'a Stop,
    pub(crate) deadline: Instant,
}

/// What stands when a launch has ended, for the state.
#[derive(Debug, Default, Clone)]
pub(crate) struct Standing {
    pub(crate) vpc: Option<String>,
    pub(crate) cluster: Option<String>,
    pub(crate) endpoint: Option<String>,
    /// The plan of the first pool's nodes.
    pub(crate) system_plan: Option<String>,
    pub(crate) statuses: Option<Statuses>,
    /// The journal as it was read last.
    pub(crate) journal: Option<BTreeMap<String, JournalRecord>>,
    /// Why the settings could not be written down, if they could not.
    pub(crate) unrecorded: Option<Fault>,
}

impl Standing {
    /// Writes what stands into a state.
    pub(crate) fn write(&self, state: &mut Object) {
        state.set("vpc_id", self.vpc.clone());
        state.set("cluster_id", self.cluster.clone());
        state.set("endpoint", self.endpoint.clone());
    }
}

impl Launch<'_> {
    /// Takes steps until nothing is left to do.
    pub(crate) async fn run(&self) -> Result<Standing, Diagnostics> {
        let (mut seen, mut standing) = self.observe().await?;
        self.record(&standing);
        while let Some(step) = next(&self.goal, &seen) {
            let platform = format!("platform {}", self.settings.id);
            self.allowance().check(&platform, step.describe())?;
            self.take(step, &mut seen, &mut standing).await?;
            self.record(&standing);
        }
        self.session.changed(standing.cluster.as_deref());
        Ok(standing)
    }

    /// Looks for what carries the mark, in complete and fresh listings.
    async fn observe(&self) -> Result<(Observed, Standing), Diagnostics> {
        let found = census::take(self.client, &self.settings.id).await?;
        let mut seen = Observed {
            hosts: found.hosts,
            ..Observed::default()
        };
        let mut standing = Standing::default();
        if let Some((vpc, mark)) = found.vpc {
            self.refuse_other(&vpc, &mark)?;
            standing.vpc = Some(vpc.id.clone());
            seen.vpc = Some(SeenVpc { id: vpc.id, mark });
        }
        if let Some(cluster) = found.cluster {
            if seen.vpc.is_none() {
                return Err(self.lost_network(&cluster).into());
            }
            let status = self.client.cluster(&cluster.id).await;
            let status = status
                .map_err(|error| cloud(&format!("reading cluster {}", cluster.id), &error))?;
            if let Some(cluster) = status {
                standing.cluster = Some(cluster.id.clone());
                standing.endpoint = endpoint(&cluster);
                // What is said to be active is believed only after the wait has seen it with its nodes.
                seen.cluster = Some(SeenCluster {
                    active: false,
                    ..seen_cluster(&cluster)
                });
            }
        }
        Ok((seen, standing))
    }

    /// A create continues only its own unfinished platform, with the settings that cannot change.
    fn refuse_other(&self, vpc: &Vpc, mark: &Mark) -> Result<(), Fault> {
        let id = &self.settings.id;
        if self.goal.incarnation.is_none() {
            return Ok(());
        }
        if matches!(mark, Mark::Finished(_)) {
            return Err(Fault::new(
                fault::PLATFORM_EXISTS,
                format!(
                    "The account holds a finished platform {id} already (VPC {}). No mark tells whose it is: a create that was cut off after its last call, and whose state is lost, leaves the same as another team's. {}\nIf it is not, choose another name.",
                    vpc.id,
                    import_words(TYPE_NAME, id.as_str())
                ),
            )
            .at("name"));
        }
        if vpc.region != self.settings.region || vpc.cidr() != self.settings.network.to_string() {
            return Err(Fault::new(
                fault::PLATFORM_EXISTS,
                format!(
                    "An unfinished platform {id} stands in region {} with network {} (VPC {}), and region {} with network {} is asked for. Apply with the old settings to continue it, then change them; or delete it in the Vultr console; or choose another name.",
                    vpc.region, vpc.cidr(), vpc.id, self.settings.region, self.settings.network
                ),
            )
            .at("name"));
        }
        Ok(())
    }

    fn lost_network(&self, cluster: &Cluster) -> Fault {
        Fault::new(
            fault::HALF_GONE,
            format!(
                "Cluster {} of platform {} is there and its VPC is not. Vultr cannot move a cluster into another VPC: destroy the platform and create it again, or give its VPC the description {:?} back.",
                cluster.id,
                self.settings.id,
                self.settings.id.mark()
            ),
        )
    }

    async fn take(
        &self,
        step: Step,
        seen: &mut Observed,
        standing: &mut Standing,
    ) -> Result<(), Diagnostics> {
        match step {
            Step::RemoveHost(host) => {
                bootstrap_host::remove(self.client, &host).await?;
                seen.hosts.retain(|other| *other != host);
            }
            Step::CreateVpc => self.create_vpc(seen, standing).await?,
            Step::TakeOver { vpc } => self.take_over(&vpc, seen).await?,
            Step::CreateCluster { vpc } => self.create_cluster(&vpc, seen, standing).await?,
            Step::AwaitCluster { cluster } => self.await_cluster(&cluster, seen, standing).await?,
            Step::Upgrade { cluster } => self.upgrade(&cluster, seen).await?,
            Step::SettlePool { cluster } => self.settle_pool(&cluster, seen, standing).await?,
            Step::ReadJournal { cluster } => {
                let records = self.journal(&cluster).await?;
                self.note(records, seen, standing);
            }
            Step::RunComponents { cluster, vpc, .. } => {
                self.run_components(&cluster, &vpc, seen, standing).await?;
            }
            Step::Record { cluster } => {
                let kept = record::keep(self.session, &self.settings.id, &cluster, &self.record);
                standing.unrecorded = kept.await.err();
                seen.recorded = true;
            }
            Step::Finish { vpc } => {
                self.describe_vpc(&vpc, &self.settings.id.mark()).await?;
                if let Some(vpc) = &mut seen.vpc {
                    vpc.mark = Mark::Finished(self.settings.id.clone());
                }
            }
        }
        Ok(())
    }

    async fn journal(&self, cluster: &str) -> Result<BTreeMap<String, JournalRecord>, Fault> {
        let access = self.session.access(cluster).await?;
        access
            .journal()
            .await
            .map_err(|error| crate::session::unreachable(cluster, &error))
    }

    fn note(
        &self,
        records: BTreeMap<String, JournalRecord>,
        seen: &mut Observed,
        standing: &mut Standing,
    ) {
        let mut statuses = status::recorded(&records, None, &Statuses::new());
        statuses.retain(|name, _| self.wanted.contains_key(name));
        standing.statuses = Some(statuses);
        seen.due = Some(status::due(&self.wanted, &records).into_keys().collect());
        standing.journal = Some(records);
    }

    fn job(&self) -> Job<'_> {
        let settings = &self.settings;
        let mut components = components::requests(self.catalog, &settings.components);
        components.retain(|component| component.enabled);
        Job {
            session: self.session,
            client: self.client,
            id: &settings.id,
            region: &settings.region,
            domain: &settings.domain,
            components,
            forced: None,
            bootstrap: &self.bootstrap,
            secrets: &self.secrets,
            secrets_version: settings.secrets_version,
            run: self.run,
            allowance: self.allowance(),
            // The log has it all.
            tell: &|_| (),
        }
    }

    /// Runs the components on a host that lives only for this step, and believes the journal about the outcome.
    async fn run_components(
        &self,
        cluster: &str,
        vpc: &str,
        seen: &mut Observed,
        standing: &mut Standing,
    ) -> Result<(), Diagnostics> {
        let run = bootstrap_host::run(&self.job(), cluster, vpc).await;
        if let Ok(records) = self.journal(cluster).await {
            self.note(records, seen, standing);
        }
        // What is recorded must be in the state also when the run has failed.
        self.record(standing);
        run?;
        match &seen.due {
            Some(due) if !due.is_empty() => Err(Fault::new(
                fault::RUN_FAILED,
                format!(
                    "slipway-bootstrap ended well, and the journal does not record {} as done. Apply again; if it stays so, provider and slipway-bootstrap are of different releases.",
                    due.iter().cloned().collect::<Vec<_>>().join(", ")
                ),
            )
            .into()),
            _ => Ok(()),
        }
    }

    /// The operation's time and the wish to stop.
    pub(super) fn allowance(&self) -> Allowance<'_> {
        Allowance::until(self.deadline, self.stop)
    }

    /// A wait that ends with the operation's time or with a stop.
    pub(crate) fn wait(&self) -> Wait {
        self.client.wait(self.left()).stopped_by(self.stop.token())
    }

    /// The time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.allowance().left()
    }

    /// Tells Terraform what exists by now; this is the state if nothing more is heard.
    fn record(&self, standing: &Standing) {
        if standing.vpc.is_none() && standing.cluster.is_none() {
            return;
        }
        let statuses = standing.statuses.clone();
        self.partial.record(|state| {
            standing.write(state);
            state.set("id", self.settings.id.as_str());
            match &self.goal.incarnation {
                Some(incarnation) => {
                    state.set("phase", Phase::Incomplete.as_str());
                    state.set("incarnation", incarnation.as_str());
                    status::write(statuses.unwrap_or_default(), state);
                }
                None => {
                    if let Some(statuses) = statuses {
                        status::write(statuses, state);
                    }
                }
            }
        });
    }
}

impl Step {
    /// The step in the words of a log and of an error.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::RemoveHost(_) => "remove a bootstrap host that was left",
            Self::CreateVpc => "create the VPC",
            Self::TakeOver { .. } => "mark the VPC as ours",
            Self::CreateCluster { .. } => "create the cluster",
            Self::AwaitCluster { .. } => "wait for the cluster",
            Self::Upgrade { .. } => "upgrade the cluster",
            Self::SettlePool { .. } => "settle the first node pool",
            Self::ReadJournal { .. } => "read which components are installed",
            Self::RunComponents { .. } => "run the components",
            Self::Record { .. } => "write down its settings",
            Self::Finish { .. } => "mark the platform as finished",
        }
    }
}

/// What a sequence goes by of a cluster.
pub(super) fn seen_cluster(cluster: &Cluster) -> SeenCluster {
    SeenCluster {
        id: cluster.id.clone(),
        active: true,
        build: cluster.version.clone(),
        upgrading: upgrade::going_on(cluster).is_some(),
    }
}

/// The address of the API server.
pub(crate) fn endpoint(cluster: &Cluster) -> Option<String> {
    (!cluster.endpoint.is_empty()).then(|| format!("https://{}:6443", cluster.endpoint))
}
