//! Withdrawing every claim of a platform: freeze, tombstones, and a wait until no claim stands.
//!
//! A run may end anywhere. The freeze says what the drain was allowed, tombstones say how far it came, so the next run
//! goes on from there.

use std::collections::BTreeSet;
use std::sync::Mutex;

use claim_store::{ClaimStore, Freeze, StoreError};
use claims::{Gone, Tombstone};
use uuid::Uuid;
use vultr::{Progress, Wait};

use super::policy::{self, Choice};
use super::standing::{Context, Live, Standing};
use super::store_fault;
use crate::fault::{self, Fault};
use crate::mark::PlatformId;

/// One drain.
pub(super) struct Withdrawal<'a> {
    pub(super) platform: &'a PlatformId,
    pub(super) choice: &'a Choice,
    pub(super) dynamic: &'a ClaimStore,
    pub(super) fixed: Option<&'a ClaimStore>,
    pub(super) context: Context<'a>,
    pub(super) wait: Wait,
}

/// What a drain did.
#[derive(Debug, Default)]
pub(super) struct Withdrawn {
    /// The environments whose claims it took back.
    pub(super) names: BTreeSet<String>,
    /// Claims whose bucket belongs to Git.
    pub(super) left_in_git: Vec<String>,
}

/// How one look at the stores ended.
enum Round {
    /// No claim stands that a drain may take.
    Empty { left_in_git: Vec<String> },
    /// Some could not be taken yet; why, for the one that is in the way.
    Blocked(String),
}

impl Withdrawal<'_> {
    /// Drains the platform. Refused before anything is written, or broken off with the freeze left on.
    pub(super) async fn run(&self) -> Result<Withdrawn, Fault> {
        let standing = self.sweep().await?;
        let earlier = self.dynamic.frozen().await.map_err(self.failed())?;
        self.judge(&standing, earlier.as_ref())?;
        let wanted = Freeze {
            by: self.doing(),
            since: self.context.now,
            environments: standing.live.iter().map(Live::name).collect(),
            lifted: None,
        };
        let freeze = self
            .dynamic
            .freeze(&wanted, Uuid::new_v4())
            .await
            .map_err(self.failed())?;
        let withdrawn = Mutex::new(BTreeSet::new());
        match self.until_none_stands(&freeze, &withdrawn).await {
            Ok(left_in_git) => Ok(Withdrawn {
                names: withdrawn.into_inner().unwrap_or_default(),
                left_in_git,
            }),
            Err(fault) => {
                // What this run froze and has taken nothing from is as it was before.
                if earlier.is_none() && withdrawn.into_inner().is_ok_and(|names| names.is_empty()) {
                    let thawed = self.dynamic.thaw(self.context.now, Uuid::new_v4()).await;
                    thawed.map_err(self.failed())?;
                }
                Err(fault)
            }
        }
    }

    async fn until_none_stands(
        &self,
        freeze: &Freeze,
        withdrawn: &Mutex<BTreeSet<String>>,
    ) -> Result<Vec<String>, Fault> {
        let what = format!("the environments of platform {} to be gone", self.platform);
        let waited = self.wait.until(&what, || async {
            Ok(match self.round(freeze, withdrawn).await {
                Ok(Round::Empty { left_in_git }) => Progress::Done(Ok(left_in_git)),
                Ok(Round::Blocked(why)) => Progress::NotYet(why),
                Err(fault) => Progress::Done(Err(fault)),
            })
        });
        match waited.await {
            Ok(ended) => ended,
            Err(error) => Err(Fault::new(
                fault::DRAIN_STUCK,
                format!(
                    "{error}. The claims stay frozen, and destroying again goes on from here. To lift the freeze, remove the object {} from the bucket.",
                    Freeze::key()
                ),
            )),
        }
    }

    /// Looks, judges anew, and takes back what stands.
    async fn round(
        &self,
        freeze: &Freeze,
        withdrawn: &Mutex<BTreeSet<String>>,
    ) -> Result<Round, Fault> {
        let standing = self.sweep().await?;
        self.judge(&standing, Some(freeze))?;
        let mut blocked = None;
        let mut left_in_git = Vec::new();
        for live in &standing.live {
            if live.fixed {
                left_in_git.push(live.name());
                continue;
            }
            match self.withdraw(live).await {
                Ok(()) => {
                    if let Ok(mut names) = withdrawn.lock() {
                        names.insert(live.name());
                    }
                }
                Err(error @ (StoreError::Denied { .. } | StoreError::NoBucket { .. })) => {
                    return Err(self.failed()(error));
                }
                Err(error) => {
                    blocked.get_or_insert(format!("claim {}: {error}", live.stored.place.key));
                }
            }
        }
        Ok(match blocked {
            Some(why) => Round::Blocked(why),
            // What was written a moment ago is looked at once more, and so is what came in between.
            None if standing.live.len() > left_in_git.len() => {
                Round::Blocked("withdrawn, to be seen once more".to_owned())
            }
            None => Round::Empty { left_in_git },
        })
    }

    async fn withdraw(&self, live: &Live) -> Result<(), StoreError> {
        let tombstone = Tombstone {
            environment_name: live.stored.claim.environment_name.clone(),
            gone: Gone::Withdrawn {
                by: self.doing(),
                at: self.context.now,
            },
        };
        let place = &live.stored.place;
        self.dynamic
            .withdraw(place, &tombstone, Uuid::new_v4())
            .await
            .map(drop)
    }

    async fn sweep(&self) -> Result<Standing, Fault> {
        Standing::sweep(self.platform, self.dynamic, self.fixed)
            .await
            .map_err(self.failed())
    }

    fn judge(&self, standing: &Standing, freeze: Option<&Freeze>) -> Result<(), Fault> {
        policy::judge(self.platform, self.choice, standing, freeze, &self.context)
    }

    fn doing(&self) -> String {
        format!("the destroy of platform {}", self.platform)
    }

    fn failed(&self) -> impl Fn(StoreError) -> Fault {
        let doing = format!("draining platform {}", self.platform);
        move |error| store_fault(&doing, &error)
    }
}
