//! The proof at the end of a destroy: a listing of the whole account in which nothing is the platform's.

use std::fmt;

use vultr::{InstanceFilter, Progress};

use super::teardown::Teardown;
use crate::fault::{self, Fault};
use crate::session::cloud;

/// Something that should be gone.
#[derive(Debug)]
struct Suspect {
    kind: Kind,
    id: String,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Vpc,
    Cluster,
    Instance,
    LoadBalancer,
    Volume,
}

impl fmt::Display for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Vpc => "VPC",
            Kind::Cluster => "cluster",
            Kind::Instance => "instance",
            Kind::LoadBalancer => "load balancer",
            Kind::Volume => "volume",
        };
        write!(f, "{kind} {}", self.id)
    }
}

impl Teardown<'_> {
    /// Lists the whole account once more; whatever is still the platform's is named.
    pub(super) async fn prove(&self) -> Result<(), Fault> {
        let failed = |error: vultr::Error| {
            let doing = format!("proving that nothing of platform {} is left", self.id);
            cloud(&doing, &error)
        };
        let mut left = Vec::new();
        for suspect in self.suspects().await.map_err(failed)? {
            if self.stays(&suspect).await.map_err(failed)? {
                left.push(format!("  {suspect}"));
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        Err(Fault::new(
            fault::LEFTOVERS,
            format!(
                "Platform {} is taken down, and these are still there and go on costing:\n{}\nRun destroy again; what stays then must be deleted in the Vultr console.",
                self.id,
                left.join("\n")
            ),
        ))
    }

    /// What carries the mark, and what the cluster made and the policy takes along.
    async fn suspects(&self) -> vultr::Result<Vec<Suspect>> {
        let mark = self.id.mark();
        let (vpcs, clusters, instances, balancers, volumes) = tokio::try_join!(
            self.client.vpcs(),
            self.client.clusters(),
            self.client.instances(InstanceFilter::Tag(&mark)),
            self.client.load_balancers(),
            self.client.blocks()
        )?;
        let ours = |text: &str| {
            text.strip_prefix(&mark)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', ' ']))
        };
        let balancer_goes = |id: &str| {
            self.policy.delete_load_balancers && self.linked.load_balancers.contains_key(id)
        };
        let volume_goes =
            |id: &str| self.policy.delete_volumes && self.linked.volumes.contains_key(id);
        let all = (vpcs
            .into_iter()
            .map(|one| (Kind::Vpc, ours(&one.description), one.id)))
        .chain(
            clusters
                .into_iter()
                .map(|one| (Kind::Cluster, ours(&one.label), one.id)),
        )
        .chain(
            instances
                .into_iter()
                .map(|one| (Kind::Instance, true, one.id)),
        )
        .chain(balancers.into_iter().map(|one| {
            (
                Kind::LoadBalancer,
                ours(&one.label) || balancer_goes(&one.id),
                one.id,
            )
        }))
        .chain(volumes.into_iter().map(|one| {
            (
                Kind::Volume,
                ours(&one.label) || volume_goes(&one.id),
                one.id,
            )
        }));
        Ok(all
            .filter(|(_, due, _)| *due)
            .map(|(kind, _, id)| Suspect { kind, id })
            .collect())
    }

    /// A list may trail, and the nodes of a deleted cluster take their time: the object itself decides, after a while.
    async fn stays(&self, suspect: &Suspect) -> vultr::Result<bool> {
        if !self.exists(suspect).await? {
            return Ok(false);
        }
        let wait = self.short_wait();
        let what = format!("{suspect} to be gone");
        let gone = wait.until(&what, || async {
            Ok(if self.exists(suspect).await? {
                Progress::NotYet("there".to_owned())
            } else {
                Progress::Done(())
            })
        });
        match gone.await {
            Ok(()) => Ok(false),
            Err(vultr::Error::Deadline { .. } | vultr::Error::Stopped { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn exists(&self, Suspect { kind, id }: &Suspect) -> vultr::Result<bool> {
        Ok(match kind {
            Kind::Vpc => self.client.vpc(id).await?.is_some(),
            Kind::Cluster => self.client.cluster(id).await?.is_some(),
            Kind::Instance => self.client.instance(id).await?.is_some(),
            Kind::LoadBalancer => self.client.load_balancer(id).await?.is_some(),
            Kind::Volume => self.client.block(id).await?.is_some(),
        })
    }
}
