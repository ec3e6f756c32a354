//! What stands in a platform's claim stores: the dynamic one, and the static one where the platform has it.

use std::fmt::Write as _;

use claim_store::{ClaimStore, StoreError, Stored};
use claims::EnvironmentType;
use jiff::Timestamp;
use serde::Serialize;

use super::estimate;
use crate::catalogue::Catalogue;
use crate::mark::PlatformId;
use crate::price::dollars;

/// How many environments a message names.
const SHOWN: usize = 20;

/// A claim, and whose bucket it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) stored: Stored,
    /// Managed in Git: its bucket has another writer, and nothing here writes there.
    pub(crate) fixed: bool,
}

/// An object that is no readable claim; it may be somebody's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Unread {
    pub(crate) key: String,
    pub(crate) why: String,
}

/// Everything that stands there, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) live: Vec<Live>,
    pub(crate) unread: Vec<Unread>,
}

/// What lines about environments need to know.
pub(crate) struct Context<'a> {
    pub(crate) catalogue: Option<&'a Catalogue>,
    pub(crate) region: &'a str,
    pub(crate) now: Timestamp,
}

impl Live {
    pub(crate) fn name(&self) -> String {
        self.stored.claim.environment_name.to_string()
    }

    pub(crate) fn kind(&self) -> EnvironmentType {
        self.stored.claim.environment_type
    }

    /// Owner, type, age and price in one line.
    pub(crate) fn line(&self, context: &Context<'_>) -> String {
        let claim = &self.stored.claim;
        let mut line = format!(
            "  {} of {}, {}{}, {}",
            claim.environment_name,
            claim.user,
            claim.environment_type,
            if self.fixed { " (static)" } else { "" },
            age(claim.creation_date, context.now)
        );
        let price = context
            .catalogue
            .and_then(|catalogue| estimate::monthly(catalogue, context.region, self.kind()));
        if let Some(price) = price {
            // Writing into a String cannot fail.
            let _ = write!(line, ", about {} USD a month", dollars(price));
        }
        line
    }
}

impl Standing {
    /// Sweeps the stores of a platform. An incomplete listing is an error, and so is a store that is not the platform's:
    /// one that was swapped for another is empty, and would look as if nobody lived there.
    pub(crate) async fn sweep(
        platform: &PlatformId,
        dynamic: &ClaimStore,
        fixed: Option<&ClaimStore>,
    ) -> Result<Self, StoreError> {
        let mut standing = Self::default();
        for (store, fixed) in [(Some(dynamic), false), (fixed, true)] {
            let Some(store) = store else { continue };
            store.require_identity(platform.as_str()).await?;
            let sweep = store.sweep().await?;
            store.require_identity(platform.as_str()).await?;
            let live = sweep.claims.into_iter();
            standing
                .live
                .extend(live.map(|stored| Live { stored, fixed }));
            let unread = sweep.unreadable.into_iter();
            standing.unread.extend(unread.map(|one| Unread {
                key: one.place.key,
                why: one.faults.to_string(),
            }));
        }
        standing.live.sort_by_key(Live::name);
        standing.unread.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(standing)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.live.is_empty() && self.unread.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.live.len() + self.unread.len()
    }

    /// A line for each, up to as many as a person reads.
    pub(crate) fn lines(&self, context: &Context<'_>) -> String {
        let live = self.live.iter().map(|one| one.line(context));
        let unread = self
            .unread
            .iter()
            .map(|one| format!("  object {} (no readable claim: {})", one.key, one.why));
        let mut lines: Vec<String> = live.chain(unread).collect();
        let more = lines.len().saturating_sub(SHOWN);
        lines.truncate(SHOWN);
        if more > 0 {
            lines.push(format!("  and {more} more"));
        }
        lines.join("\n")
    }
}

/// How long ago something was asked for, in the unit that says most.
fn age(since: Timestamp, now: Timestamp) -> String {
    let hours = now.duration_since(since).as_hours();
    match (hours / 24, hours) {
        (_, ..=0) => "less than an hour old".to_owned(),
        (0, 1) => "1 hour old".to_owned(),
        (0, hours) => format!("{hours} hours old"),
        (1, _) => "1 day old".to_owned(),
        (days, _) => format!("{days} days old"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use claim_store::{ETag, Place};
    use claims::Claim;

    pub(crate) fn live(name: &str, kind: &str, fixed: bool) -> Live {
        let git = if fixed {
            r#","deployment_method":"git","git_repository":"https://git.example/x","branch":"main""#
        } else {
            ""
        };
        let json = format!(
            r#"{{"user":"ann","environment_pool":"team1","creation_date":"2026-01-01T00:00:00Z","environment_name":"{name}","environment_type":"{kind}","services":{{}}{git}}}"#
        );
        Live {
            stored: Stored {
                place: Place {
                    key: format!("{name}.json"),
                    etag: ETag::from("\"1\"".to_owned()),
                },
                claim: Claim::read(json.as_bytes()).unwrap(),
            },
            fixed,
        }
    }

    fn context(now: &str) -> Context<'static> {
        Context {
            catalogue: None,
            region: "ams",
            now: now.parse().unwrap(),
        }
    }

    #[test]
    fn a_line_names_owner_type_and_age() {
        for (now, age) in [
            ("2025-12-31T00:00:00Z", "less than an hour old"),
            ("2026-01-01T00:59:00Z", "less than an hour old"),
            ("2026-01-01T01:00:00Z", "1 hour old"),
            ("2026-01-01T23:00:00Z", "23 hours old"),
            ("2026-01-02T01:00:00Z", "1 day old"),
            ("2026-01-13T00:00:00Z", "12 days old"),
        ] {
            let line = live("dev-x", "dev", false).line(&context(now));
            assert_eq!(line, format!("  dev-x of ann, dev, {age}"));
        }
        let line = live("prod-x", "prod", true).line(&context("2026-01-02T01:00:00Z"));
        assert_eq!(line, "  prod-x of ann, prod (static), 1 day old");
    }

    #[test]
    fn a_long_list_ends_with_how_many_more_there_are() {
        let standing = Standing {
            live: (0..23)
                .map(|n| live(&format!("dev-{n}"), "dev", false))
                .collect(),
            unread: Vec::new(),
        };
        let lines = standing.lines(&context("2026-01-02T01:00:00Z"));
        assert_eq!(lines.lines().count(), 21);
        assert!(lines.ends_with("  and 3 more"), "{lines}");
    }
}
