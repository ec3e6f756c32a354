//! `slipway_node_pool`: a further pool of a cluster.

mod labels;
mod plan;
mod schema;
mod settings;

use std::time::Duration;

use tfplugin::{
    Create, Delete, Diagnostics, IdentitySchema, Import, ImportBy, Object, Plan, Read, Resource,
    Schema, Type, Update, async_trait,
};
use vultr::{Client, Cluster, CreateNodePool, NodePool, UpdateNodePool};

use self::settings::Settings;
use crate::fault::{self, Fault};
use crate::mark::Mark;
use crate::session::{Session, cloud};

const CREATE_WITHIN: Duration = Duration::from_mins(45);
const UPDATE_WITHIN: Duration = Duration::from_mins(30);
const DELETE_WITHIN: Duration = Duration::from_mins(30);

/// The tag of pools in clusters that Slipway did not make.
const FOREIGN_TAG: &str = "slipway";

/// The resource type.
pub(crate) struct NodePoolResource;

#[async_trait]
impl Resource<Session> for NodePoolResource {
    fn type_name(&self) -> &'static str {
        "slipway_node_pool"
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn identity(&self) -> Option<IdentitySchema> {
        Some(
            IdentitySchema::new()
                .required("cluster_id", Type::String, "Id of the cluster.")
                .required("id", Type::String, "Id of the pool."),
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
        let client = op.client.vultr().await?;
        let cluster = find_cluster(&op.client, &settings.cluster).await?;
        let tag = Tag::of(&cluster);
        let pool = match adoptable(client, &settings, &tag).await? {
            Some(pool) => pool,
            None => create(client, &settings, &tag).await?,
        };
        op.client.changed(Some(&settings.cluster));
        let id = pool.id.clone();
        op.partial.record(|state| {
            state.set("id", id.as_str());
        });
        let wait = client
            .wait(settings::timeout(&op.planned, "create", CREATE_WITHIN)?)
            .stopped_by(op.stop.token());
        let active = client.node_pool_active(&settings.cluster, &id, &wait).await;
        active
            .map_err(|error| cloud(&format!("waiting for node pool {}", settings.name), &error))?;
        let change = UpdateNodePool {
            tag: Some(tag.finished),
            // An adopted pool may have been begun with other bounds.
            ..bounds(&settings)
        };
        patch(client, &settings.cluster, &id, &change).await?;
        op.client.changed(Some(&settings.cluster));
        Ok(op.planned.clone().with("id", id))
    }

    async fn read(&self, op: &mut Read<Session>) -> Result<Option<Object>, Diagnostics> {
        let (cluster, id): (String, String) = (op.state.get("cluster_id")?, op.state.get("id")?);
        let pools = op.client.pools(&cluster).await?;
        let mut found = pools
            .as_ref()
            .as_ref()
            .and_then(|pools| pools.iter().find(|pool| pool.id == id).cloned());
        if found.is_none() {
            // A list may trail: only the pool itself proves that it is gone.
            let asked = op.client.vultr().await?.node_pool(&cluster, &id).await;
            found = asked.map_err(|error| cloud(&format!("reading node pool {id}"), &error))?;
        }
        Ok(found.map(|pool| {
            let mut state = op.state.clone();
            settings::write(&pool, &cluster, &mut state);
            state
        }))
    }

    async fn update(&self, op: &mut Update<Session>) -> Result<Object, Diagnostics> {
        let settings = Settings::read(&op.planned)?;
        let id: String = op.prior.get("id")?;
        if ["min_nodes", "max_nodes", "autoscale"]
            .iter()
            .any(|name| op.changed(name))
        {
            let client = op.client.vultr().await?;
            patch(client, &settings.cluster, &id, &bounds(&settings)).await?;
            op.client.changed(Some(&settings.cluster));
            let planned = op.planned.clone();
            op.partial.record(|state| {
                state.copy_from(
                    &planned,
                    &["min_nodes", "max_nodes", "autoscale", "monthly_price"],
                );
            });
            let wait = client
                .wait(settings::timeout(&op.planned, "update", UPDATE_WITHIN)?)
                .stopped_by(op.stop.token());
            let active = client.node_pool_active(&settings.cluster, &id, &wait).await;
            active.map_err(|error| {
                cloud(&format!("waiting for node pool {}", settings.name), &error)
            })?;
        }
        Ok(op.planned.clone())
    }

    async fn delete(&self, op: &mut Delete<Session>) -> Result<(), Diagnostics> {
        let (cluster, id): (String, String) = (op.state.get("cluster_id")?, op.state.get("id")?);
        let client = op.client.vultr().await?;
        let pools = client.node_pools(&cluster).await;
        let pools = pools.map_err(|error| {
            cloud(
                &format!("listing the node pools of cluster {cluster}"),
                &error,
            )
        })?;
        let Some(pools) = pools else {
            return Ok(());
        };
        if let [only] = pools.as_slice()
            && only.id == id
        {
            return Err(Fault::new(
                fault::LAST_POOL,
                format!("Node pool {} is the last one of cluster {cluster}, and Vultr keeps no cluster without one. Destroy the cluster instead, or add another pool first.", only.label),
            )
            .into());
        }
        let wait = client
            .wait(settings::timeout(&op.state, "delete", DELETE_WITHIN)?)
            .stopped_by(op.stop.token());
        remove(client, &cluster, &id, &wait).await?;
        op.client.changed(Some(&cluster));
        Ok(())
    }

    async fn import(&self, op: &mut Import<Session>) -> Result<Object, Diagnostics> {
        let (cluster, id) = match &op.by {
            ImportBy::Id(text) => text
                .split_once('/')
                .filter(|(cluster, id)| !cluster.is_empty() && !id.is_empty() && !id.contains('/'))
                .map(|(cluster, id)| (cluster.to_owned(), id.to_owned()))
                .ok_or_else(|| Fault::new(fault::BAD_IMPORT, format!("A node pool is imported by \"<cluster id>/<pool id>\", and {text:?} is not of this form.")))?,
            ImportBy::Identity(identity) => (identity.get("cluster_id")?, identity.get("id")?),
        };
        Ok(Object::new().with("cluster_id", cluster).with("id", id))
    }
}

/// The tags of a pool while it is made and afterwards: the mark of the cluster's owner.
struct Tag {
    creating: String,
    finished: String,
}

impl Tag {
    fn of(cluster: &Cluster) -> Self {
        match Mark::read(&cluster.label) {
            Some(mark) => Self {
                creating: mark.platform().bare_creating_mark(),
                finished: mark.platform().mark(),
            },
            None => Self {
                creating: format!("{FOREIGN_TAG} (creating)"),
                finished: FOREIGN_TAG.to_owned(),
            },
        }
    }
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

/// A pool of this name that an earlier, broken-off create began. One of other settings is taken away; a finished one
/// is somebody's.
async fn adoptable(
    client: &Client,
    settings: &Settings,
    tag: &Tag,
) -> Result<Option<NodePool>, Fault> {
    let pools = client.node_pools(&settings.cluster).await;
    let pools = pools.map_err(|error| {
        cloud(
            &format!("listing the node pools of cluster {}", settings.cluster),
            &error,
        )
    })?;
    let Some(pool) = pools
        .unwrap_or_default()
        .into_iter()
        .find(|pool| pool.label == settings.name)
    else {
        return Ok(None);
    };
    if pool.tag != tag.creating {
        return Err(Fault::new(
            fault::POOL_EXISTS,
            format!(
                "Cluster {cluster} has a node pool {name} already. Take it over with `terraform import <address> {cluster}/{id}`, or choose another name.",
                cluster = settings.cluster,
                name = settings.name,
                id = pool.id
            ),
        )
        .at("name"));
    }
    if settings.matches(&pool) {
        tracing::info!(pool = %pool.id, "going on with the pool of a broken-off create");
        return Ok(Some(pool));
    }
    remove(
        client,
        &settings.cluster,
        &pool.id,
        &client.wait(DELETE_WITHIN),
    )
    .await?;
    Ok(None)
}

async fn create(client: &Client, settings: &Settings, tag: &Tag) -> Result<NodePool, Fault> {
    let wanted = CreateNodePool {
        label: settings.name.clone(),
        plan: settings.plan.clone(),
        node_quantity: settings.min,
        min_nodes: settings.min,
        max_nodes: settings.max,
        auto_scaler: settings.autoscale,
        tag: tag.creating.clone(),
        vpc_only: false,
        labels: settings.labels.clone(),
        taints: settings.taints.iter().map(vultr::Taint::from).collect(),
        user_data: None,
    };
    let made = client.ensure_node_pool(&settings.cluster, &wanted).await;
    made.map(vultr::Ensured::into_inner)
        .map_err(|error| cloud(&format!("creating node pool {}", settings.name), &error))
}

/// What a change of bounds sends. Under the autoscaler the number of the moment is not ours to set.
fn bounds(settings: &Settings) -> UpdateNodePool {
    UpdateNodePool {
        node_quantity: (!settings.autoscale).then_some(settings.min),
        min_nodes: Some(settings.min),
        max_nodes: Some(settings.max),
        auto_scaler: Some(settings.autoscale),
        tag: None,
    }
}

async fn patch(
    client: &Client,
    cluster: &str,
    id: &str,
    change: &UpdateNodePool,
) -> Result<(), Fault> {
    let changed = client.update_node_pool(cluster, id, change).await;
    changed
        .map(drop)
        .map_err(|error| cloud(&format!("changing node pool {id}"), &error))
}

async fn remove(client: &Client, cluster: &str, id: &str, wait: &vultr::Wait) -> Result<(), Fault> {
    client
        .delete_node_pool(cluster, id)
        .await
        .map_err(|error| cloud(&format!("deleting node pool {id}"), &error))?;
    let gone = client.node_pool_gone(cluster, id, wait).await;
    gone.map_err(|error| cloud(&format!("waiting for node pool {id} to be gone"), &error))
}
