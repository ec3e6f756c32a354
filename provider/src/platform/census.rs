//! Which objects of the account carry a platform's mark, from complete and fresh listings.

use vultr::{Client, Cluster, InstanceFilter, Vpc};

use crate::fault::Fault;
use crate::mark::{Mark, PlatformId};
use crate::session::cloud;

/// What a platform has.
#[derive(Debug, Default)]
pub(super) struct Census {
    pub(super) vpc: Option<(Vpc, Mark)>,
    pub(super) cluster: Option<Cluster>,
    pub(super) hosts: Vec<String>,
}

/// Lists the account and keeps what is the platform's. Two VPCs or clusters of one mark are an error that names both.
pub(super) async fn take(client: &Client, id: &PlatformId) -> Result<Census, Fault> {
    let mark = id.mark();
    let (vpcs, clusters, hosts) = tokio::try_join!(
        client.vpcs(),
        client.clusters(),
        client.instances(InstanceFilter::Tag(&mark))
    )
    .map_err(|error| cloud(&format!("looking for what platform {id} has"), &error))?;
    Ok(Census {
        vpc: the_vpc(&vpcs, id)?,
        cluster: the_cluster(&clusters, id)?,
        // Nodes carry the pool's tag where Vultr hands it on: only the label tells a bootstrap host.
        hosts: hosts
            .into_iter()
            .filter(|host| host.label == id.host_label())
            .map(|host| host.id)
            .collect(),
    })
}

/// The VPC whose description is the platform's mark, finished or not.
pub(super) fn the_vpc(vpcs: &[Vpc], id: &PlatformId) -> Result<Option<(Vpc, Mark)>, Fault> {
    let marked = vpcs.iter().filter_map(|vpc| {
        let mark = Mark::read(&vpc.description)?;
        (mark.platform() == id).then(|| (vpc.clone(), mark))
    });
    only("VPC", id, marked.collect(), |(vpc, _)| &vpc.id)
}

/// The cluster whose label is the platform's mark.
pub(super) fn the_cluster(clusters: &[Cluster], id: &PlatformId) -> Result<Option<Cluster>, Fault> {
    let mark = id.mark();
    let marked = clusters.iter().filter(|one| one.label == mark).cloned();
    only("cluster", id, marked.collect(), |one| &one.id)
}

fn only<T>(
    kind: &'static str,
    platform: &PlatformId,
    mut found: Vec<T>,
    id: impl Fn(&T) -> &String,
) -> Result<Option<T>, Fault> {
    if found.len() > 1 {
        let error = vultr::Error::Ambiguous {
            kind,
            mark: platform.mark(),
            ids: found.iter().map(|one| id(one).clone()).collect(),
        };
        return Err(cloud("looking for what carries the mark", &error));
    }
    Ok(found.pop())
}
