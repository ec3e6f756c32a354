//! Volumes and file systems of a platform that is taken down: whose servers have them, and how they go or stay.

use std::collections::BTreeMap;

use tfplugin::Diagnostic;
use vultr::{Client, Cluster, HoldingKind, Progress};

use super::inventory::{Inventory, Item};
use super::read::Linked;
use super::settings::OnDestroy;
use super::teardown::{Remains, Taken, Teardown};
use crate::environments::Thing;
use crate::fault::Fault;
use crate::session::cloud;

/// How the driver in a cluster labels what it makes.
const CLAIMED: &str = "pvc-";

/// Who has a volume.
enum Holder {
    /// Nobody, though the volume may say otherwise.
    Nobody,
    /// A node of the platform, which is going.
    Node,
    /// A server that has nothing to do with the platform; in words.
    Stranger(String),
}

impl Linked {
    /// Looks at what only a destroy needs to know: the nodes of the cluster, and the file systems that they have mounted.
    /// The account tells of no file system which cluster made it, so one that is mounted nowhere is nobody's.
    pub(super) async fn look_closer(
        &mut self,
        client: &Client,
        cluster: &Cluster,
    ) -> Result<(), Fault> {
        let nodes = cluster.node_pools.iter().flat_map(|pool| &pool.nodes);
        self.nodes.extend(nodes.map(|node| node.id.clone()));
        let failed = |error| cloud("listing the file systems", &error);
        let systems = match client.holdings(HoldingKind::FileSystem).await {
            Err(error) if error.is_access() || error.is_not_found() => return Ok(()),
            listed => listed.map_err(failed)?,
        };
        for system in systems {
            if !system.called().starts_with(CLAIMED) {
                continue;
            }
            let mounted = client.file_system_attachments(&system.id).await;
            let mounted = mounted.map_err(failed)?;
            let all_ours = mounted
                .iter()
                .all(|one| self.nodes.contains(&one.target_id));
            if !mounted.is_empty() && all_ours {
                self.file_systems
                    .insert(system.id.clone(), system.called().to_owned());
            }
        }
        Ok(())
    }
}

impl Linked {
    /// What a policy keeps of it, for the file that is handed over.
    pub(super) fn kept_by(&self, policy: OnDestroy) -> Vec<Thing> {
        let things = |kind, list: &BTreeMap<String, String>, kept: bool| {
            list.iter()
                .filter(|_| kept)
                .map(|(id, label)| Thing {
                    kind,
                    id: id.clone(),
                    label: label.clone(),
                })
                .collect::<Vec<_>>()
        };
        [
            things(
                "load balancer",
                &self.load_balancers,
                !policy.delete_load_balancers,
            ),
            things("volume", &self.volumes, !policy.delete_volumes),
            things(
                HoldingKind::FileSystem.name(),
                &self.file_systems,
                !policy.delete_volumes,
            ),
        ]
        .concat()
    }
}

impl Teardown<'_> {
    /// Deletes a volume with its data, unless a stranger's server has it.
    pub(super) async fn remove_volume(&self, id: &str) -> Result<Taken, Fault> {
        let what = format!("volume {id} to be gone");
        let wait = self.short_wait();
        let gone = wait.until(&what, || async {
            let Some(volume) = self.client.block(id).await? else {
                return Ok(Progress::Done(Taken::Away));
            };
            match self.let_go(id, &volume.attached_to_instance).await? {
                Progress::Done(Taken::Away) => {}
                other => return Ok(other),
            }
            match self.client.delete_block(id).await {
                Ok(()) => Ok(Progress::NotYet("being deleted".to_owned())),
                Err(error) if error.is_busy() => Ok(Progress::NotYet(error.to_string())),
                Err(error) => Err(error),
            }
        });
        gone.await
            .map_err(|error| cloud(&format!("deleting volume {id}"), &error))
    }

    /// Frees a volume that stays: an attachment may outlive its cluster, and the volume could then be used nowhere.
    pub(super) async fn release_volume(&self, id: &str) -> Result<Taken, Fault> {
        let what = format!("volume {id} to be free");
        let wait = self.short_wait();
        let free = wait.until(&what, || async {
            let Some(volume) = self.client.block(id).await? else {
                return Ok(Progress::Done(Taken::Away));
            };
            self.let_go(id, &volume.attached_to_instance).await
        });
        free.await
            .map_err(|error| cloud(&format!("freeing volume {id}"), &error))
    }

    /// One try to take a volume from the server that has it.
    async fn let_go(&self, id: &str, server: &str) -> vultr::Result<Progress<Taken>> {
        if server.is_empty() {
            return Ok(Progress::Done(Taken::Away));
        }
        match self.holder(server).await? {
            Holder::Stranger(words) => return Ok(Progress::Done(Taken::Elsewhere(words))),
            Holder::Nobody | Holder::Node => {}
        }
        match self.client.detach_block(id).await {
            Ok(()) => Ok(Progress::Done(Taken::Away)),
            Err(error) if error.is_busy() || error.is_transient() => {
                Ok(Progress::NotYet(error.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    async fn holder(&self, server: &str) -> vultr::Result<Holder> {
        let Some(instance) = self.client.instance(server).await? else {
            return Ok(Holder::Nobody);
        };
        let ours = self.linked.nodes.contains(server) || instance.has_tag(&self.id.mark());
        Ok(if ours {
            Holder::Node
        } else {
            Holder::Stranger(format!("server {server} ({})", instance.label))
        })
    }

    /// Deletes a file system with its data.
    pub(super) async fn remove_file_system(&self, id: &str) -> Result<(), Fault> {
        let what = format!("file system {id} to be gone");
        let wait = self.short_wait();
        let gone = wait.until(&what, || async {
            if self.client.file_system(id).await?.is_none() {
                return Ok(Progress::Done(()));
            }
            for mounted in self.client.file_system_attachments(id).await? {
                match self.client.detach_file_system(id, &mounted.target_id).await {
                    Err(error) if error.is_busy() => {
                        return Ok(Progress::NotYet(error.to_string()));
                    }
                    detached => detached?,
                }
            }
            match self.client.delete_file_system(id).await {
                Ok(()) => Ok(Progress::NotYet("being deleted".to_owned())),
                Err(error) if error.is_busy() => Ok(Progress::NotYet(error.to_string())),
                Err(error) => Err(error),
            }
        });
        gone.await
            .map_err(|error| cloud(&format!("deleting file system {id}"), &error))
    }

    /// What stays by the policy or because somebody else uses it, named with its price and the command that removes it,
    /// so that nobody pays for it unknowingly.
    pub(super) fn left_behind(
        &self,
        remains: &Remains,
        elsewhere: &BTreeMap<String, String>,
        inventory: &Inventory,
    ) -> Vec<Diagnostic> {
        let stays = |item: &&Item| {
            let id = &item.id;
            let kept = remains.volumes.contains(id)
                || remains.load_balancers.contains(id)
                || remains.file_systems.contains(id);
            kept && !elsewhere.contains_key(id)
        };
        let kept: Vec<String> = inventory
            .items
            .iter()
            .filter(stays)
            .map(|item| item.with_removal(self.client))
            .collect();
        let used: Vec<String> = inventory
            .items
            .iter()
            .filter_map(|item| {
                let holder = elsewhere.get(&item.id)?;
                Some(format!("{}, attached to {holder}", item.line()))
            })
            .collect();
        let mut told = Vec::new();
        if !kept.is_empty() {
            told.push(Diagnostic::warning(
                "Left behind by policy",
                format!(
                    "on_destroy keeps these of platform {}, and they go on costing. The commands remove them:\n{}",
                    self.id,
                    kept.join("\n")
                ),
            ));
        }
        if !used.is_empty() {
            told.push(Diagnostic::warning(
                "Volumes are in use elsewhere",
                format!(
                    "These volumes were made in the cluster of platform {}, and servers that do not belong to it have them, so they were not touched:\n{}",
                    self.id,
                    used.join("\n")
                ),
            ));
        }
        told
    }
}
