//! The four types of environment, as data.

use crate::expiry::SUE_LIFETIME;
use crate::fault::nearest;
use jiff::SignedDuration;
use std::fmt;
use std::str::FromStr;

/// What an environment is for. `stage` is read as `staging`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EnvironmentType {
    /// Active development and testing.
    Dev,
    /// Pre-production testing.
    Staging,
    /// Live production workloads.
    Prod,
    /// System under evaluation: an experiment with an end.
    Sue,
}

/// The six kinds of node pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PoolKind {
    /// System workloads.
    GeneralRestricted,
    /// Regular application workloads.
    GeneralPublic,
    /// Workloads that need memory.
    Memory,
    /// Workloads that need disks.
    Storage,
    /// Batch work that may be interrupted.
    Spot,
    /// Workloads that need a GPU.
    Ai,
}

/// How eagerly pools grow and shrink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Autoscaling {
    /// For cost.
    Aggressive,
    /// Between the two.
    Moderate,
    /// For stability.
    Conservative,
}

/// Whose Kong, OPAL, Elasticsearch and monitoring an environment uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedServices {
    /// Those of the platform.
    Platform,
    /// Its own, behind Cloudflare's firewall.
    Own,
}

impl Autoscaling {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aggressive => "aggressive",
            Self::Moderate => "moderate",
            Self::Conservative => "conservative",
        }
    }
}

impl SharedServices {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Own => "own",
        }
    }
}

/// What a type of environment gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// More than one of everything.
    pub high_availability: bool,
    /// The pools it has.
    pub pools: &'static [PoolKind],
    /// How they scale.
    pub autoscaling: Autoscaling,
    /// Whose shared services it uses.
    pub shared_services: SharedServices,
    /// How long it lives unless its claim says otherwise; `None` is for ever.
    pub lifetime: Option<SignedDuration>,
}

const SMALL: &[PoolKind] = &[
    PoolKind::GeneralRestricted,
    PoolKind::GeneralPublic,
    PoolKind::Spot,
];

const DEV: Profile = Profile {
    high_availability: false,
    pools: SMALL,
    autoscaling: Autoscaling::Aggressive,
    shared_services: SharedServices::Platform,
    lifetime: None,
};

const STAGING: Profile = Profile {
    high_availability: true,
    pools: &[
        PoolKind::GeneralRestricted,
        PoolKind::GeneralPublic,
        PoolKind::Memory,
    ],
    autoscaling: Autoscaling::Moderate,
    shared_services: SharedServices::Own,
    lifetime: None,
};

const PROD: Profile = Profile {
    high_availability: true,
    pools: &PoolKind::ALL,
    autoscaling: Autoscaling::Conservative,
    shared_services: SharedServices::Own,
    lifetime: None,
};

const SUE: Profile = Profile {
    high_availability: false,
    pools: SMALL,
    autoscaling: Autoscaling::Aggressive,
    shared_services: SharedServices::Platform,
    lifetime: Some(SUE_LIFETIME),
};

impl EnvironmentType {
    /// All types.
    pub const ALL: [Self; 4] = [Self::Dev, Self::Staging, Self::Prod, Self::Sue];

    /// The word that stands in claims.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Prod => "prod",
            Self::Sue => "sue",
        }
    }

    /// What it gets.
    #[must_use]
    pub const fn profile(self) -> &'static Profile {
        match self {
            Self::Dev => &DEV,
            Self::Staging => &STAGING,
            Self::Prod => &PROD,
            Self::Sue => &SUE,
        }
    }
}

impl fmt::Display for EnvironmentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EnvironmentType {
    /// What to tell the person who wrote it.
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let word = if word == "stage" { "staging" } else { word };
        Self::ALL.into_iter().find(|known| known.as_str() == word).ok_or_else(|| {
            let allowed = Self::ALL.map(Self::as_str);
            let near = nearest(word, &allowed);
            format!("`{word}` is not a type of environment{near}; allowed: {} (also stage, for staging)", allowed.join(", "))
        })
    }
}

impl PoolKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::GeneralRestricted,
        Self::GeneralPublic,
        Self::Memory,
        Self::Storage,
        Self::Spot,
        Self::Ai,
    ];

    /// The word that stands in configurations.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GeneralRestricted => "general-restricted",
            Self::GeneralPublic => "general-public",
            Self::Memory => "memory",
            Self::Storage => "storage",
            Self::Spot => "spot",
            Self::Ai => "ai",
        }
    }
}

impl fmt::Display for PoolKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        for kind in EnvironmentType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("stage".parse(), Ok(EnvironmentType::Staging));
        let refused = "Prod".parse::<EnvironmentType>().unwrap_err();
        assert!(
            refused.contains("did you mean `prod`?") && refused.contains("dev, staging, prod, sue"),
            "{refused}"
        );
    }

    #[test]
    fn only_an_evaluation_ends_by_itself() {
        let ending = EnvironmentType::ALL
            .into_iter()
            .filter(|kind| kind.profile().lifetime.is_some());
        assert_eq!(ending.collect::<Vec<_>>(), [EnvironmentType::Sue]);
    }
}
