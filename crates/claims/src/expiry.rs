//! When an environment ends. The clock is always handed in.

use crate::claim::Claim;
use crate::environment_type::EnvironmentType;
use jiff::{SignedDuration, Timestamp};

/// How long an evaluation lives when its claim does not say.
pub const SUE_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// The rules of expiry of a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    sue_lifetime: SignedDuration,
}

/// Why a lifetime is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an evaluation cannot live for {0:#}: it takes from {SHORTEST:#} to {LONGEST:#}")]
pub struct LifetimeError(SignedDuration);

/// Why an environment cannot end at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndError {
    /// Its type does not end by itself.
    #[error("a {0} environment never expires; leave it null, or use type sue")]
    Endless(EnvironmentType),
    /// It would end before it began.
    #[error("is not after creation_date; leave it null for {} hours", SUE_LIFETIME.as_hours())]
    BeforeStart,
}

/// Refuses an end that no environment of that type can have which began at `start`.
pub(crate) fn check_end(
    kind: EnvironmentType,
    start: Option<Timestamp>,
    end: Timestamp,
) -> Result<(), EndError> {
    if kind.profile().lifetime.is_none() {
        return Err(EndError::Endless(kind));
    }
    if start.is_some_and(|start| end <= start) {
        return Err(EndError::BeforeStart);
    }
    Ok(())
}

impl Claim {
    /// The claim with another end, if it is one that every reader of claims would take.
    pub fn ending_at(self, end: Timestamp) -> Result<Self, EndError> {
        check_end(self.environment_type, Some(self.creation_date), end)?;
        Ok(Self {
            expiration_date: Some(end),
            ..self
        })
    }
}

const SHORTEST: SignedDuration = SignedDuration::from_mins(1);
const LONGEST: SignedDuration = SignedDuration::from_hours(90 * 24);

impl Default for Expiry {
    fn default() -> Self {
        Self {
            sue_lifetime: SUE_LIFETIME,
        }
    }
}

impl Expiry {
    /// Rules by which an evaluation lives for `sue_lifetime` when its claim does not say.
    pub fn with_sue_lifetime(sue_lifetime: SignedDuration) -> Result<Self, LifetimeError> {
        if (SHORTEST..=LONGEST).contains(&sue_lifetime) {
            Ok(Self { sue_lifetime })
        } else {
            Err(LifetimeError(sue_lifetime))
        }
    }

    /// When an environment of that type ends that begins at `start`, unless its claim says otherwise.
    #[must_use]
    pub fn end_after(&self, kind: EnvironmentType, start: Timestamp) -> Option<Timestamp> {
        kind.profile().lifetime?;
        start.checked_add(self.sue_lifetime).ok()
    }

    /// When the environment of a claim ends. A claim that names no end counts from the moment it was first seen, not
    /// from the date it carries: a file may be written long before it is uploaded.
    #[must_use]
    pub fn end_of(&self, claim: &Claim, first_seen: Timestamp) -> Option<Timestamp> {
        let by_itself = self.end_after(claim.environment_type, first_seen)?;
        Some(claim.expiration_date.unwrap_or(by_itself))
    }

    /// Whether the environment of a claim is over.
    #[must_use]
    pub fn is_over(&self, claim: &Claim, first_seen: Timestamp, now: Timestamp) -> bool {
        self.end_of(claim, first_seen).is_some_and(|end| end <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn an_end_is_one_that_every_reader_takes() {
        let claim = of(EnvironmentType::Sue, None);
        let after = claim.clone().ending_at(at("2024-01-15T10:30:01.5Z"));
        let after = after.unwrap();
        assert_eq!(Claim::read(after.to_json().as_bytes()), Ok(after));
        // The claim says that it was asked for only then.
        let start = claim.creation_date;
        assert_eq!(claim.ending_at(start), Err(EndError::BeforeStart));
        let kind = EnvironmentType::Dev;
        let endless = of(kind, None).ending_at(at("2999-01-01T00:00:00Z"));
        assert_eq!(endless, Err(EndError::Endless(kind)));
    }

    #[test]
    fn persistent_types_never_end() {
        for kind in [
            EnvironmentType::Dev,
            EnvironmentType::Staging,
            EnvironmentType::Prod,
        ] {
            assert!(!Expiry::default().is_over(
                &of(kind, None),
                at("2000-01-01T00:00:00Z"),
                at("2999-01-01T00:00:00Z")
            ));
        }
    }

    #[test]
    fn an_evaluation_ends_a_day_after_it_was_first_seen() {
        let claim = of(EnvironmentType::Sue, None);
        let seen = at("2026-05-01T12:00:00Z");
        let rules = Expiry::default();
        assert_eq!(rules.end_of(&claim, seen), Some(at("2026-05-02T12:00:00Z")));
        assert!(!rules.is_over(&claim, seen, at("2026-05-02T11:59:59Z")));
        assert!(rules.is_over(&claim, seen, at("2026-05-02T12:00:00Z")));
    }

    #[test]
    fn an_evaluation_may_name_its_end() {
        let claim = of(EnvironmentType::Sue, Some("2026-06-01T00:00:00Z"));
        assert_eq!(
            Expiry::default().end_of(&claim, at("2026-05-01T12:00:00Z")),
            Some(at("2026-06-01T00:00:00Z"))
        );
    }

    #[test]
    fn a_platform_may_choose_how_long_evaluations_live() {
        let rules = Expiry::with_sue_lifetime(SignedDuration::from_hours(2)).unwrap();
        let seen = at("2026-05-01T12:00:00Z");
        let claim = of(EnvironmentType::Sue, None);
        assert_eq!(rules.end_of(&claim, seen), Some(at("2026-05-01T14:00:00Z")));
        assert_eq!(rules.end_after(EnvironmentType::Prod, seen), None);
        for odd in [0, -1, 90 * 24 + 1] {
            let refused = Expiry::with_sue_lifetime(SignedDuration::from_hours(odd));
            assert!(refused.unwrap_err().to_string().contains("2160h"), "{odd}");
        }
    }
}
