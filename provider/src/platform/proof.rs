//! The proof at the end of a destroy: a listing of the whole account in which nothing is the platform's.

use std::collections::BTreeSet;

use tfplugin::Diagnostic;
use vultr::Progress;

use super::inventory::{self, Inventory, Item, Kind};
use super::teardown::Teardown;
use crate::fault::{self, Fault};
use crate::session::cloud;

impl Teardown<'_> {
    /// Lists the whole account once more; whatever is still the platform's is named with its price and the command that
    /// removes it. `elsewhere` are volumes that somebody else's server has.
    pub(super) async fn prove(&self, elsewhere: &BTreeSet<String>) -> Result<Inventory, Fault> {
        let failed = |error: vultr::Error| {
            let doing = format!("proving that nothing of platform {} is left", self.id);
            cloud(&doing, &error)
        };
        let catalogue = self.session.catalogue().await.ok();
        let inventory = inventory::take(self.client, catalogue.as_deref(), &self.id)
            .await
            .map_err(failed)?;
        let due = inventory
            .items
            .iter()
            .filter(|item| self.is_due(item) && !elsewhere.contains(&item.id));
        let looks = due.map(|item| async move { Ok((item, self.stays(item).await?)) });
        let left: Vec<String> = futures::future::try_join_all(looks)
            .await
            .map_err(failed)?
            .into_iter()
            .filter(|(_, stays)| *stays)
            .map(|(item, _)| item.with_removal(self.client))
            .collect();
        if left.is_empty() {
            return Ok(inventory);
        }
        Err(Fault::new(
            fault::LEFTOVERS,
            format!(
                "Platform {} is taken down, and these are still there and go on costing:\n{}\nDestroy again, or remove them with the commands.",
                self.id,
                left.join("\n")
            ),
        ))
    }

    /// What carries the mark, and what the cluster made and the policy takes along.
    fn is_due(&self, item: &Item) -> bool {
        self.was_deleted(item) || item.belongs_to(&self.id)
    }

    /// Whether the cluster made it and the policy has taken it along.
    fn was_deleted(&self, item: &Item) -> bool {
        let (policy, linked, id) = (self.policy, &self.linked, &item.id);
        match item.kind {
            Kind::LoadBalancer => {
                policy.delete_load_balancers && linked.load_balancers.contains_key(id)
            }
            Kind::Volume => policy.delete_volumes && linked.volumes.contains_key(id),
            Kind::Other(_) => policy.delete_volumes && linked.file_systems.contains_key(id),
            _ => false,
        }
    }

    /// A list may trail, and the nodes of a deleted cluster take their time: the object itself decides, after a while if
    /// it is one that goes.
    async fn stays(&self, item: &Item) -> vultr::Result<bool> {
        if !self.exists(item).await? {
            return Ok(false);
        }
        let goes = matches!(item.kind, Kind::Vpc | Kind::Cluster | Kind::Instance);
        if !goes && !self.was_deleted(item) {
            return Ok(true);
        }
        let wait = self.short_wait();
        let what = format!("{} {} to be gone", item.kind.name(), item.id);
        let gone = wait.until(&what, || async {
            Ok(if self.exists(item).await? {
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

    /// Kinds that a cluster lets go of by itself are asked for one by one. Nothing takes the others away, so what the
    /// list shows of them is there.
    async fn exists(&self, item: &Item) -> vultr::Result<bool> {
        let (client, id) = (self.client, &item.id);
        Ok(match item.kind {
            Kind::Vpc => client.vpc(id).await?.is_some(),
            Kind::Cluster => client.cluster(id).await?.is_some(),
            Kind::Instance => client.instance(id).await?.is_some(),
            Kind::LoadBalancer => client.load_balancer(id).await?.is_some(),
            Kind::Volume => client.block(id).await?.is_some(),
            Kind::Other(vultr::HoldingKind::FileSystem) => client.file_system(id).await?.is_some(),
            Kind::NatGateway { .. } | Kind::Other(_) => true,
        })
    }

    /// What the proof could not look at.
    pub(super) fn blind_spots(&self, inventory: &Inventory) -> Option<Diagnostic> {
        (!inventory.unseen.is_empty()).then(|| {
            Diagnostic::warning(
                "Some kinds of objects were not looked at",
                format!(
                    "Nothing of platform {} is left among what the key may list. Slipway makes none of these kinds, and whether one carries the mark of the platform was not seen:\n{}",
                    self.id,
                    inventory.unseen.join("\n")
                ),
            )
        })
    }
}
