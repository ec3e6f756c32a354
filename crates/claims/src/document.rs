//! What an object in the bucket holds: a claim, or the mark that one was taken back.

use crate::claim::Claim;
use crate::fault::Faults;
use crate::json::pretty_object;
use crate::name::EnvironmentName;
use jiff::Timestamp;
use serde_json::Value;

/// An object of the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// A live claim.
    Claim(Box<Claim>),
    /// A claim that was taken back. Readers treat it as absent.
    Tombstone(Tombstone),
}

/// The mark that stands where a claim stood: taking one back is a conditional write like every other, so that it has
/// one winner against an update made at the same moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The environment.
    pub environment_name: EnvironmentName,
    /// Why it is gone.
    pub gone: Gone,
}

/// How a claim came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Somebody took it back.
    Withdrawn {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Its time was over.
    Expired {
        /// When.
        at: Timestamp,
    },
}

impl Document {
    /// Reads an object; every fault is reported at once.
    pub fn read(json: &[u8]) -> Result<Self, Faults> {
        match Tombstone::recognise(json) {
            Some(tombstone) => tombstone.map(Self::Tombstone),
            None => Claim::read(json).map(|claim| Self::Claim(Box::new(claim))),
        }
    }

    /// The environment that it is about.
    #[must_use]
    pub fn environment_name(&self) -> &EnvironmentName {
        match self {
            Self::Claim(claim) => &claim.environment_name,
            Self::Tombstone(tombstone) => &tombstone.environment_name,
        }
    }
}

impl Tombstone {
    /// The tombstone as it stands in the bucket.
    #[must_use]
    pub fn to_json(&self) -> String {
        let name = (
            "environment_name",
            Value::from(self.environment_name.as_str()).to_string(),
        );
        let gone = match &self.gone {
            Gone::Withdrawn { by, at } => {
                let fields = [
                    ("by", Value::from(by.as_str())),
                    ("at", Value::from(at.to_string())),
                ];
                (
                    "withdrawn",
                    pretty_object(
                        fields
                            .into_iter()
                            .map(|(name, value)| (name, value.to_string())),
                        1,
                    ),
                )
            }
            Gone::Expired { at } => ("expired_at", Value::from(at.to_string()).to_string()),
        };
        pretty_object([name, gone].into_iter(), 0) + "\n"
    }

    /// `None` for what does not claim to be a tombstone.
    fn recognise(json: &[u8]) -> Option<Result<Self, Faults>> {
        let value: Value = serde_json::from_slice(json).ok()?;
        let object = value.as_object()?;
        if !object.contains_key("withdrawn") && !object.contains_key("expired_at") {
            return None;
        }
        Some(Self::from_value(&value).ok_or_else(|| {
            Faults::one("", "is neither a claim nor a tombstone: it has `withdrawn` or `expired_at` and does not fit".to_owned())
        }))
    }

    fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object().filter(|object| object.len() == 2)?;
        let date = |value: &Value| value.as_str()?.parse().ok();
        let gone = if let Some(at) = object.get("expired_at") {
            Gone::Expired { at: date(at)? }
        } else {
            let withdrawn = object
                .get("withdrawn")?
                .as_object()
                .filter(|object| object.len() == 2)?;
            Gone::Withdrawn {
                by: withdrawn.get("by")?.as_str()?.to_owned(),
                at: date(withdrawn.get("at")?)?,
            }
        };
        Some(Self {
            environment_name: object.get("environment_name")?.as_str()?.parse().ok()?,
            gone,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::tests::{TEXT, sample};

    #[test]
    fn claims_and_tombstones_are_told_apart() {
        assert_eq!(
            Document::read(TEXT.as_bytes()),
            Ok(Document::Claim(Box::new(sample())))
        );
        let at: Timestamp = "2026-05-01T12:00:00Z".parse().unwrap();
        for gone in [
            Gone::Withdrawn {
                by: "jane \"j\" doe".into(),
                at,
            },
            Gone::Expired { at },
        ] {
            let tombstone = Tombstone {
                environment_name: "dev-x".parse().unwrap(),
                gone,
            };
            assert_eq!(
                Document::read(tombstone.to_json().as_bytes()),
                Ok(Document::Tombstone(tombstone))
            );
        }
    }

    #[test]
    fn a_half_tombstone_is_neither() {
        for odd in [
            r#"{"withdrawn": {"by": "a", "at": "2026-05-01T12:00:00Z"}}"#,
            r#"{"environment_name": "dev-x", "withdrawn": {"by": "a"}}"#,
            r#"{"environment_name": "dev-x", "expired_at": "soon"}"#,
        ] {
            assert!(Document::read(odd.as_bytes()).is_err(), "{odd}");
        }
        let dressed = TEXT.replacen('{', "{\"expired_at\": \"2026-05-01T12:00:00Z\",", 1);
        assert!(Document::read(dressed.as_bytes()).is_err());
    }
}
