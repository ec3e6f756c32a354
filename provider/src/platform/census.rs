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
        vpc: only("VPC", &mark, marked_vpcs(vpcs, id), |(vpc, _)| &vpc.id)?,
        cluster: only(
            "cluster",
            &mark,
            clusters
                .into_iter()
                .filter(|one| one.label == mark)
                .collect(),
            |one| &one.id,
        )?,
        // Nodes carry the pool's tag where Vultr hands it on: only the label tells a bootstrap host.
        hosts: hosts
            .into_iter()
            .filter(|host| host.label == id.host_label())
            .map(|host| host.id)
            .collect(),
    })
}

/// The VPCs whose description is the platform's mark, finished or not.
pub(super) fn marked_vpcs(vpcs: Vec<Vpc>, id: &PlatformId) -> Vec<(Vpc, Mark)> {
    vpcs.into_iter()
        .filter_map(|vpc| {
            let mark = Mark::read(&vpc.description)?;
            (mark.platform() == id).then_some((vpc, mark))
        })
        .collect()
}

fn only<T>(
    kind: &'static str,
    mark: &str,
    mut found: Vec<T>,
    id: impl Fn(&T) -> &String,
) -> Result<Option<T>, Fault> {
    if found.len() > 1 {
        let ids = found.iter().map(|one| id(one).clone()).collect();
        let error = vultr::Error::Ambiguous {
            kind,
            mark: mark.to_owned(),
            ids,
        };
        return Err(cloud("looking for what carries the mark", &error));
    }
    Ok(found.pop())
}
