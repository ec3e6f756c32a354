//! What becomes of a platform's environments when it is destroyed: told in the plan, done before anything is deleted.

use std::sync::Arc;

use claim_store::ClaimStore;
use jiff::Timestamp;
use tfplugin::Diagnostic;
use vultr::Wait;

use super::estimate::BASIS;
use super::handover::{self, Handover, Thing};
use super::policy::{self, Choice, EnvironmentPolicy, WAY_OUT};
use super::standing::{Context, Standing};
use super::withdrawal::Withdrawal;
use super::{cluster_of, store_fault, writable_store_of};
use crate::catalogue::Catalogue;
use crate::fault::{self, Fault};
use crate::mark::PlatformId;
use crate::session::Session;

/// A platform that is to be destroyed, as far as its environments care.
pub(crate) struct Farewell<'a> {
    pub(crate) session: &'a Session,
    pub(crate) platform: &'a PlatformId,
    pub(crate) cluster: Option<&'a str>,
    pub(crate) vpc: Option<&'a str>,
    pub(crate) region: &'a str,
    /// Whether the state says that the platform has a claim store.
    pub(crate) has_store: bool,
    pub(crate) choice: &'a Choice,
    pub(crate) now: Timestamp,
}

/// The stores of a platform.
struct Stores {
    dynamic: Arc<Option<ClaimStore>>,
    fixed: Arc<Option<ClaimStore>>,
}

impl Farewell<'_> {
    /// Does what the policy says. Nothing was deleted before; an error means that nothing may be.
    pub(crate) async fn say(&self, wait: Wait, kept: Vec<Thing>) -> Result<Vec<Diagnostic>, Fault> {
        if self.choice.policy == EnvironmentPolicy::Orphan {
            return self.hand_over(kept).await;
        }
        let Some(stores) = self
            .stores()
            .await
            .map_err(|fault| self.in_the_dark(&fault))?
        else {
            return Ok(Vec::new());
        };
        let Some(dynamic) = stores.dynamic.as_ref() else {
            return Ok(Vec::new());
        };
        let fixed = stores.fixed.as_ref().as_ref();
        let catalogue = self.catalogue().await;
        let context = self.context(catalogue.as_deref());
        if self.choice.policy == EnvironmentPolicy::Refuse {
            let standing = Standing::sweep(self.platform, dynamic, fixed)
                .await
                .map_err(|error| self.in_the_dark(&store_fault("listing the claims", &error)))?;
            policy::judge(self.platform, self.choice, &standing, None, &context)?;
            return Ok(Vec::new());
        }
        // A store on which two writers could both win cannot be drained.
        if let Some(cluster) = self.cluster {
            writable_store_of(self.session, self.platform, cluster).await?;
        }
        let withdrawal = Withdrawal {
            platform: self.platform,
            choice: self.choice,
            dynamic,
            fixed,
            context,
            wait,
        };
        let withdrawn = withdrawal.run().await?;
        let mut told = Vec::new();
        if !withdrawn.names.is_empty() {
            told.push(Diagnostic::warning(
                "Environments were withdrawn",
                format!(
                    "The claims of these environments of platform {} were withdrawn: {}.",
                    self.platform,
                    list(withdrawn.names.iter())
                ),
            ));
        }
        if !withdrawn.left_in_git.is_empty() {
            told.push(Diagnostic::warning(
                "Static environments lose their platform",
                format!(
                    "These environments are managed in Git, so their claims were not touched: {}. Remove them from their repositories.",
                    list(withdrawn.left_in_git.iter())
                ),
            ));
        }
        Ok(told)
    }

    /// The stores; nothing if the platform has none, or its cluster is proved gone.
    async fn stores(&self) -> Result<Option<Stores>, Fault> {
        let Some(cluster) = self.cluster.filter(|_| self.has_store) else {
            return Ok(None);
        };
        if cluster_of(self.session, self.platform, Some(cluster))
            .await?
            .is_none()
        {
            return Ok(None);
        }
        Ok(Some(Stores {
            dynamic: self.session.claim_store(cluster).await?,
            fixed: self.session.static_claim_store(cluster).await?,
        }))
    }

    async fn standing(&self) -> Result<Option<Standing>, Fault> {
        let Some(stores) = self.stores().await? else {
            return Ok(None);
        };
        let Some(dynamic) = stores.dynamic.as_ref() else {
            return Ok(None);
        };
        let standing =
            Standing::sweep(self.platform, dynamic, stores.fixed.as_ref().as_ref()).await;
        standing
            .map(Some)
            .map_err(|error| store_fault("listing the claims", &error))
    }

    async fn hand_over(&self, kept: Vec<Thing>) -> Result<Vec<Diagnostic>, Fault> {
        let path = handover::path(self.platform, self.choice.handover_file.as_deref())?;
        let (standing, unread) = match self.standing().await {
            Ok(Some(standing)) => (standing, None),
            Ok(None) if !self.has_store => (Standing::default(), None),
            Ok(None) => (Standing::default(), Some("the cluster is gone".to_owned())),
            Err(fault) => (Standing::default(), Some(fault.to_string())),
        };
        if unread.is_some() && handover::is_of(&path, self.platform, self.cluster) {
            // An earlier run, which could still read the claims, has written it.
            return Ok(vec![self.handed_over(&path, "")]);
        }
        let client = self.session.vultr().await?;
        let mut environments = handover::environments(client, &standing).await?;
        environments.sort_by(|a, b| a.name().cmp(b.name()));
        let handover = Handover {
            platform: self.platform.to_string(),
            written_at: self.now,
            region: self.region.to_owned(),
            cluster_id: self.cluster.map(str::to_owned),
            vpc_id: self.vpc.map(str::to_owned),
            environments,
            unread: unread.clone(),
            unreadable: standing.unread,
            kept,
        };
        handover::write(&path, &handover)?;
        let unread = match (unread, handover.unreadable.len()) {
            (Some(why), _) => {
                format!(" Its environments could not be read ({why}), so it does not name them.")
            }
            (None, 0) => String::new(),
            (None, odd) => format!(
                " {odd} objects of its claim store are no readable claims; the file has their keys, and each may be an environment."
            ),
        };
        Ok(vec![self.handed_over(&path, &unread)])
    }

    fn handed_over(&self, path: &std::path::Path, unread: &str) -> Diagnostic {
        Diagnostic::warning(
            "Environments are left to you",
            format!(
                "What platform {} leaves behind stands in {}, with names, owners and cloud ids, and no secret.{unread}",
                self.platform,
                path.display()
            ),
        )
    }

    fn in_the_dark(&self, fault: &Fault) -> Fault {
        Fault::new(
            fault::NO_CLAIM_STORE,
            format!(
                "Whether environments of platform {} are alive cannot be read, so nothing is destroyed. {} {WAY_OUT}",
                self.platform,
                fault.detail()
            ),
        )
    }

    /// Prices are a courtesy: without a catalogue a line has none.
    async fn catalogue(&self) -> Option<Arc<Catalogue>> {
        self.session.catalogue().await.ok()
    }

    fn context<'a>(&'a self, catalogue: Option<&'a Catalogue>) -> Context<'a> {
        Context {
            catalogue,
            region: self.region,
            now: self.now,
        }
    }
}

/// What the plan of a destroy says about the environments.
pub(crate) async fn announce(farewell: &Farewell<'_>) -> Option<Diagnostic> {
    let choice = farewell.choice;
    if choice.policy == EnvironmentPolicy::Orphan {
        let path = handover::path(farewell.platform, choice.handover_file.as_deref()).ok()?;
        return Some(Diagnostic::warning(
            "Destroy leaves environments to you",
            format!(
                "on_destroy.environments = \"orphan\": nothing of the environments is touched. Their names, owners and cloud ids will be written to {}.",
                path.display()
            ),
        ));
    }
    let standing = match farewell.standing().await {
        Ok(standing) => standing?,
        Err(fault) => {
            return Some(Diagnostic::warning(
                "Environments cannot be read",
                farewell.in_the_dark(&fault).detail(),
            ));
        }
    };
    if standing.is_empty() {
        return None;
    }
    let catalogue = farewell.catalogue().await;
    let context = farewell.context(catalogue.as_deref());
    let summary = match policy::judge(farewell.platform, choice, &standing, None, &context) {
        Ok(()) => "Destroy withdraws these environments",
        // Terraform destroys claims of this configuration before their platform, so this is no error yet.
        Err(_) => "Destroy will be refused while these environments stand",
    };
    Some(Diagnostic::warning(
        summary,
        format!("{}\n{BASIS}", standing.lines(&context)),
    ))
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}
