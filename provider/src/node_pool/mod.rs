//! `slipway_node_pool`: a further pool of a cluster.

mod labels;
mod plan;
mod schema;
mod settings;

use std::time::Duration;

use tfplugin::{
    Create, Delete, Diagnostics, IdentitySchema, Import, ImportBy, MoveSource, Object, Plan, Read,
    Resource, Schema, Type, Update, async_trait,
};
use vultr::{Cluster, NodePool};

use self::settings::Settings;
use crate::allowance::Allowance;
use crate::fault::{self, Fault};
use crate::import_words::import_words;
use crate::moved;
use crate::node_plan;
use crate::pool_mark::{self, PoolTags};
use crate::session::{Session, cloud};
use crate::stock::Accepted;
use crate::surge::{self, Pair, PoolGoal, Surge, Which};

const CREATE_WITHIN: Duration = Duration::from_mins(45);
const UPDATE_WITHIN: Duration = Duration::from_hours(1);
const DELETE_WITHIN: Duration = Duration::from_mins(30);

/// What a change in place, or a replacement of the pool, answers.
const SETTLED: [&str; 9] = [
    "name",
    "chosen_plan",
    "label",
    "mark",
    "labels",
    "taints",
    "min_nodes",
    "max_nodes",
    "autoscale",
];

/// How configurations call a node pool.
pub(crate) const TYPE_NAME: &str = "slipway_node_pool";

/// The resource type.
pub(crate) struct NodePoolResource;

#[async_trait]
impl Resource<Session> for NodePoolResource {
    fn type_name(&self) -> &'static str {
        TYPE_NAME
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn identity(&self) -> Option<IdentitySchema> {
        // The name stays when a replacement changes the id.
        Some(
            IdentitySchema::new()
                .required("cluster_id", Type::String, "Id of the cluster.")
                .required("name", Type::String, "Name of the pool."),
        )
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        settings::check(config)
    }

    async fn plan(&self, op: &mut Plan<Session>) -> Result<(), Diagnostics> {
        plan::plan(op).await
    }

    async fn create(&self, op: &mut Create<Session>) -> Result<Object, Diagnostics> {
        let settings = Settings::read(&op.planned)?;
        let cluster = find_cluster(&op.client, &settings.cluster).await?;
        let goal = settings.goal(Accepted::to_make(&op.planned)?, PoolTags::of(&cluster));
        let time = settings::timeout(&op.planned, "create", CREATE_WITHIN)?;
        let allowance = Allowance::new(time, &op.stop);
        let surge = surge_in(&op.client, &cluster, &goal, allowance).await?;
        let pool = match adoptable(&surge, &settings).await? {
            Some(pool) => pool,
            None => surge.make(None).await?,
        };
        op.client.changed(Some(&cluster.id));
        op.partial.record(|state| {
            state
                .set("id", pool.id.as_str())
                .set("label", pool.label.as_str());
        });
        let pool = surge.settle(&pool).await?;
        op.client.changed(Some(&cluster.id));
        finished(&op.client, &cluster, &pool, op.planned.clone()).await
    }

    async fn read(&self, op: &mut Read<Session>) -> Result<Option<Object>, Diagnostics> {
        let (cluster, id): (String, String) = (op.state.get("cluster_id")?, op.state.get("id")?);
        let pools = op.client.pools(&cluster).await?;
        let pools = pools.as_ref().as_deref().unwrap_or_default();
        let pair = Pair::of_id(pools, &id);
        let mut state = op.state.clone();
        match pair.old {
            Some(pool) => {
                settings::write(pool, &cluster, &mut state)?;
                if let Some(heir) = pair.replacement {
                    // What is half done is a difference, so that the next apply ends it.
                    state.set("mark", format!("{} {}", heir.tag, heir.label));
                }
            }
            None => match look_again(&op.client, &cluster, &id, pair.replacement).await? {
                Some(pool) => settings::write(&pool, &cluster, &mut state)?,
                None => return Ok(None),
            },
        }
        Ok(Some(state))
    }

    async fn update(&self, op: &mut Update<Session>) -> Result<Object, Diagnostics> {
        if !SETTLED.iter().any(|name| op.changed(name)) {
            return Ok(op.planned.clone());
        }
        let settings = Settings::read(&op.planned)?;
        let cluster = find_cluster(&op.client, &settings.cluster).await?;
        let goal = settings.goal(Accepted::to_make(&op.planned)?, PoolTags::of(&cluster));
        let time = settings::timeout(&op.planned, "update", UPDATE_WITHIN)?;
        let allowance = Allowance::new(time, &op.stop);
        let surge = surge_in(&op.client, &cluster, &goal, allowance).await?;
        let settled = surge.run(Which::Id(op.prior.get("id")?)).await;
        op.client.changed(Some(&cluster.id));
        finished(&op.client, &cluster, &settled?, op.planned.clone()).await
    }

    async fn delete(&self, op: &mut Delete<Session>) -> Result<(), Diagnostics> {
        let (cluster, id): (String, String) = (op.state.get("cluster_id")?, op.state.get("id")?);
        let client = op.client.vultr().await?;
        let Some(pools) = surge::list(client, &cluster).await? else {
            return Ok(());
        };
        let pair = Pair::of_id(&pools, &id);
        let ours: Vec<&NodePool> = pair.replacement.into_iter().chain(pair.old).collect();
        if !ours.is_empty() && ours.len() == pools.len() {
            return Err(Fault::new(
                fault::LAST_POOL,
                format!("Node pool {} is the last one of cluster {cluster}, and Vultr keeps no cluster without one. Somebody removed the platform's own pool: run `terraform apply` with the whole configuration, which makes it again, and then repeat this.", pool_mark::name_of(&ours[0].label)),
            )
            .into());
        }
        let time = settings::timeout(&op.state, "delete", DELETE_WITHIN)?;
        let allowance = Allowance::new(time, &op.stop);
        let named = ours.iter().map(|pool| pool.id.as_str());
        // A list may trail: the pool of the state goes also when it is not listed.
        let listed = pair.old.is_some();
        for pool in named.chain((!listed).then_some(id.as_str())) {
            surge::remove(client, &cluster, pool, &allowance.wait(client)).await?;
        }
        op.client.changed(Some(&cluster));
        Ok(())
    }

    async fn import(&self, op: &mut Import<Session>) -> Result<Object, Diagnostics> {
        let (cluster, wanted) = match &op.by {
            ImportBy::Id(text) => text
                .split_once('/')
                .filter(|(cluster, pool)| !cluster.is_empty() && !pool.is_empty() && !pool.contains('/'))
                .map(|(cluster, pool)| (cluster.to_owned(), pool.to_owned()))
                .ok_or_else(|| Fault::new(fault::BAD_IMPORT, format!("A node pool is imported by \"<cluster id>/<name or id of the pool>\", and {text:?} is not of this form.")))?,
            ImportBy::Identity(identity) => (identity.get("cluster_id")?, identity.get("name")?),
        };
        let cluster = find_cluster(&op.client, &cluster).await?;
        let by_id = cluster.node_pools.iter().find(|pool| pool.id == wanted);
        let pool = by_id.or_else(|| Pair::of_name(&cluster.node_pools, &wanted).old);
        let pool = pool.ok_or_else(|| no_pool(&cluster, &wanted))?;
        imported(&op.client, &cluster, pool).await
    }

    fn move_from(&self, source: &MoveSource) -> Result<Option<Object>, Diagnostics> {
        moved::node_pool(source)
    }
}

/// The steps towards a pool as it is wanted in its cluster.
async fn surge_in<'a>(
    session: &'a Session,
    cluster: &'a Cluster,
    goal: &'a PoolGoal,
    allowance: Allowance<'a>,
) -> Result<Surge<'a>, Fault> {
    Ok(Surge {
        session,
        client: session.vultr().await?,
        cluster: &cluster.id,
        region: &cluster.region,
        place: plan::PLACE,
        goal,
        allowance,
    })
}

/// The state of a pool that exists already.
pub(crate) async fn imported(
    session: &Session,
    cluster: &Cluster,
    pool: &NodePool,
) -> Result<Object, Diagnostics> {
    let mut state = Object::new();
    settings::write(pool, &cluster.id, &mut state)?;
    settings::write_price(session, &cluster.region, pool, &mut state).await?;
    Ok(state)
}

/// The planned state, completed with what the pool is now.
async fn finished(
    session: &Session,
    cluster: &Cluster,
    pool: &NodePool,
    mut state: Object,
) -> Result<Object, Diagnostics> {
    state
        .set("id", pool.id.as_str())
        .set("label", pool.label.as_str())
        .set("mark", pool.tag.as_str())
        .set("chosen_plan", pool.plan.as_str());
    let nodes: u32 = state.get("min_nodes")?;
    node_plan::settle_price(session, &cluster.region, &pool.plan, nodes, &mut state).await?;
    Ok(state)
}

/// A list may trail: only the pool itself proves that it is gone. If it is, what replaced it stands in its place.
async fn look_again(
    session: &Session,
    cluster: &str,
    id: &str,
    heir: Option<&NodePool>,
) -> Result<Option<NodePool>, Fault> {
    let asked = session.vultr().await?.node_pool(cluster, id).await;
    let asked = asked.map_err(|error| cloud(&format!("reading node pool {id}"), &error))?;
    Ok(asked.or_else(|| heir.cloned()))
}

async fn find_cluster(session: &Session, id: &str) -> Result<Cluster, Fault> {
    let clusters = session.clusters().await?;
    if let Some(cluster) = clusters.iter().find(|cluster| cluster.id == id) {
        return Ok(cluster.clone());
    }
    let found = session.vultr().await?.cluster(id).await;
    found
        .map_err(|error| cloud(&format!("reading cluster {id}"), &error))?
        .ok_or_else(|| {
            Fault::new(
                fault::PARENT_GONE,
                format!("There is no cluster {id} in the account. Refresh, or correct cluster_id."),
            )
            .at("cluster_id")
        })
}

/// A pool of this name that an earlier, broken-off create began. One of another plan is taken away; a finished one
/// is somebody's.
async fn adoptable(surge: &Surge<'_>, settings: &Settings) -> Result<Option<NodePool>, Fault> {
    let goal = surge.goal;
    let pools = surge::list(surge.client, surge.cluster).await?;
    let pools = pools.unwrap_or_default();
    let Some(pool) = Pair::of_name(&pools, &settings.name).old else {
        return Ok(None);
    };
    if pool.tag != goal.tags.creating() {
        return Err(taken(surge.cluster, &settings.name, pool));
    }
    if goal.fits(pool) {
        tracing::info!(pool = %pool.id, "going on with the pool of a broken-off create");
        return Ok(Some(pool.clone()));
    }
    surge.remove(pool).await?;
    Ok(None)
}

fn taken(cluster: &str, name: &str, pool: &NodePool) -> Fault {
    Fault::new(
        fault::POOL_EXISTS,
        format!(
            "Cluster {cluster} has a node pool {name} already ({}). {}\nIf it is not, choose another name.",
            pool.id,
            import_words(TYPE_NAME, &format!("{cluster}/{name}"))
        ),
    )
    .at("name")
}

fn no_pool(cluster: &Cluster, wanted: &str) -> Fault {
    let pools: Vec<&str> = cluster
        .node_pools
        .iter()
        .map(|pool| pool_mark::name_of(&pool.label))
        .collect();
    Fault::new(
        fault::BAD_IMPORT,
        format!(
            "Cluster {} has no node pool {wanted:?}. It has: {}.",
            cluster.id,
            pools.join(", ")
        ),
    )
}
