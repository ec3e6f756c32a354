//! The proof at the end of a destroy: a listing of the whole account in which nothing is the platform's.

use std::collections::BTreeMap;

use vultr::{InstanceFilter, Progress};

use super::teardown::Teardown;
use crate::fault::{self, Fault};
use crate::session::cloud;

impl Teardown<'_> {
    /// Lists the whole account once more; whatever still carries the mark is named.
    pub(super) async fn prove(&self) -> Result<(), Fault> {
        let mark = self.id.mark();
        let doing = format!("proving that nothing of platform {} is left", self.id);
        let (vpcs, clusters, instances, balancers, blocks) = tokio::try_join!(
            self.client.vpcs(),
            self.client.clusters(),
            self.client.instances(InstanceFilter::Tag(&mark)),
            self.client.load_balancers(),
            self.client.blocks()
        )
        .map_err(|error| cloud(&doing, &error))?;
        let owned = |label: &str| {
            label == mark
                || label
                    .strip_prefix(&mark)
                    .is_some_and(|rest| rest.starts_with([':', ' ']))
        };
        let mut suspects: BTreeMap<String, &'static str> = BTreeMap::new();
        suspects.extend(
            vpcs.into_iter()
                .filter(|one| owned(&one.description))
                .map(|one| (one.id, "VPC")),
        );
        suspects.extend(
            clusters
                .into_iter()
                .filter(|one| owned(&one.label))
                .map(|one| (one.id, "cluster")),
        );
        suspects.extend(instances.into_iter().map(|one| (one.id, "instance")));
        let balancer_goes = |id: &String| {
            self.policy.delete_load_balancers && self.linked.load_balancers.contains_key(id)
        };
        suspects.extend(
            balancers
                .into_iter()
                .filter(|one| owned(&one.label) || balancer_goes(&one.id))
                .map(|one| (one.id, "load balancer")),
        );
        let volume_goes =
            |id: &String| self.policy.delete_volumes && self.linked.volumes.contains_key(id);
        suspects.extend(
            blocks
                .into_iter()
                .filter(|one| owned(&one.label) || volume_goes(&one.id))
                .map(|one| (one.id, "volume")),
        );
        let mut left = Vec::new();
        for (id, kind) in suspects {
            if self
                .exists(kind, &id)
                .await
                .map_err(|error| cloud(&doing, &error))?
            {
                left.push(format!("  {kind} {id}"));
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        Err(Fault::new(
            fault::LEFTOVERS,
            format!(
                "Platform {} is taken down, and these still carry its mark and go on costing:\n{}\nRun destroy again; what stays then must be deleted in the Vultr console.",
                self.id,
                left.join("\n")
            ),
        ))
    }

    /// A list may trail: the object itself proves that it is there. Nodes of a deleted cluster are given time to go.
    async fn exists(&self, kind: &str, id: &str) -> vultr::Result<bool> {
        let there = || async {
            Ok(match kind {
                "VPC" => self.client.vpc(id).await?.is_some(),
                "cluster" => self.client.cluster(id).await?.is_some(),
                "instance" => self.client.instance(id).await?.is_some(),
                "load balancer" => self.client.load_balancer(id).await?.is_some(),
                _ => self.client.block(id).await?.is_some(),
            })
        };
        if !there().await? {
            return Ok(false);
        }
        let wait = self.short_wait();
        let what = format!("{kind} {id} to be gone");
        let gone = wait.until(&what, || async {
            Ok(if there().await? {
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
}
