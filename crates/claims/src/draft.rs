//! A claim before it is accepted, and what acceptance fills in.

use crate::claim::{Claim, GitSource};
use crate::environment_type::EnvironmentType;
use crate::expiry::Expiry;
use crate::fault::{FaultKind, Faults};
use crate::json::document;
use crate::name::EnvironmentName;
use crate::read::read_draft;
use crate::services::Services;
use jiff::Timestamp;
use serde_json::Value;

/// A claim as a person asks for it: who asked and when may still be open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Who asks.
    pub user: Option<String>,
    /// Whose budget and rights it lives in.
    pub environment_pool: String,
    /// When it was asked for.
    pub creation_date: Option<Timestamp>,
    /// Its identity.
    pub environment_name: EnvironmentName,
    /// What it is for.
    pub environment_type: EnvironmentType,
    /// When it ends.
    pub expiration_date: Option<Timestamp>,
    /// The services that run in it.
    pub services: Services,
    /// Where it is managed, if in Git.
    pub git: Option<GitSource>,
}

/// How far a claim has come: what is filled in on acceptance may still be open before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Asked,
    Accepted,
}

impl Draft {
    /// Reads JSON text.
    pub fn read(json: &[u8]) -> Result<Self, Faults> {
        Self::read_as(Stage::Asked, json)
    }

    pub(crate) fn read_as(stage: Stage, json: &[u8]) -> Result<Self, Faults> {
        let (value, faults) = document(json)?;
        read_draft(stage, &value, faults)
    }

    /// Reads a JSON value.
    pub fn from_value(value: &Value) -> Result<Self, Faults> {
        read_draft(Stage::Asked, value, Faults::default())
    }

    /// Completes the draft at the moment it is accepted, by the usual rules of expiry.
    pub fn complete(self, user: &str, now: Timestamp) -> Result<Claim, Faults> {
        self.complete_by(&Expiry::default(), user, now)
    }

    /// Completes the draft at the moment it is accepted. The draft's own user and date win, an evaluation gets its end.
    pub fn complete_by(self, rules: &Expiry, user: &str, now: Timestamp) -> Result<Claim, Faults> {
        if self.expiration_date.is_some_and(|end| end <= now) {
            return Err(Faults::one(
                "/expiration_date",
                format!("is not after now ({now})"),
            ));
        }
        let accepted = whole_seconds(now);
        let creation_date = self.creation_date.unwrap_or(accepted);
        // From the later of the two, so that an old date on a new claim does not end it at once.
        let end = rules.end_after(self.environment_type, accepted.max(creation_date));
        let user = self.user.clone().or_else(|| Some(user.to_owned()));
        Self {
            user,
            creation_date: Some(creation_date),
            expiration_date: self.expiration_date.or(end),
            ..self
        }
        .into_complete()
    }

    /// The claim, if nothing is open.
    pub(crate) fn into_complete(self) -> Result<Claim, Faults> {
        let mut faults = Faults::default();
        for (place, open) in [
            ("/user", self.user.is_none()),
            ("/creation_date", self.creation_date.is_none()),
        ] {
            if open {
                faults.add(place, FaultKind::Missing, "is missing".to_owned());
            }
        }
        let (Some(user), Some(creation_date)) = (self.user, self.creation_date) else {
            return Err(faults);
        };
        Ok(Claim {
            user,
            environment_pool: self.environment_pool,
            creation_date,
            environment_name: self.environment_name,
            environment_type: self.environment_type,
            expiration_date: self.expiration_date,
            services: self.services,
            git: self.git,
        })
    }
}

fn whole_seconds(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
