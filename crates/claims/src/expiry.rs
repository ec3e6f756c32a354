//! When an environment ends. The clock is always handed in.

use crate::claim::Claim;
use jiff::{SignedDuration, Timestamp};

/// How long an evaluation lives when its claim does not say.
pub const SUE_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

impl Claim {
    /// When the environment ends. A claim that names no end counts from the moment it was first seen, not from the
    /// date it carries: a file may be written long before it is uploaded.
    #[must_use]
    pub fn expires_at(&self, first_seen: Timestamp) -> Option<Timestamp> {
        let lifetime = self.environment_type.profile().lifetime?;
        self.expiration_date
            .or_else(|| first_seen.checked_add(lifetime).ok())
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_expired(&self, first_seen: Timestamp, now: Timestamp) -> bool {
        self.expires_at(first_seen).is_some_and(|end| end <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EnvironmentType;
    use crate::claim::tests::sample;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn of(kind: EnvironmentType, end: Option<&str>) -> Claim {
        Claim {
            environment_type: kind,
            expiration_date: end.map(at),
            ..sample()
        }
    }

    #[test]
    fn persistent_types_never_end() {
        for kind in [
            EnvironmentType::Dev,
            EnvironmentType::Staging,
            EnvironmentType::Prod,
        ] {
            assert!(
                !of(kind, None).is_expired(at("2000-01-01T00:00:00Z"), at("2999-01-01T00:00:00Z"))
            );
        }
    }

    #[test]
    fn an_evaluation_ends_a_day_after_it_was_first_seen() {
        let claim = of(EnvironmentType::Sue, None);
        let seen = at("2026-05-01T12:00:00Z");
        assert_eq!(claim.expires_at(seen), Some(at("2026-05-02T12:00:00Z")));
        assert!(!claim.is_expired(seen, at("2026-05-02T11:59:59Z")));
        assert!(claim.is_expired(seen, at("2026-05-02T12:00:00Z")));
    }

    #[test]
    fn an_evaluation_may_name_its_end() {
        let claim = of(EnvironmentType::Sue, Some("2026-06-01T00:00:00Z"));
        assert_eq!(
            claim.expires_at(at("2026-05-01T12:00:00Z")),
            Some(at("2026-06-01T00:00:00Z"))
        );
    }
}
