//! What a destroy may do with the environments of its platform. Nothing here calls anybody.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use claim_store::Freeze;
use claims::EnvironmentType;

use super::estimate::BASIS;
use super::standing::{Context, Live, Standing};
use crate::fault::{self, Fault};
use crate::mark::PlatformId;

/// The words of `on_destroy.environments`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EnvironmentPolicy {
    /// No destroy while claims stand.
    Refuse,
    /// Withdraw the claims that nobody lives on: dynamic ones of type dev, sue and staging.
    Drain,
    /// Withdraw every claim that was named beforehand.
    DrainAll,
    /// Leave the environments behind, and write down what they are.
    Orphan,
}

impl EnvironmentPolicy {
    /// All of them, the default first.
    pub(crate) const ALL: [Self; 4] = [Self::Refuse, Self::Drain, Self::DrainAll, Self::Orphan];

    /// The word that users write.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Drain => "drain",
            Self::DrainAll => "drain_all",
            Self::Orphan => "orphan",
        }
    }

    /// The policy of a word; what is not written is refused.
    pub(crate) fn of(word: Option<&str>) -> Self {
        Self::ALL
            .into_iter()
            .find(|policy| Some(policy.as_str()) == word)
            .unwrap_or(Self::Refuse)
    }
}

/// A policy with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) policy: EnvironmentPolicy,
    /// The environments that `drain_all` may take, as the user wrote them.
    pub(crate) confirmed: BTreeSet<String>,
    /// Where `orphan` writes what it leaves.
    pub(crate) handover_file: Option<String>,
}

/// How to destroy a platform whatever lives there.
pub(super) const WAY_OUT: &str = "To destroy the platform and leave its environments to you, set on_destroy = { environments = \"orphan\" } and apply that first.";

/// Whether a drain may take this one without being told its name.
fn goes_with_a_drain(live: &Live) -> bool {
    !live.fixed && live.kind() != EnvironmentType::Prod
}

/// Whether a destroy may go on over what stands. `freeze` is the one in force when an earlier drain was broken off: what
/// it was allowed is what this one is.
pub(super) fn judge(
    platform: &PlatformId,
    choice: &Choice,
    standing: &Standing,
    freeze: Option<&Freeze>,
    context: &Context<'_>,
) -> Result<(), Fault> {
    if standing.is_empty() {
        return Ok(());
    }
    match choice.policy {
        EnvironmentPolicy::Refuse => Err(Fault::new(
            fault::LIVE_ENVIRONMENTS,
            format!(
                "Platform {platform} has {} environments, and they would die with it:\n{}\n{BASIS}\nWithdraw their claims first, or set on_destroy = {{ environments = \"drain\" }} and apply that, so that the destroy withdraws them. {WAY_OUT}",
                standing.len(),
                standing.lines(context)
            ),
        )),
        EnvironmentPolicy::Drain => refuse_kept(platform, standing, context),
        EnvironmentPolicy::DrainAll => refuse_unconfirmed(platform, choice, standing, freeze),
        EnvironmentPolicy::Orphan => Ok(()),
    }
}

fn refuse_kept(
    platform: &PlatformId,
    standing: &Standing,
    context: &Context<'_>,
) -> Result<(), Fault> {
    let kept = Standing {
        live: standing
            .live
            .iter()
            .filter(|one| !goes_with_a_drain(one))
            .cloned()
            .collect(),
        unread: standing.unread.clone(),
    };
    if kept.is_empty() {
        return Ok(());
    }
    Err(Fault::new(
        fault::DRAIN_REFUSED,
        format!(
            "on_destroy.environments = \"drain\" withdraws dynamic environments of type dev, staging and sue. Platform {platform} has others, so nothing was withdrawn:\n{}\n{BASIS}\nWithdraw these first; or set on_destroy = {{ environments = \"drain_all\" }} with confirm_environments naming every environment of the platform, and apply that.",
            kept.lines(context)
        ),
    ))
}

fn refuse_unconfirmed(
    platform: &PlatformId,
    choice: &Choice,
    standing: &Standing,
    freeze: Option<&Freeze>,
) -> Result<(), Fault> {
    let names: BTreeSet<String> = standing.live.iter().map(Live::name).collect();
    let unread: Vec<&str> = standing.unread.iter().map(|one| one.key.as_str()).collect();
    // Of a drain that goes on some are gone already; what it was allowed at its start stands in the freeze.
    let goes_on = freeze.is_some_and(|freeze| {
        freeze.environments == choice.confirmed && names.is_subset(&freeze.environments)
    });
    if unread.is_empty() && (goes_on || names == choice.confirmed) {
        return Ok(());
    }
    let mut why = String::new();
    for (words, list) in [
        (
            "not confirmed",
            names
                .difference(&choice.confirmed)
                .cloned()
                .collect::<Vec<_>>(),
        ),
        (
            "confirmed and not there",
            choice.confirmed.difference(&names).cloned().collect(),
        ),
        (
            "no readable claim, to be mended or removed",
            unread.into_iter().map(str::to_owned).collect(),
        ),
    ] {
        if !list.is_empty() {
            // Writing into a String cannot fail.
            let _ = write!(why, "\n  {words}: {}", list.join(", "));
        }
    }
    let exact: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    Err(Fault::new(
        fault::NOT_CONFIRMED,
        format!(
            "on_destroy.environments = \"drain_all\" withdraws exactly the environments that confirm_environments names, and those of platform {platform} are others, so nothing was withdrawn:{why}\nThe set at this moment: confirm_environments = [{}]. Look at it, apply it, then destroy.",
            exact.join(", ")
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::standing::Unread;
    use super::super::standing::tests::live;
    use super::*;

    fn choice(policy: EnvironmentPolicy, confirmed: &[&str]) -> Choice {
        Choice {
            policy,
            confirmed: set(confirmed),
            handover_file: None,
        }
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn standing(live: Vec<Live>) -> Standing {
        Standing {
            live,
            unread: Vec::new(),
        }
    }

    fn judged(choice: &Choice, standing: &Standing, freeze: Option<&Freeze>) -> Result<(), String> {
        let context = Context {
            catalogue: None,
            region: "ams",
            now: "2026-01-02T01:00:00Z".parse().unwrap(),
        };
        let id = PlatformId::parse("acme").unwrap();
        judge(&id, choice, standing, freeze, &context)
            .map_err(|fault| format!("{} {}", fault.code(), fault.detail()))
    }

    #[test]
    fn an_empty_platform_goes_whatever_the_policy() {
        for policy in EnvironmentPolicy::ALL {
            for confirmed in [&[][..], &["dev-gone"]] {
                let choice = choice(policy, confirmed);
                assert_eq!(judged(&choice, &Standing::default(), None), Ok(()));
            }
        }
    }

    #[test]
    fn refuse_names_each_with_its_owner() {
        let two = standing(vec![
            live("dev-x", "dev", false),
            live("sue-y", "sue", false),
        ]);
        let told = judged(&choice(EnvironmentPolicy::Refuse, &[]), &two, None).unwrap_err();
        for word in [
            "SLW-452",
            "dev-x of ann, dev",
            "sue-y of ann, sue",
            "1 day old",
        ] {
            assert!(told.contains(word), "{word}: {told}");
        }
    }

    #[test]
    fn drain_takes_what_is_dynamic_and_no_production_alone() {
        let drain = choice(EnvironmentPolicy::Drain, &[]);
        let small = ["dev", "staging", "sue"].map(|kind| live(&format!("{kind}-x"), kind, false));
        assert_eq!(judged(&drain, &standing(small.to_vec()), None), Ok(()));
        for kept in [live("prod-x", "prod", false), live("dev-git", "dev", true)] {
            let name = kept.name();
            let mut all = small.to_vec();
            all.push(kept);
            let told = judged(&drain, &standing(all), None).unwrap_err();
            assert!(
                told.starts_with("SLW-454") && told.contains(&name),
                "{told}"
            );
            assert!(!told.contains("sue-x"), "{told}");
        }
        let unread = Standing {
            live: small.to_vec(),
            unread: vec![Unread {
                key: "odd.json".into(),
                why: "no JSON".into(),
            }],
        };
        assert!(
            judged(&drain, &unread, None)
                .unwrap_err()
                .contains("odd.json")
        );
    }

    #[test]
    fn drain_all_wants_the_exact_set() {
        let both = standing(vec![
            live("dev-x", "dev", false),
            live("prod-y", "prod", false),
        ]);
        let all = |names| choice(EnvironmentPolicy::DrainAll, names);
        assert_eq!(judged(&all(&["dev-x", "prod-y"]), &both, None), Ok(()));
        for (confirmed, word) in [
            (&["dev-x"][..], "not confirmed: prod-y"),
            (&[], "not confirmed: dev-x, prod-y"),
            (
                &["dev-x", "prod-y", "dev-z"],
                "confirmed and not there: dev-z",
            ),
        ] {
            let told = judged(&all(confirmed), &both, None).unwrap_err();
            assert!(told.starts_with("SLW-455") && told.contains(word), "{told}");
            assert!(
                told.contains("confirm_environments = [\"dev-x\", \"prod-y\"]"),
                "{told}"
            );
        }
    }

    #[test]
    fn a_drain_that_was_broken_off_goes_on_with_what_is_left_and_with_nothing_else() {
        let all = choice(EnvironmentPolicy::DrainAll, &["dev-x", "prod-y"]);
        let freeze = Freeze {
            by: "an earlier run".into(),
            since: "2026-01-01T00:00:00Z".parse().unwrap(),
            environments: set(&["dev-x", "prod-y"]),
            lifted: None,
        };
        let left = standing(vec![live("prod-y", "prod", false)]);
        assert!(judged(&all, &left, None).is_err());
        assert_eq!(judged(&all, &left, Some(&freeze)), Ok(()));
        assert_eq!(judged(&all, &Standing::default(), Some(&freeze)), Ok(()));
        let more = standing(vec![live("dev-new", "dev", false)]);
        assert!(judged(&all, &more, Some(&freeze)).is_err());
        let other = choice(EnvironmentPolicy::DrainAll, &["prod-y", "dev-z"]);
        assert!(judged(&other, &left, Some(&freeze)).is_err());
    }
}
