//! Every right as a table for people.
//!
//! For each kind of asker and each situation of an environment one table: what they may do, by channel and by type. It is
//! computed by asking the set, so it shows what holds and not what somebody meant.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use claims::EnvironmentType;
use jiff::{SignedDuration, Timestamp};

use crate::action::{Action, Group};
use crate::circumstances::{Channel, Circumstances};
use crate::policy_set::PolicySet;
use crate::principal::{AccountKind, Pipeline, Principal, Subject};
use crate::resource::{Environment, Origin, Resource};
use crate::verdict::Verdict;

/// The pool of the tables, if the data name none.
const POOL: &str = "shop";
const OWNER: &str = "owner@example.org";

/// An asker of the tables.
struct Asker {
    title: String,
    principal: Principal,
}

/// A situation of the environment that is asked for.
struct Situation {
    title: &'static str,
    origin: Origin,
    protected: bool,
}

const SITUATIONS: [Situation; 3] = [
    Situation { title: "a dynamic environment", origin: Origin::Bucket, protected: false },
    Situation { title: "a protected dynamic environment", origin: Origin::Bucket, protected: true },
    Situation { title: "a static environment, managed in Git", origin: Origin::Git, protected: false },
];

/// The table of rights under a set of policies: who, in which situation, what, how, and for which type.
#[must_use]
pub fn table(set: &PolicySet) -> String {
    let (pool, team) = set.pools().into_iter().next().unwrap_or_else(|| (POOL.to_owned(), POOL.to_owned()));
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365);
    let mut legend = Legend::default();
    let mut text = format!("Pool `{pool}` of team `{team}`, owned by {OWNER}. `yes` permitted, `.` no policy permits it, a number: forbidden by that policy.\n");
    for asker in askers(&team, now) {
        for situation in &SITUATIONS {
            let _ = write!(text, "\n{}: {}\n", asker.title, situation.title);
            environment_table(&mut text, set, &asker.principal, situation, &pool, now, &mut legend);
        }
        let _ = write!(text, "\n{}: the platform\n", asker.title);
        platform_table(&mut text, set, &asker.principal, now, &mut legend);
    }
    text.push('\n');
    for (policy, number) in legend.in_order() {
        let _ = writeln!(text, "{number}: {policy}");
    }
    text
}

fn environment_table(text: &mut String, set: &PolicySet, asker: &Principal, situation: &Situation, pool: &str, now: Timestamp, legend: &mut Legend) {
    let _ = write!(text, "  {:<20}", "");
    for channel in Channel::ALL {
        for kind in EnvironmentType::ALL {
            let _ = write!(text, " {:>14}", format!("{}/{kind}", channel.as_str()));
        }
    }
    text.push('\n');
    for action in Action::ALL.into_iter().filter(|action| action.group() != Group::Operate) {
        let _ = write!(text, "  {:<20}", action.as_str());
        for channel in Channel::ALL {
            for environment_type in EnvironmentType::ALL {
                let resource = Resource::Environment(Environment {
                    name: "x".to_owned(),
                    pool: pool.to_owned(),
                    environment_type,
                    owner: OWNER.to_owned(),
                    origin: situation.origin,
                    protected: situation.protected,
                });
                let circumstances = Circumstances { channel, now, live_in_pool: Some(0) };
                let verdict = set.decide(asker, action, &resource, &circumstances);
                let _ = write!(text, " {:>14}", legend.cell(&verdict));
            }
        }
        text.push('\n');
    }
}

fn platform_table(text: &mut String, set: &PolicySet, asker: &Principal, now: Timestamp, legend: &mut Legend) {
    for action in Action::ALL.into_iter().filter(|action| action.group() == Group::Operate) {
        let _ = write!(text, "  {:<20}", action.as_str());
        for channel in Channel::ALL {
            let circumstances = Circumstances { channel, now, live_in_pool: None };
            let verdict = set.decide(asker, action, &Resource::Platform, &circumstances);
            let _ = write!(text, " {:>14}", format!("{}: {}", channel.as_str(), legend.cell(&verdict)));
        }
        text.push('\n');
    }
}

/// The numbers of the policies that forbid something.
#[derive(Default)]
struct Legend(BTreeMap<String, usize>);

impl Legend {
    fn cell(&mut self, verdict: &Verdict) -> String {
        if verdict.allowed {
            return "yes".to_owned();
        }
        if !verdict.errors.is_empty() {
            return "error".to_owned();
        }
        if verdict.deciding.is_empty() {
            return ".".to_owned();
        }
        let numbers = verdict.deciding.iter().map(|deciding| {
            let next = self.0.len() + 1;
            self.0.entry(deciding.policy.clone()).or_insert(next).to_string()
        });
        numbers.collect::<Vec<_>>().join("+")
    }

    fn in_order(&self) -> Vec<(&String, usize)> {
        let mut all: Vec<_> = self.0.iter().map(|(policy, number)| (policy, *number)).collect();
        all.sort_by_key(|(_, number)| *number);
        all
    }
}

fn askers(team: &str, now: Timestamp) -> Vec<Asker> {
    let asker = |title: &str, principal: Principal| Asker { title: title.to_owned(), principal: principal.authenticated(now) };
    let hours_ago = |hours: i64| now - SignedDuration::from_hours(hours);
    let member = || Principal::user("member@example.org").in_teams([team]);
    let manager = || member().with_roles(["release-manager"]);
    vec![
        asker("The owner, in no team", Principal::user(OWNER)),
        asker("A member of the team", member()),
        asker("A release manager of the team, just signed in", manager()),
        Asker {
            title: "A release manager of the team, signed in two hours ago".to_owned(),
            principal: manager().authenticated(hours_ago(2)),
        },
        asker("A release manager of another team", Principal::user("other@example.org").in_teams(["another"]).with_roles(["release-manager"])),
        asker("An auditor", Principal::user("auditor@example.org").with_roles(["auditor"])),
        asker("An operator", Principal::user("operator@example.org").with_roles(["operator"])),
        asker("A platform administrator", Principal::user("admin@example.org").with_roles(["platform-admin"])),
        asker("Terraform of the team", Principal::service_account("terraform", AccountKind::Terraform).in_teams([team])),
        asker("The team's pipeline on a protected branch", pipeline(team, true)),
        asker("The team's pipeline on another branch", pipeline(team, false)),
        asker("An upload without a signature", Principal::unsigned_upload()),
        asker("Somebody else", Principal::user("somebody@example.org")),
    ]
}

fn pipeline(team: &str, protected: bool) -> Principal {
    let mut principal = Principal::service_account("group/environments", AccountKind::GitlabCi).in_teams([team]);
    principal.subject = Subject::ServiceAccount {
        name: "group/environments".to_owned(),
        kind: AccountKind::GitlabCi,
        pipeline: Some(Pipeline {
            project: "group/environments".to_owned(),
            branch: "main".to_owned(),
            protected,
        }),
    };
    principal
}
