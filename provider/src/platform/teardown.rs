//! Taking a platform down: everything that carries its mark, in the order in which Vultr lets go, and a proof at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tfplugin::{Diagnostic, Diagnostics, Stop};
use tokio::time::Instant;
use vultr::{Client, Progress, Wait};

use super::census;
use super::read::Linked;
use super::settings::OnDestroy;
use crate::bootstrap_host;
use crate::fault::{self, Fault};
use crate::mark::PlatformId;
use crate::session::{Session, cloud};

/// How often a deletion of one thing is tried before it is left to the next run.
const LET_GO_WITHIN: Duration = Duration::from_mins(5);

/// What is left of a platform.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Remains {
    pub(super) hosts: Vec<String>,
    pub(super) cluster: Option<String>,
    pub(super) load_balancers: BTreeSet<String>,
    pub(super) volumes: BTreeSet<String>,
    pub(super) file_systems: BTreeSet<String>,
    /// Volumes that stay and may hang on a server that is gone.
    pub(super) to_release: BTreeSet<String>,
    pub(super) vpc: Option<String>,
}

/// One thing to take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Removal {
    Host(String),
    Cluster {
        id: String,
        with_linked: bool,
    },
    LoadBalancer(String),
    Volume(String),
    FileSystem(String),
    /// Not taken away: only freed from a server that is gone.
    Release(String),
    Vpc(String),
}

/// What goes next; none when nothing is left. The VPC goes last: while it stands, the platform stands in Terraform's
/// state, and an interrupted destroy is continued.
pub(super) fn next(remains: &Remains, policy: OnDestroy) -> Option<Removal> {
    if let Some(host) = remains.hosts.first() {
        return Some(Removal::Host(host.clone()));
    }
    if let Some(cluster) = &remains.cluster {
        return Some(Removal::Cluster {
            id: cluster.clone(),
            // Vultr deletes load balancers and volumes together or not at all.
            with_linked: policy.delete_load_balancers && policy.delete_volumes,
        });
    }
    let first = |set: &BTreeSet<String>, goes: bool| set.first().filter(|_| goes).cloned();
    first(&remains.load_balancers, policy.delete_load_balancers)
        .map(Removal::LoadBalancer)
        .or_else(|| first(&remains.volumes, policy.delete_volumes).map(Removal::Volume))
        .or_else(|| first(&remains.file_systems, policy.delete_volumes).map(Removal::FileSystem))
        .or_else(|| first(&remains.to_release, true).map(Removal::Release))
        .or_else(|| remains.vpc.clone().map(Removal::Vpc))
}

/// The ids that the state knows.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) vpc: Option<String>,
    pub(super) cluster: Option<String>,
}

/// What became of one thing.
pub(super) enum Taken {
    Away,
    /// Somebody else's server has the volume, so it stays; the server in words.
    Elsewhere(String),
}

/// One destroy.
pub(super) struct Teardown<'a> {
    pub(super) session: &'a Session,
    pub(super) client: &'a Client,
    pub(super) id: PlatformId,
    pub(super) policy: OnDestroy,
    pub(super) linked: Linked,
    /// The ids that the state knows; what they name must carry the mark, or it is not deleted.
    pub(super) known: Known,
    pub(super) stop: &'a Stop,
    pub(super) deadline: Instant,
}

impl Teardown<'_> {
    /// Takes everything away and proves it; says what was left behind, and why.
    pub(super) async fn run(&self) -> Result<Vec<Diagnostic>, Diagnostics> {
        let mut remains = self.observe().await?;
        // Volumes that somebody else's server has, with the server.
        let mut elsewhere = BTreeMap::new();
        while let Some(removal) = next(&remains, self.policy) {
            if self.stop.is_stopped() {
                return Err(Fault::new(
                    fault::STOPPED,
                    format!(
                        "The destroy of platform {} was stopped on request. Run it again to go on.",
                        self.id
                    ),
                )
                .into());
            }
            tracing::info!(platform = %self.id, ?removal, "removing");
            if let Taken::Elsewhere(holder) = self.take(&removal).await?
                && let Removal::Volume(id) | Removal::Release(id) = &removal
            {
                elsewhere.insert(id.clone(), holder);
            }
            match removal {
                Removal::Host(id) => remains.hosts.retain(|other| *other != id),
                Removal::Cluster { .. } => remains.cluster = None,
                Removal::LoadBalancer(id) => drop(remains.load_balancers.remove(&id)),
                Removal::Volume(id) => drop(remains.volumes.remove(&id)),
                Removal::FileSystem(id) => drop(remains.file_systems.remove(&id)),
                Removal::Release(id) => drop(remains.to_release.remove(&id)),
                Removal::Vpc(_) => remains.vpc = None,
            }
        }
        let spared = elsewhere.keys().cloned().collect();
        let inventory = self.prove(&spared).await?;
        let mut told = self.left_behind(&remains, &elsewhere, &inventory);
        told.extend(self.blind_spots(&inventory));
        Ok(told)
    }

    /// Everything that carries the mark, and what the cluster made.
    async fn observe(&self) -> Result<Remains, Fault> {
        let found = census::take(self.client, &self.id).await?;
        if found.cluster.is_none()
            && let Some(id) = &self.known.cluster
        {
            let cluster = self
                .client
                .cluster(id)
                .await
                .map_err(|error| cloud(&format!("reading cluster {id}"), &error))?;
            if let Some(cluster) = cluster {
                return Err(self.not_ours(
                    &format!("cluster {id}"),
                    &format!("label {:?}", cluster.label),
                ));
            }
        }
        if found.vpc.is_none()
            && let Some(id) = &self.known.vpc
        {
            let vpc = self
                .client
                .vpc(id)
                .await
                .map_err(|error| cloud(&format!("reading VPC {id}"), &error))?;
            if let Some(vpc) = vpc {
                return Err(self.not_ours(
                    &format!("VPC {id}"),
                    &format!("description {:?}", vpc.description),
                ));
            }
        }
        Ok(Remains {
            hosts: found.hosts,
            cluster: found.cluster.map(|cluster| cluster.id),
            load_balancers: self.linked.load_balancers.keys().cloned().collect(),
            volumes: self.linked.volumes.keys().cloned().collect(),
            file_systems: self.linked.file_systems.keys().cloned().collect(),
            to_release: if self.policy.delete_volumes {
                BTreeSet::new()
            } else {
                self.linked.volumes.keys().cloned().collect()
            },
            vpc: found.vpc.map(|(vpc, _)| vpc.id),
        })
    }

    fn not_ours(&self, what: &str, carries: &str) -> Fault {
        Fault::new(
            fault::NOT_OURS,
            format!(
                "The state knows {what}, and it carries the {carries} instead of the mark {:?}, so it is not deleted. Run `terraform apply` to give the mark back, then destroy.",
                self.id.mark()
            ),
        )
    }

    async fn take(&self, removal: &Removal) -> Result<Taken, Fault> {
        match removal {
            Removal::Host(id) => bootstrap_host::remove(self.client, id).await?,
            Removal::Cluster { id, with_linked } => self.remove_cluster(id, *with_linked).await?,
            Removal::LoadBalancer(id) => self.remove_load_balancer(id).await?,
            Removal::Volume(id) => return self.remove_volume(id).await,
            Removal::FileSystem(id) => self.remove_file_system(id).await?,
            Removal::Release(id) => return self.release_volume(id).await,
            Removal::Vpc(id) => {
                let gone = self.client.delete_vpc_when_free(id, &self.wait()).await;
                gone.map_err(|error| cloud(&format!("deleting VPC {id}"), &error))?;
            }
        }
        Ok(Taken::Away)
    }

    async fn remove_cluster(&self, id: &str, with_linked: bool) -> Result<(), Fault> {
        let begun = if with_linked {
            self.client.delete_cluster_with_linked_resources(id).await
        } else {
            self.client.delete_cluster(id).await
        };
        begun.map_err(|error| cloud(&format!("deleting cluster {id}"), &error))?;
        let gone = self.client.cluster_gone(id, &self.wait()).await;
        gone.map_err(|error| cloud(&format!("waiting for cluster {id} to be gone"), &error))
    }

    async fn remove_load_balancer(&self, id: &str) -> Result<(), Fault> {
        let what = format!("load balancer {id} to be gone");
        let wait = self.short_wait();
        let gone = wait.until(&what, || async {
            match self.client.delete_load_balancer(id).await {
                Ok(()) => {}
                Err(error) if error.is_busy() => return Ok(Progress::NotYet(error.to_string())),
                Err(error) => return Err(error),
            }
            Ok(match self.client.load_balancer(id).await? {
                Some(balancer) => Progress::NotYet(balancer.status.to_string()),
                None => Progress::Done(()),
            })
        });
        gone.await
            .map_err(|error| cloud(&format!("deleting load balancer {id}"), &error))
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    pub(super) fn wait(&self) -> Wait {
        self.client.wait(self.left()).stopped_by(self.stop.token())
    }

    pub(super) fn short_wait(&self) -> Wait {
        self.client
            .wait(self.left().min(LET_GO_WITHIN))
            .stopped_by(self.stop.token())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Remains {
        Remains {
            hosts: vec!["h".into()],
            cluster: Some("c".into()),
            load_balancers: BTreeSet::from(["l".into()]),
            volumes: BTreeSet::from(["b".into()]),
            file_systems: BTreeSet::from(["f".into()]),
            to_release: BTreeSet::new(),
            vpc: Some("v".into()),
        }
    }

    fn policy(delete_volumes: bool, delete_load_balancers: bool) -> OnDestroy {
        OnDestroy {
            delete_volumes,
            delete_load_balancers,
        }
    }

    fn walk(policy: OnDestroy) -> (Vec<Removal>, Remains) {
        let mut remains = whole();
        let mut order = Vec::new();
        while let Some(removal) = next(&remains, policy) {
            match &removal {
                Removal::Host(_) => remains.hosts.clear(),
                Removal::Cluster { .. } => remains.cluster = None,
                Removal::LoadBalancer(_) => remains.load_balancers.clear(),
                Removal::Volume(_) => remains.volumes.clear(),
                Removal::FileSystem(_) => remains.file_systems.clear(),
                Removal::Release(_) => remains.to_release.clear(),
                Removal::Vpc(_) => remains.vpc = None,
            }
            order.push(removal);
            assert!(order.len() < 9);
        }
        (order, remains)
    }

    #[test]
    fn the_vpc_goes_last_and_volumes_stay_unless_told() {
        let (order, remains) = walk(policy(false, true));
        assert_eq!(order.first(), Some(&Removal::Host("h".into())));
        assert_eq!(order.last(), Some(&Removal::Vpc("v".into())));
        assert!(order.contains(&Removal::LoadBalancer("l".into())));
        assert_eq!((remains.volumes.len(), remains.file_systems.len()), (1, 1));
    }

    #[test]
    fn volumes_that_stay_are_freed_before_the_network_goes() {
        let mut remains = whole();
        remains.to_release.insert("b".into());
        remains.cluster = None;
        remains.hosts.clear();
        remains.load_balancers.clear();
        let policy = policy(false, true);
        assert_eq!(next(&remains, policy), Some(Removal::Release("b".into())));
        remains.to_release.clear();
        assert_eq!(next(&remains, policy), Some(Removal::Vpc("v".into())));
    }

    #[test]
    fn linked_deletion_is_asked_for_only_when_both_shall_go() {
        for (volumes, balancers, linked) in [
            (true, true, true),
            (true, false, false),
            (false, true, false),
            (false, false, false),
        ] {
            let (order, remains) = walk(policy(volumes, balancers));
            assert!(order.contains(&Removal::Cluster {
                id: "c".into(),
                with_linked: linked
            }));
            assert_eq!(remains.volumes.is_empty(), volumes);
            assert_eq!(remains.file_systems.is_empty(), volumes);
            assert_eq!(remains.load_balancers.is_empty(), balancers);
        }
    }
}
