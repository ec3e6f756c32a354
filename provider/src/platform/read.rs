//! The state of a platform as it is now, from one list of each kind and the journal.

use std::collections::{BTreeMap, BTreeSet};

use tfplugin::{Diagnostic, Diagnostics, Object, Private, Read, ValueError};
use vultr::{Client, Cluster, ClusterStatus, InstanceFilter, NodePool, Vpc};

use super::plan::text;
use super::status::{self, Statuses};
use super::{Phase, census, launch, moved, plan_components, record, system_pool};
use crate::component_catalog;
use crate::fault::Fault;
use crate::mark::{Mark, PlatformId};
use crate::session::{Session, cloud};
use crate::{node_plan, price};

/// Where the private data holds what the cluster made outside itself. It must outlive the cluster: nothing in the
/// account says afterwards whose load balancers and volumes they were.
const LINKED: &str = "linked";

/// Ids of load balancers and volumes that a cluster made.
#[derive(Debug, Default, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Linked {
    pub(super) load_balancers: BTreeMap<String, String>,
    pub(super) volumes: BTreeMap<String, String>,
    /// File systems that its nodes have mounted; looked for when the platform is destroyed.
    #[serde(default)]
    pub(super) file_systems: BTreeMap<String, String>,
    /// Its nodes at that time: what is still attached to one of them later is free.
    #[serde(default)]
    pub(super) nodes: BTreeSet<String>,
}

impl Linked {
    /// What was recorded when the cluster was last seen, and what the account says now of one that is still there.
    pub(super) async fn known(
        client: &Client,
        private: &Private,
        cluster: Option<&str>,
    ) -> Result<Self, Fault> {
        let mut known: Self = private.get(LINKED).unwrap_or_default();
        if let Some(cluster) = cluster
            && let Some(seen) = Self::of(client, cluster).await?
        {
            known.load_balancers.extend(seen.load_balancers);
            known.volumes.extend(seen.volumes);
        }
        Ok(known)
    }

    /// What the account says of a cluster; nothing if it is gone.
    pub(super) async fn of(client: &Client, cluster: &str) -> Result<Option<Self>, Fault> {
        let seen = client.linked_resources(cluster).await;
        let seen =
            seen.map_err(|error| cloud(&format!("listing what cluster {cluster} made"), &error))?;
        Ok(seen.map(|seen| Self {
            load_balancers: seen
                .load_balancer
                .into_iter()
                .map(|one| (one.id, one.label))
                .collect(),
            volumes: seen
                .block_storage
                .into_iter()
                .map(|one| (one.id, one.label))
                .collect(),
            ..Self::default()
        }))
    }

    /// Keeps it with the object. Nothing is kept of nothing: it would make another state of the same platform.
    pub(super) fn keep(&self, private: &mut Private) {
        if *self == private.get(LINKED).unwrap_or_default() {
            return;
        }
        // Maps of texts always have a JSON form.
        let _ = private.set(LINKED, self);
    }
}

/// Reads a platform; nothing if VPC and cluster are both proved gone.
pub(super) async fn read(op: &mut Read<Session>) -> Result<Option<Object>, Diagnostics> {
    let session = op.client.clone();
    let mut look = Look {
        session: &session,
        private: &mut op.private,
        warnings: &mut op.warnings,
    };
    look.at(op.state.clone()).await
}

/// The state of a platform of which nothing but the id is known.
pub(crate) async fn imported(
    session: &Session,
    state: Object,
    warnings: &mut Diagnostics,
) -> Result<Option<Object>, Diagnostics> {
    let mut look = Look {
        session,
        private: &mut Private::default(),
        warnings,
    };
    look.at(state).await
}

/// One look at a platform.
struct Look<'a> {
    session: &'a Session,
    private: &'a mut Private,
    warnings: &'a mut Diagnostics,
}

impl Look<'_> {
    async fn at(&mut self, mut state: Object) -> Result<Option<Object>, Diagnostics> {
        if moved::is_nameless(&state) {
            return moved::look(self.session, state).await;
        }
        let imported = state.is_null("name");
        let name: String = state.get("id")?;
        let id = PlatformId::parse(&name)
            .map_err(|bad| Fault::new(crate::fault::BAD_IMPORT, format!("{bad}.")))?;
        let (vpc, cluster, hosts) = tokio::try_join!(
            find_vpc(self.session, &state, &id),
            find_cluster(self.session, &state, &id),
            hosts(self.session, &id)
        )?;
        if vpc.is_none() && cluster.is_none() {
            return Ok(None);
        }
        state.set("name", name.as_str());
        if imported {
            adopt(&mut state, vpc.as_ref());
            self.recall(&mut state, &id, cluster.as_ref()).await;
        }
        read_vpc(&mut state, vpc.as_ref());
        read_cluster(&mut state, cluster.as_ref())?;
        state.set("mark", mark_seen(&id, vpc.as_ref(), cluster.as_ref()));
        let mut unsettled = vpc.is_none() || cluster.is_none() || !hosts.is_empty();
        if let Some(cluster) = &cluster {
            unsettled |= self.tell_drift(cluster, &id);
        }
        if Phase::of(&state) == Phase::Ready && unsettled {
            state.set("phase", Phase::Unsettled.as_str());
        }
        match &cluster {
            Some(cluster) => self.look_inside(&mut state, cluster, imported).await?,
            None => drop(state.set("component_status", Statuses::new())),
        }
        Ok(Some(state))
    }

    /// Takes the settings of an imported platform from the record in its cluster.
    async fn recall(&mut self, state: &mut Object, id: &PlatformId, cluster: Option<&Cluster>) {
        let Some(cluster) = cluster.filter(|one| one.status == ClusterStatus::Active) else {
            return;
        };
        // An unfinished platform is gone on with, and its record comes at the end.
        if Phase::of(state) == Phase::Incomplete {
            return;
        }
        if let Err(fault) = record::read(self.session, id, &cluster.id, state).await {
            self.warnings.push(fault.into_warning());
        }
    }

    /// Says what of the pools has drifted. True if the next apply has something to mend.
    fn tell_drift(&mut self, cluster: &Cluster, id: &PlatformId) -> bool {
        if let Some(warning) = system_pool::warn_of_foreign(cluster, id) {
            self.warnings.push(warning);
        }
        let drift = system_pool::drift(cluster, id);
        if !drift.is_empty() {
            self.warnings.push(Diagnostic::warning(
                "Platform has drifted",
                format!(
                    "The next apply mends this of platform {id}:\n  {}",
                    drift.join("\n  ")
                ),
            ));
        }
        !drift.is_empty()
    }

    async fn look_inside(
        &mut self,
        state: &mut Object,
        cluster: &Cluster,
        imported: bool,
    ) -> Result<(), Diagnostics> {
        if let Some(pool) = system_pool::of(cluster).filter(|_| imported) {
            let (nodes, _) = bounds(pool);
            price::write_unknown(state);
            node_plan::settle_price(self.session, &cluster.region, &pool.plan, nodes, state)
                .await?;
        }
        // Kept in mind for the time when there is no cluster to ask.
        if let Some(seen) = Linked::of(self.session.vultr().await?, &cluster.id).await? {
            seen.keep(self.private);
        }
        if cluster.status == ClusterStatus::Active && Phase::of(state) != Phase::Incomplete {
            self.read_journal(state, &cluster.id).await?;
            if imported {
                keep_wanted(state)?;
            }
        }
        Ok(())
    }
}

/// What stands of an imported platform is what is wanted of it: the backend of each component is known again, and a component
/// that was switched off is not managed. Without a record nothing is known to be wanted, and everything stays.
fn keep_wanted(state: &mut Object) -> Result<(), Diagnostics> {
    let catalog = component_catalog::embedded()?;
    if state.is_null("domain") {
        return Ok(());
    }
    // Settings of another release may not fit today's components; the next plan says so.
    let Ok(wanted) = plan_components::wanted(catalog, state) else {
        return Ok(());
    };
    let statuses: Option<Statuses> = state.get("component_status")?;
    let mut statuses = statuses.unwrap_or_default();
    status::keep_wanted(catalog, &wanted, &mut statuses);
    state.set("component_status", statuses);
    Ok(())
}

/// What an import takes for given: the careful choice, and how far the platform's mark says that it has come.
fn adopt(state: &mut Object, vpc: Option<&Vpc>) {
    state.set("deletion_protection", true);
    match vpc.and_then(|vpc| Mark::read(&vpc.description)) {
        Some(Mark::Creating(_, incarnation)) => state.set("phase", Phase::Incomplete.as_str()).set(
            "incarnation",
            incarnation.map(|one| one.as_str().to_owned()),
        ),
        Some(Mark::Finished(_)) | None => state.set("phase", Phase::Ready.as_str()),
    };
}

async fn find_vpc(
    session: &Session,
    state: &Object,
    id: &PlatformId,
) -> Result<Option<Vpc>, Fault> {
    let vpcs = session.vpcs().await?;
    let Some(known) = text(state, "vpc_id") else {
        return Ok(census::the_vpc(&vpcs, id)?.map(|(vpc, _)| vpc));
    };
    if let Some(vpc) = vpcs.iter().find(|vpc| vpc.id == known) {
        return Ok(Some(vpc.clone()));
    }
    // A list may trail: only the object itself proves that it is gone.
    let found = session.vultr().await?.vpc(&known).await;
    found.map_err(|error| cloud(&format!("reading VPC {known}"), &error))
}

async fn find_cluster(
    session: &Session,
    state: &Object,
    id: &PlatformId,
) -> Result<Option<Cluster>, Fault> {
    let clusters = session.clusters().await?;
    let Some(known) = text(state, "cluster_id") else {
        return census::the_cluster(&clusters, id);
    };
    if let Some(cluster) = clusters.iter().find(|cluster| cluster.id == known) {
        return Ok(Some(cluster.clone()));
    }
    let found = session.vultr().await?.cluster(&known).await;
    found.map_err(|error| cloud(&format!("reading cluster {known}"), &error))
}

/// Bootstrap hosts that a broken-off run left.
async fn hosts(session: &Session, id: &PlatformId) -> Result<Vec<String>, Fault> {
    let mark = id.mark();
    let found = session
        .vultr()
        .await?
        .instances(InstanceFilter::Tag(&mark))
        .await;
    let found =
        found.map_err(|error| cloud(&format!("listing the servers of platform {id}"), &error))?;
    Ok(found
        .into_iter()
        .filter(|host| host.label == id.host_label())
        .map(|host| host.id)
        .collect())
}

pub(super) fn read_vpc(state: &mut Object, vpc: Option<&Vpc>) {
    state.set("vpc_id", vpc.map(|vpc| vpc.id.as_str().to_owned()));
    if let Some(vpc) = vpc {
        state
            .set("region", vpc.region.as_str())
            .set("network_cidr", vpc.cidr());
    }
}

pub(super) fn read_cluster(
    state: &mut Object,
    cluster: Option<&Cluster>,
) -> Result<(), ValueError> {
    state.set("endpoint", cluster.and_then(launch::endpoint));
    // The id of a cluster that is gone stays: resources that refer to it are destroyed by it. Without an endpoint the
    // plan knows that there will be another one.
    let Some(cluster) = cluster else {
        return Ok(());
    };
    state
        .set("cluster_id", cluster.id.as_str())
        .set("region", cluster.region.as_str())
        .set("high_availability", cluster.ha_controlplanes)
        .set("kubernetes_build", cluster.version.as_str());
    system_pool::write(cluster, state)
}

/// Fewest and most nodes of a pool. Under the autoscaler the count of the moment says nothing.
pub(crate) fn bounds(pool: &NodePool) -> (u32, u32) {
    if pool.auto_scaler {
        (pool.min_nodes, pool.max_nodes)
    } else {
        (pool.node_quantity, pool.node_quantity)
    }
}

/// The platform's mark if everything carries it, else the text that stands in its place.
fn mark_seen(id: &PlatformId, vpc: Option<&Vpc>, cluster: Option<&Cluster>) -> String {
    let foreign_vpc =
        vpc.filter(|vpc| Mark::read(&vpc.description).is_none_or(|mark| mark.platform() != id));
    let foreign_cluster = cluster.filter(|cluster| cluster.label != id.mark());
    foreign_cluster
        .map(|cluster| cluster.label.clone())
        .or_else(|| foreign_vpc.map(|vpc| vpc.description.clone()))
        .unwrap_or_else(|| id.mark())
}

impl Look<'_> {
    /// Reads the journal if the state says that something is installed, or knows nothing yet. A cluster that does not
    /// answer is no drift.
    async fn read_journal(&mut self, state: &mut Object, cluster: &str) -> Result<(), Diagnostics> {
        let known: Option<Statuses> = state.get("component_status")?;
        if known.as_ref().is_some_and(Statuses::is_empty) {
            return Ok(());
        }
        match self.session.journal(cluster).await {
            Ok(records) => {
                status::keep_journal(&records, self.private);
                let looked_for = known.as_ref().filter(|_| Phase::of(state) == Phase::Ready);
                let stored = known.clone().unwrap_or_default();
                state.set(
                    "component_status",
                    status::recorded(&records, looked_for, &stored),
                );
            }
            Err(fault) => {
                let Diagnostic {
                    summary, detail, ..
                } = fault.into();
                self.warnings.push(Diagnostic::warning(
                    summary,
                    format!("{detail}\nWhat is installed is taken from the state."),
                ));
                if state.is_null("component_status") {
                    state.set("component_status", Statuses::new());
                }
            }
        }
        Ok(())
    }
}
