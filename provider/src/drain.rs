//! Emptying the nodes of a pool before they go: closed for new pods, then cleared through the eviction API, so that
//! every disruption budget is respected.

use std::collections::BTreeSet;

use vultr::{NodePool, Progress, Wait};

use crate::cluster_access::{AccessError, ClusterAccess};
use crate::fault::{self, Fault};
use crate::nodes::{ClusterNode, Eviction};
use crate::session::{Session, cloud};

/// How many blocked pods an error names.
const SHOWN: usize = 5;

/// Moves everything off a pool's nodes. It looks anew each time: a node that comes while it goes on is emptied as well.
pub(crate) async fn drain(
    session: &Session,
    cluster: &str,
    pool: &NodePool,
    wait: &Wait,
) -> Result<(), Fault> {
    let what = format!("the nodes of pool {} to be empty", pool.label);
    let emptied = wait.until(&what, || async {
        Ok(match pass(session, cluster, pool).await {
            Ok(None) => Progress::Done(()),
            Ok(Some(left)) => Progress::NotYet(left),
            Err(why) => Progress::NotYet(why),
        })
    });
    emptied.await.map_err(|error| match error {
        vultr::Error::Deadline { last, .. } => Fault::new(
            fault::POD_STAYS,
            format!(
                "Node pool {} of cluster {cluster} cannot be emptied, and nothing on it was ended by force. Last seen: {last}. Give the budget room (more replicas, or a smaller minAvailable) or delete the pod, then apply again: it goes on from here.",
                pool.label
            ),
        ),
        error => cloud(&format!("emptying node pool {}", pool.label), &error),
    })
}

/// Lets pods onto a pool's nodes again.
pub(crate) async fn reopen(
    session: &Session,
    cluster: &str,
    pool: &NodePool,
    wait: &Wait,
) -> Result<(), Fault> {
    let what = format!("the nodes of pool {} to be open again", pool.label);
    let opened = wait.until(&what, || async {
        Ok(match set_open(session, cluster, pool, true).await {
            Ok(_) => Progress::Done(()),
            Err(why) => Progress::NotYet(why),
        })
    });
    opened
        .await
        .map_err(|error| cloud(&format!("opening the nodes of pool {}", pool.label), &error))
}

/// Waits until every node of a pool has joined its cluster and is ready.
pub(crate) async fn joined(
    session: &Session,
    cluster: &str,
    pool: &NodePool,
    wait: &Wait,
) -> Result<(), Fault> {
    let what = format!("the nodes of pool {} to be ready", pool.label);
    let ready = wait.until(&what, || async {
        let nodes = match nodes(session, cluster).await {
            Ok((_, nodes)) => nodes,
            Err(why) => return Ok(Progress::NotYet(why)),
        };
        let ready = nodes
            .iter()
            .filter(|node| node.ready && node.is_of(pool))
            .count();
        let due = pool.nodes.len();
        Ok(if ready >= due {
            Progress::Done(())
        } else {
            Progress::NotYet(format!("{ready} of {due} nodes ready"))
        })
    });
    ready
        .await
        .map_err(|error| cloud(&format!("waiting for node pool {}", pool.label), &error))
}

/// One look at the pool: closes its nodes and asks every pod to leave. Says what is still there.
async fn pass(session: &Session, cluster: &str, pool: &NodePool) -> Result<Option<String>, String> {
    let (access, closed) = set_open(session, cluster, pool, false).await?;
    let names: BTreeSet<&str> = closed.iter().map(|node| node.name.as_str()).collect();
    let words = |error: AccessError| error.to_string();
    let tenants = access.tenants(&names).await.map_err(words)?;
    let mut leaving = 0;
    let mut blocked = Vec::new();
    for tenant in &tenants {
        if tenant.leaving {
            leaving += 1;
            continue;
        }
        match access.evict(tenant).await.map_err(words)? {
            Eviction::Begun => leaving += 1,
            Eviction::Blocked(why) => blocked.push(format!("{tenant} stays: {why}")),
        }
    }
    if tenants.is_empty() {
        return Ok(None);
    }
    let more = blocked.len().saturating_sub(SHOWN);
    blocked.truncate(SHOWN);
    if more > 0 {
        blocked.push(format!("{more} more pods stay"));
    }
    if leaving > 0 {
        blocked.push(format!("{leaving} pods are leaving"));
    }
    Ok(Some(blocked.join("; ")))
}

/// Opens or closes those nodes of a pool that are not so yet. Gives all of them.
async fn set_open(
    session: &Session,
    cluster: &str,
    pool: &NodePool,
    open: bool,
) -> Result<(std::sync::Arc<ClusterAccess>, Vec<ClusterNode>), String> {
    let (access, mut nodes) = nodes(session, cluster).await?;
    nodes.retain(|node| node.is_of(pool));
    for node in nodes.iter().filter(|node| node.open != open) {
        access
            .open_node(&node.name, open)
            .await
            .map_err(|error| error.to_string())?;
    }
    Ok((access, nodes))
}

/// The cluster's nodes. What goes wrong is told in words: a control plane may be away for a while.
async fn nodes(
    session: &Session,
    cluster: &str,
) -> Result<(std::sync::Arc<ClusterAccess>, Vec<ClusterNode>), String> {
    let access = session
        .access(cluster)
        .await
        .map_err(|fault| fault.detail().to_owned())?;
    let nodes = access.nodes().await.map_err(|error| error.to_string())?;
    Ok((access, nodes))
}
