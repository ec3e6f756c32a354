//! `slipway_platform`: VPC, cluster and components as one resource that can be broken off anywhere and continued.

mod adoption;
mod census;
pub(crate) mod components;
mod inventory;
pub(crate) mod launch;
mod making;
mod moved;
mod order;
mod plan;
mod plan_build;
mod plan_components;
mod plan_destroy;
mod plan_nodes;
mod plan_upgrade;
mod proof;
pub(crate) mod read;
mod record;
mod running_costs;
mod schema;
mod sequence;
pub(crate) mod settings;
pub(crate) mod status;
mod storage;
mod system_pool;
mod teardown;

use jiff::Timestamp;
use serde_json::Value as Json;
use tfplugin::{
    Create, Delete, DeleteReason, Diagnostic, Diagnostics, IdentitySchema, Import, MoveSource,
    Object, Plan, PlanDestroy, Read, Resource, Schema, Type, Update, async_trait,
};
use tokio::time::Instant;

use self::order::Order;
use self::plan::text;
use self::read::Linked;
use self::settings::Operation;
use self::status::Statuses;
use self::teardown::{Known, Teardown};
use crate::component_catalog;
use crate::environments::Farewell;
use crate::fault::{self, Fault};
use crate::mark::PlatformId;
use crate::session::{Session, cloud};

/// How far a platform in the state has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its create is unfinished.
    Incomplete,
    /// It was finished, and an update was broken off or a part is lost.
    Unsettled,
    /// It is as wanted.
    Ready,
}

impl Phase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::Unsettled => "unsettled",
            Self::Ready => "ready",
        }
    }

    /// The phase that a state tells.
    fn of(state: &Object) -> Self {
        match state.value("phase").as_str() {
            Some("incomplete") => Self::Incomplete,
            Some("unsettled") => Self::Unsettled,
            _ => Self::Ready,
        }
    }
}

/// How configurations call a platform.
pub(crate) const TYPE_NAME: &str = "slipway_platform";

/// The resource type.
pub(crate) struct PlatformResource;

#[async_trait]
impl Resource<Session> for PlatformResource {
    fn type_name(&self) -> &'static str {
        TYPE_NAME
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn identity(&self) -> Option<IdentitySchema> {
        Some(IdentitySchema::new().required("id", Type::String, "The platform's name."))
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        let mut faults = settings::check(config);
        if let Some(catalog) = faults.collect(component_catalog::embedded()) {
            faults.append(components::check(catalog, config));
        }
        faults
    }

    async fn plan(&self, op: &mut Plan<Session>) -> Result<(), Diagnostics> {
        plan::plan(component_catalog::embedded()?, op).await
    }

    async fn plan_destroy(&self, op: &mut PlanDestroy<Session>) -> Result<(), Diagnostics> {
        plan_destroy::plan_destroy(op).await
    }

    async fn create(&self, op: &mut Create<Session>) -> Result<Object, Diagnostics> {
        let order = Order {
            session: &op.client,
            planned: &op.planned,
            config: &op.config,
            partial: &op.partial,
            stop: &op.stop,
            operation: Operation::Create,
            unfinished: true,
            components: true,
        };
        order.carry_out(&mut op.private, &mut op.warnings).await
    }

    async fn read(&self, op: &mut Read<Session>) -> Result<Option<Object>, Diagnostics> {
        read::read(op).await
    }

    async fn update(&self, op: &mut Update<Session>) -> Result<Object, Diagnostics> {
        moved::require_free(op).await?;
        give_marks_back(op).await?;
        let touched = [
            "phase",
            "kubernetes_build",
            "component_status",
            "system_pool",
        ]
        .iter()
        .any(|name| op.changed(name));
        if !touched {
            if record::changes(&op.prior, &op.planned)
                && let Some(unrecorded) = record_alone(op).await?
            {
                op.warnings.push(unrecorded.into_warning());
            }
            return Ok(op.planned.clone());
        }
        let phase = Phase::of(&op.prior);
        let order = Order {
            session: &op.client,
            planned: &op.planned,
            config: &op.config,
            partial: &op.partial,
            stop: &op.stop,
            operation: Operation::Update,
            unfinished: phase == Phase::Incomplete,
            components: phase != Phase::Ready || op.changed("component_status"),
        };
        order.carry_out(&mut op.private, &mut op.warnings).await
    }

    async fn delete(&self, op: &mut Delete<Session>) -> Result<(), Diagnostics> {
        if op.reason == DeleteReason::Replace && adoption::continues(&op.state, &op.private) {
            tracing::info!(
                "the platform is unfinished and its replacement is the same: everything is kept for it"
            );
            return Ok(());
        }
        moved::require_name(&op.state)?;
        plan_destroy::refuse_protected(&op.state)?;
        let name: String = op.state.get("id")?;
        let id = PlatformId::parse(&name)
            .map_err(|bad| Fault::new(fault::BAD_NAME, format!("id: {bad}.")))?;
        let session = op.client.clone();
        let client = session.vultr().await?;
        if !owned_still(op, &id).await? {
            return Ok(());
        }
        let policy = settings::on_destroy(&op.state)?;
        let cluster = text(&op.state, "cluster_id");
        let mut linked = Linked::known(client, &op.private, cluster.as_deref()).await?;
        if let Some(standing) = standing_cluster(client, cluster.as_deref()).await? {
            linked.look_closer(client, &standing).await?;
        }
        linked.keep(&mut op.private);
        let deadline = Instant::now() + settings::timeout(&op.state, Operation::Delete)?;
        let wait = client
            .wait(deadline.saturating_duration_since(Instant::now()))
            .stopped_by(op.stop.token());
        let farewell = Farewell {
            session: &session,
            platform: &id,
            cluster: cluster.as_deref(),
            vpc: op.state.value("vpc_id").as_str(),
            region: op.state.value("region").as_str().unwrap_or_default(),
            has_store: has_claim_store(&op.state)?,
            choice: &settings::environments_on_destroy(&op.state)?,
            now: Timestamp::now(),
        };
        for warning in farewell.say(wait, linked.kept_by(policy)).await? {
            op.warnings.push(warning);
        }
        let teardown = Teardown {
            session: &session,
            client,
            id,
            policy,
            linked,
            known: Known {
                vpc: text(&op.state, "vpc_id"),
                cluster,
            },
            stop: &op.stop,
            deadline,
        };
        let result = teardown.run().await;
        op.client.changed(teardown.known.cluster.as_deref());
        for warning in result? {
            op.warnings.push(warning);
        }
        Ok(())
    }

    async fn import(&self, op: &mut Import<Session>) -> Result<Object, Diagnostics> {
        let name = op.text("id")?;
        PlatformId::parse(&name).map_err(|bad| {
            Fault::new(
                fault::BAD_IMPORT,
                format!("A platform is imported by its name: {bad}."),
            )
        })?;
        Ok(Object::new().with("id", name))
    }

    /// An older state only lacks attributes, and an absent one is null.
    fn upgrade(&self, stored_version: i64, state: Json) -> Result<Json, Diagnostics> {
        if (0..schema::VERSION).contains(&stored_version) {
            return Ok(state);
        }
        Err(Fault::new(
            fault::NEWER_STATE,
            format!(
                "The state of this platform has version {stored_version} of its schema, and this release of the provider reads up to {}. Use the release that wrote it, or a newer one.",
                schema::VERSION
            ),
        )
        .into())
    }

    fn move_from(&self, source: &MoveSource) -> Result<Option<Object>, Diagnostics> {
        moved::from(source)
    }
}

/// Writes down the settings of a platform of which nothing else changes. Why it could not, if it could not.
async fn record_alone(op: &Update<Session>) -> Result<Option<Fault>, Diagnostics> {
    let (Some(name), Some(cluster)) = (text(&op.planned, "id"), text(&op.planned, "cluster_id"))
    else {
        return Ok(None);
    };
    let id = PlatformId::parse(&name)
        .map_err(|bad| Fault::new(fault::BAD_NAME, format!("id: {bad}.")))?;
    let record = record::written(&op.planned)?;
    Ok(record::keep(&op.client, &id, &cluster, &record).await.err())
}

/// The cluster that the state knows, if it is still there.
async fn standing_cluster(
    client: &vultr::Client,
    id: Option<&str>,
) -> Result<Option<vultr::Cluster>, Fault> {
    let Some(id) = id else { return Ok(None) };
    let found = client.cluster(id).await;
    found.map_err(|error| cloud(&format!("reading cluster {id}"), &error))
}

/// Whether the state says that the component with the claim store runs.
fn has_claim_store(state: &Object) -> Result<bool, Diagnostics> {
    let statuses: Option<Statuses> = state.get("component_status")?;
    Ok(statuses.is_some_and(|statuses| statuses.contains_key("minio")))
}

/// Restores marks that were changed outside; everything else goes by them.
async fn give_marks_back(op: &Update<Session>) -> Result<(), Diagnostics> {
    if !op.changed("mark") {
        return Ok(());
    }
    let mark: String = op.planned.get("mark")?;
    let client = op.client.vultr().await?;
    if let Some(cluster) = text(&op.prior, "cluster_id") {
        let change = match client.update_cluster_label(&cluster, &mark).await {
            // A lost cluster is made anew, with its mark.
            Err(error) if error.is_not_found() => Ok(()),
            change => change,
        };
        change
            .map_err(|error| cloud(&format!("labelling cluster {cluster} as {mark:?}"), &error))?;
    }
    if let Some(vpc) = text(&op.prior, "vpc_id")
        && Phase::of(&op.prior) != Phase::Incomplete
    {
        let change = client.update_vpc_description(&vpc, &mark).await;
        change.map_err(|error| cloud(&format!("describing VPC {vpc} as {mark:?}"), &error))?;
    }
    op.client.changed(None);
    Ok(())
}

/// False, with a warning, if a newer create has taken over what this unfinished instance began.
async fn owned_still(op: &mut Delete<Session>, id: &PlatformId) -> Result<bool, Diagnostics> {
    let found = census::take(op.client.vultr().await?, id).await?;
    let mark = found.vpc.as_ref().map(|(_, mark)| mark);
    if adoption::still_owns(&op.state, mark) {
        return Ok(true);
    }
    op.warnings.push(Diagnostic::warning(
        "Kept what a newer instance adopted",
        format!("The unfinished instance of platform {id} in the state began what a newer one has taken over, so nothing was deleted. If there is no newer one, import the platform and destroy it."),
    ));
    Ok(false)
}
