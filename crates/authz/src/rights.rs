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
const ALL: &str = "all";
const NONE: &str = "none";

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
    Situation {
        title: "a dynamic environment",
        origin: Origin::Bucket,
        protected: false,
    },
    Situation {
        title: "a protected dynamic environment",
        origin: Origin::Bucket,
        protected: true,
    },
    Situation {
        title: "a static environment, managed in Git",
        origin: Origin::Git,
        protected: false,
    },
];

/// The table of rights under a set of policies: who, in which situation, what, how, and for which type.
#[must_use]
pub fn table(set: &PolicySet) -> String {
    let (pool, team) = set
        .pools()
        .into_iter()
        .next()
        .unwrap_or_else(|| (POOL.to_owned(), POOL.to_owned()));
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365);
    let mut legend = Legend::default();
    let mut text = format!(
        "Pool `{pool}` of team `{team}`, owned by {OWNER}, by channel. The types for which it is permitted, or `all`, or `none`;\n\
         `1: prod` means forbidden for prod by policy 1; what is not named is permitted by no policy.\n"
    );
    for asker in askers(&team, now) {
        for situation in &SITUATIONS {
            let title = format!("{}: {}", asker.title, situation.title);
            let rows = rows(Group::is_of_environments, |action, channel| {
                let circumstances = Circumstances {
                    channel,
                    now,
                    live_in_pool: Some(0),
                };
                let verdicts = EnvironmentType::ALL.map(|environment_type| {
                    let resource = Resource::Environment(Environment {
                        name: "x".to_owned(),
                        pool: pool.clone(),
                        environment_type,
                        owner: OWNER.to_owned(),
                        origin: situation.origin,
                        protected: situation.protected,
                    });
                    set.decide(&asker.principal, action, &resource, &circumstances)
                });
                legend.types(&verdicts)
            });
            write_rows(&mut text, &title, &rows);
        }
        let rows = rows(
            |group| !group.is_of_environments(),
            |action, channel| {
                let circumstances = Circumstances {
                    channel,
                    now,
                    live_in_pool: None,
                };
                legend.mark(&set.decide(
                    &asker.principal,
                    action,
                    &Resource::Platform,
                    &circumstances,
                ))
            },
        );
        write_rows(&mut text, &format!("{}: the platform", asker.title), &rows);
    }
    text.push('\n');
    for (policy, number) in legend.in_order() {
        let _ = writeln!(text, "{number}: {policy}");
    }
    text
}

/// What is permitted for some actions, by channel.
struct Row {
    actions: Vec<Action>,
    cells: Vec<String>,
}

/// One row for all actions of which the same is true.
fn rows(
    concerned: impl Fn(Group) -> bool,
    mut cell: impl FnMut(Action, Channel) -> String,
) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for action in Action::ALL
        .into_iter()
        .filter(|action| concerned(action.group()))
    {
        let cells: Vec<String> = Channel::ALL
            .into_iter()
            .map(|channel| cell(action, channel))
            .collect();
        match rows.iter_mut().find(|row| row.cells == cells) {
            Some(row) => row.actions.push(action),
            None => rows.push(Row {
                actions: vec![action],
                cells,
            }),
        }
    }
    rows
}

fn write_rows(text: &mut String, title: &str, rows: &[Row]) {
    let _ = writeln!(text, "\n{title}");
    for row in rows {
        let cells = Channel::ALL.iter().zip(&row.cells);
        let cells: Vec<String> = cells
            .map(|(channel, cell)| format!("{:<28}", format!("{} {cell}", channel.as_str())))
            .collect();
        let actions: Vec<&str> = row.actions.iter().map(|action| action.as_str()).collect();
        let _ = writeln!(text, "  {}  {}", cells.join(" "), actions.join(" "));
    }
}

/// The numbers of the policies that forbid something.
#[derive(Default)]
struct Legend(BTreeMap<String, usize>);

impl Legend {
    /// What is said of all types at once.
    fn types(&mut self, verdicts: &[Verdict; 4]) -> String {
        let marks = verdicts.each_ref().map(|verdict| self.mark(verdict));
        if marks.iter().all(|mark| *mark == marks[0]) {
            return marks[0].clone();
        }
        let mut by_mark: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (mark, environment_type) in marks.iter().zip(EnvironmentType::ALL) {
            by_mark
                .entry(mark)
                .or_default()
                .push(environment_type.as_str());
        }
        let permitted = by_mark.remove(ALL).map(|types| types.join(" "));
        by_mark.remove(NONE);
        let forbidden = by_mark
            .into_iter()
            .map(|(mark, types)| format!("{mark}: {}", types.join(" ")));
        permitted
            .into_iter()
            .chain(forbidden)
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn mark(&mut self, verdict: &Verdict) -> String {
        if verdict.allowed {
            return ALL.to_owned();
        }
        if !verdict.errors.is_empty() {
            return "error".to_owned();
        }
        if verdict.deciding.is_empty() {
            return NONE.to_owned();
        }
        let numbers = verdict.deciding.iter().map(|deciding| {
            let next = self.0.len() + 1;
            self.0
                .entry(deciding.policy.clone())
                .or_insert(next)
                .to_string()
        });
        numbers.collect::<Vec<_>>().join("+")
    }

    fn in_order(&self) -> Vec<(&String, usize)> {
        let mut all: Vec<_> = self
            .0
            .iter()
            .map(|(policy, number)| (policy, *number))
            .collect();
        all.sort_by_key(|(_, number)| *number);
        all
    }
}

fn askers(team: &str, now: Timestamp) -> Vec<Asker> {
    let asker = |title: &str, principal: Principal| Asker {
        title: title.to_owned(),
        principal: principal.authenticated(now),
    };
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
        asker(
            "A release manager of another team",
            Principal::user("other@example.org")
                .in_teams(["another"])
                .with_roles(["release-manager"]),
        ),
        asker(
            "An auditor",
            Principal::user("auditor@example.org").with_roles(["auditor"]),
        ),
        asker(
            "An operator",
            Principal::user("operator@example.org").with_roles(["operator"]),
        ),
        asker(
            "A platform administrator",
            Principal::user("admin@example.org").with_roles(["platform-admin"]),
        ),
        asker(
            "Terraform of the team",
            Principal::service_account("terraform", AccountKind::Terraform).in_teams([team]),
        ),
        asker(
            "The team's pipeline on a protected branch",
            pipeline(team, true),
        ),
        asker(
            "The team's pipeline on another branch",
            pipeline(team, false),
        ),
        asker(
            "An upload without a signature",
            Principal::unsigned_upload(),
        ),
        asker("Somebody else", Principal::user("somebody@example.org")),
    ]
}

fn pipeline(team: &str, protected: bool) -> Principal {
    let mut principal =
        Principal::service_account("group/environments", AccountKind::GitlabCi).in_teams([team]);
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
