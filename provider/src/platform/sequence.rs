//! The life of a platform as data: what stands in the account, and the one step that comes next.
//!
//! Nothing here calls anybody. A run observes, asks for the next step, takes it and observes again; so it goes on
//! from wherever an earlier run, of this process or of one that was killed, has come to.

use std::collections::BTreeSet;

use crate::mark::{Incarnation, Mark};

/// A VPC that carries the platform's mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenVpc {
    pub(crate) id: String,
    pub(crate) mark: Mark,
}

/// A cluster that carries the platform's mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenCluster {
    pub(crate) id: String,
    pub(crate) active: bool,
    /// The build that it runs.
    pub(crate) build: String,
    /// Whether its first pool says that an upgrade is going on.
    pub(crate) upgrading: bool,
}

/// What stands in the account and in the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Observed {
    pub(crate) vpc: Option<SeenVpc>,
    pub(crate) cluster: Option<SeenCluster>,
    /// Whether the first pool was brought to what is wanted.
    pub(crate) pool_settled: bool,
    /// Bootstrap hosts of this platform; between runs there is none.
    pub(crate) hosts: Vec<String>,
    /// The components whose journal record does not match what is wanted; unknown until the journal was read.
    pub(crate) due: Option<BTreeSet<String>>,
    /// Whether the settings were written down in the cluster, as far as that could be done.
    pub(crate) recorded: bool,
}

/// One step towards a finished platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Delete a bootstrap host that an earlier run left.
    RemoveHost(String),
    /// Make the VPC, marked as being created.
    CreateVpc,
    /// Write this run's incarnation into the mark of a VPC that another one made.
    TakeOver { vpc: String },
    /// Make the cluster with its first pool.
    CreateCluster { vpc: String },
    /// Wait until the control plane is active.
    AwaitCluster { cluster: String },
    /// Raise it to the wanted build, with all its nodes.
    Upgrade { cluster: String },
    /// Bring the first pool to what is wanted, replaced if need be, and wait for it.
    SettlePool { cluster: String },
    /// Read which components' records match.
    ReadJournal { cluster: String },
    /// Run the components that are due.
    RunComponents {
        cluster: String,
        vpc: String,
        due: BTreeSet<String>,
    },
    /// Write down in the cluster what only the configuration knows.
    Record { cluster: String },
    /// Take "(creating)" out of the mark.
    Finish { vpc: String },
}

/// What a run wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Goal {
    /// The create that is going on; none when a finished platform is updated.
    pub(crate) incarnation: Option<Incarnation>,
    /// The build to run.
    pub(crate) build: String,
    /// Whether any component is wanted at all: without one there is no journal to read.
    pub(crate) components: bool,
}

/// The step that comes next; none when everything is as wanted.
pub(crate) fn next(goal: &Goal, seen: &Observed) -> Option<Step> {
    if let Some(host) = seen.hosts.first() {
        return Some(Step::RemoveHost(host.clone()));
    }
    let Some(vpc) = &seen.vpc else {
        return Some(Step::CreateVpc);
    };
    if let (Some(ours), Mark::Creating(_, theirs)) = (&goal.incarnation, &vpc.mark)
        && theirs.as_ref() != Some(ours)
    {
        return Some(Step::TakeOver {
            vpc: vpc.id.clone(),
        });
    }
    let Some(cluster) = &seen.cluster else {
        return Some(Step::CreateCluster {
            vpc: vpc.id.clone(),
        });
    };
    if !cluster.active {
        return Some(Step::AwaitCluster {
            cluster: cluster.id.clone(),
        });
    }
    // Of a finished platform the settings come first: a run that ends right after its last change leaves nothing to plan,
    // and nobody would write them down any more.
    if goal.incarnation.is_none() && !seen.recorded {
        return Some(Step::Record {
            cluster: cluster.id.clone(),
        });
    }
    if cluster.build != goal.build || cluster.upgrading {
        return Some(Step::Upgrade {
            cluster: cluster.id.clone(),
        });
    }
    if !seen.pool_settled {
        return Some(Step::SettlePool {
            cluster: cluster.id.clone(),
        });
    }
    if goal.components {
        match &seen.due {
            None => {
                return Some(Step::ReadJournal {
                    cluster: cluster.id.clone(),
                });
            }
            Some(due) if !due.is_empty() => {
                return Some(Step::RunComponents {
                    cluster: cluster.id.clone(),
                    vpc: vpc.id.clone(),
                    due: due.clone(),
                });
            }
            Some(_) => {}
        }
    }
    // Of a new one at the end, before it counts as finished: from then on only an import takes it over.
    if !seen.recorded {
        return Some(Step::Record {
            cluster: cluster.id.clone(),
        });
    }
    matches!(vpc.mark, Mark::Creating(..)).then(|| Step::Finish {
        vpc: vpc.id.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mark::PlatformId;

    fn id() -> PlatformId {
        PlatformId::parse("acme").unwrap()
    }

    fn goal() -> Goal {
        Goal {
            incarnation: Some(Incarnation::stored("aaaa0001")),
            build: "v1.36.5+1".to_owned(),
            components: true,
        }
    }

    fn cluster(active: bool) -> SeenCluster {
        SeenCluster {
            id: "c".into(),
            active,
            build: goal().build,
            upgrading: false,
        }
    }

    /// Takes a step in a world where every effect succeeds.
    fn take(step: &Step, seen: &mut Observed, goal: &Goal) {
        let creating = || Mark::Creating(id(), goal.incarnation.clone());
        match step {
            Step::RemoveHost(host) => seen.hosts.retain(|other| other != host),
            Step::CreateVpc => {
                seen.vpc = Some(SeenVpc {
                    id: "v".into(),
                    mark: Mark::Creating(id(), None),
                });
            }
            Step::TakeOver { .. } => seen.vpc.as_mut().unwrap().mark = creating(),
            Step::CreateCluster { .. } => {
                seen.cluster = Some(cluster(false));
            }
            Step::Upgrade { .. } => seen.cluster = Some(cluster(true)),
            Step::SettlePool { .. } => seen.pool_settled = true,
            Step::AwaitCluster { .. } => seen.cluster.as_mut().unwrap().active = true,
            Step::ReadJournal { .. } => seen.due = Some(BTreeSet::from(["kong".to_owned()])),
            Step::RunComponents { .. } => seen.due = Some(BTreeSet::new()),
            Step::Record { .. } => seen.recorded = true,
            Step::Finish { .. } => seen.vpc.as_mut().unwrap().mark = Mark::Finished(id()),
        }
    }

    fn walk(goal: &Goal, mut seen: Observed) -> (Vec<Step>, Observed) {
        let mut steps = Vec::new();
        while let Some(step) = next(goal, &seen) {
            take(&step, &mut seen, goal);
            steps.push(step);
            assert!(steps.len() < 20, "no end: {steps:?}");
        }
        (steps, seen)
    }

    #[test]
    fn an_empty_account_gets_a_platform_in_nine_steps() {
        let (steps, seen) = walk(&goal(), Observed::default());
        assert_eq!(steps.len(), 9, "{steps:?}");
        assert!(matches!(steps.last(), Some(Step::Finish { .. })));
        assert_eq!(seen.vpc.unwrap().mark, Mark::Finished(id()));
    }

    #[test]
    fn a_run_killed_after_any_step_is_continued_without_repeating_one_that_made_something() {
        let (whole, _) = walk(&goal(), Observed::default());
        for killed_after in 0..whole.len() {
            let mut seen = Observed::default();
            for step in &whole[..killed_after] {
                take(step, &mut seen, &goal());
            }
            seen.due = None;
            seen.pool_settled = false;
            seen.recorded = false;
            seen.hosts = vec!["left".into()];
            let next_run = Goal {
                incarnation: Some(Incarnation::stored("bbbb0002")),
                ..goal()
            };
            let (steps, _) = walk(&next_run, seen);
            let makes = |step: &Step| matches!(step, Step::CreateVpc | Step::CreateCluster { .. });
            let made_before = whole[..killed_after].iter().filter(|s| makes(s)).count();
            let made_after = steps.iter().filter(|s| makes(s)).count();
            assert_eq!(made_before + made_after, 2, "killed after {killed_after}");
            assert_eq!(steps[0], Step::RemoveHost("left".into()));
            let recorded = steps.iter().any(|step| matches!(step, Step::Record { .. }));
            assert!(recorded, "killed after {killed_after}");
        }
    }

    #[test]
    fn without_components_no_journal_is_read() {
        let goal = Goal {
            components: false,
            ..goal()
        };
        let (steps, _) = walk(&goal, Observed::default());
        assert!(
            !steps
                .iter()
                .any(|s| matches!(s, Step::ReadJournal { .. } | Step::RunComponents { .. }))
        );
    }

    #[test]
    fn a_finished_platform_with_matching_records_needs_nothing() {
        let seen = Observed {
            vpc: Some(SeenVpc {
                id: "v".into(),
                mark: Mark::Finished(id()),
            }),
            cluster: Some(cluster(true)),
            pool_settled: true,
            hosts: Vec::new(),
            due: Some(BTreeSet::new()),
            recorded: true,
        };
        let goal = Goal {
            incarnation: None,
            ..goal()
        };
        assert_eq!(next(&goal, &seen), None);
    }

    #[test]
    fn an_upgrade_comes_before_the_pool_and_is_gone_on_with_while_the_pool_says_so() {
        let running = |build: &str, upgrading| Observed {
            vpc: Some(SeenVpc {
                id: "v".into(),
                mark: Mark::Finished(id()),
            }),
            cluster: Some(SeenCluster {
                build: build.to_owned(),
                upgrading,
                ..cluster(true)
            }),
            due: Some(BTreeSet::new()),
            ..Observed::default()
        };
        for seen in [running("v1.35.8+1", false), running("v1.36.5+1", true)] {
            let (steps, _) = walk(&goal(), seen);
            assert!(matches!(steps[0], Step::Upgrade { .. }), "{steps:?}");
            assert!(matches!(steps[1], Step::SettlePool { .. }), "{steps:?}");
        }
    }
}
