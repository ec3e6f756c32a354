//! One environment as this program knows it: its claim, where that stands, and what has become of it.

use authz::Origin;
use claim_store::{ETag, Place};
use claims::status::{Phase, Status};
use claims::{Claim, Gone};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// An environment in a certain state.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// What was asked for.
    pub claim: Claim,
    /// Where the claim stands, and in which state.
    pub place: Place,
    /// Where the claim is managed.
    pub origin: Origin,
    /// What the controller says about it.
    pub status: Option<Arc<Status>>,
    /// Set when the claim was taken back or its time is over; `claim` is what stood there before.
    pub gone: Option<Gone>,
    /// Grows with every change; at least the second in which it was seen first. The search index orders by it.
    pub version: i64,
}

/// An environment as it is answered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EnvironmentAnswer {
    /// Its name, which is its identity.
    pub name: String,
    /// Whose budget and rights it lives in.
    pub pool: String,
    /// `dev`, `staging`, `prod` or `sue`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who asked for it, by the claim's own word.
    pub owner: String,
    /// Where its claim is managed: `bucket` (by this interface, Terraform or upload) or `git` (by merge requests).
    pub origin: String,
    /// How far it is: `Pending` until the controller has said something about this very claim.
    pub phase: String,
    /// State of the claim, for `If-Match`.
    pub etag: String,
    /// When it ends, if it does.
    pub expires_at: Option<String>,
    /// How its claim came to its end, if it did.
    pub withdrawn: Option<Withdrawn>,
    /// The claim.
    #[schema(value_type = Object)]
    pub claim: Value,
    /// What the controller says, as it stands in the bucket `status`; it may still be about an earlier claim.
    #[schema(value_type = Option<Object>)]
    pub status: Option<Value>,
}

/// How a claim came to its end.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Withdrawn {
    /// Who took it back; absent if its time was over.
    pub by: Option<String>,
    /// When.
    pub at: String,
}

impl Environment {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.claim.environment_name.as_str()
    }

    /// How far it is. What the controller said about an earlier claim does not count, unless it takes the environment
    /// down: then only the tombstone is new.
    #[must_use]
    pub fn phase(&self) -> Phase {
        let status = self.status.as_deref();
        match (&self.gone, status) {
            (Some(_), Some(status))
                if matches!(
                    status.phase,
                    Phase::Draining | Phase::Deleted | Phase::Blocked
                ) =>
            {
                status.phase
            }
            (Some(Gone::Expired { .. }), _) => Phase::Expired,
            (Some(Gone::Withdrawn { .. }), _) => Phase::Draining,
            (None, Some(status)) if same_state(&status.source.etag, self.place.etag.as_str()) => {
                status.phase
            }
            (None, _) => Phase::Pending,
        }
    }

    /// When it ends, if it does and anybody said so.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        let said = self.status.as_ref().and_then(|status| status.expires_at);
        self.claim.expiration_date.or(said)
    }

    /// The claim's state as `If-Match` names it, without quotes.
    #[must_use]
    pub fn etag(&self) -> &str {
        self.place.etag.as_str().trim_matches('"')
    }

    /// Whether it stands in that state.
    #[must_use]
    pub fn is_at(&self, state: &ETag) -> bool {
        state.as_str().trim_matches('"') == self.etag()
    }

    /// The environment as it is answered.
    #[must_use]
    pub fn answer(&self) -> EnvironmentAnswer {
        EnvironmentAnswer {
            name: self.name().to_owned(),
            pool: self.claim.environment_pool.clone(),
            kind: self.claim.environment_type.as_str().to_owned(),
            owner: self.claim.user.clone(),
            origin: self.origin.as_str().to_owned(),
            phase: self.phase().as_str().to_owned(),
            etag: self.etag().to_owned(),
            expires_at: self.expires_at().map(|end| end.to_string()),
            withdrawn: self.gone.as_ref().map(Withdrawn::from),
            claim: claim_value(&self.claim),
            status: self
                .status
                .as_ref()
                .and_then(|status| serde_json::to_value(&**status).ok()),
        }
    }
}

/// A claim as JSON, exactly as it stands in the bucket.
#[must_use]
pub fn claim_value(claim: &Claim) -> Value {
    serde_json::from_str(&claim.to_json()).unwrap_or_default()
}

impl From<&Gone> for Withdrawn {
    fn from(gone: &Gone) -> Self {
        match gone {
            Gone::Withdrawn { by, at } => Self {
                by: Some(by.clone()),
                at: at.to_string(),
            },
            Gone::Expired { at } => Self {
                by: None,
                at: at.to_string(),
            },
        }
    }
}

/// Whether two writers mean the same state; some keep a server's quotes and some do not.
fn same_state(one: &str, other: &str) -> bool {
    one.trim_matches('"') == other.trim_matches('"')
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use claim_store::ETag;

    pub(crate) fn environment(name: &str, pool: &str) -> Environment {
        let text = format!(
            r#"{{"user":"jane@acme.example","environment_pool":"{pool}","creation_date":"2026-01-01T00:00:00Z",
            "environment_name":"{name}","environment_type":"dev","services":{{}}}}"#
        );
        Environment {
            claim: Claim::read(text.as_bytes()).unwrap(),
            place: Place {
                key: format!("{name}.json"),
                etag: ETag::from("\"1\"".to_owned()),
            },
            origin: Origin::Bucket,
            status: None,
            gone: None,
            version: 1,
        }
    }

    fn status(etag: &str, phase: &str) -> Arc<Status> {
        let text = format!(
            r#"{{"environment_name":"dev-x","source":{{"bucket":"environments","key":"dev-x.json","etag":"{etag}"}},
            "phase":"{phase}","since":"2026-01-01T00:00:00Z","reason":"why"}}"#
        );
        Arc::new(Status::read(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_status_counts_for_the_claim_that_it_is_about() {
        let mut seen = environment("dev-x", "team1");
        assert_eq!(seen.phase(), Phase::Pending);
        seen.status = Some(status("1", "Ready"));
        assert_eq!(seen.phase(), Phase::Ready);
        seen.status = Some(status("0", "Ready"));
        assert_eq!(seen.phase(), Phase::Pending);
    }

    #[test]
    fn a_claim_that_was_taken_back_drains_until_the_controller_says_that_nothing_is_left() {
        let mut seen = environment("dev-x", "team1");
        seen.gone = Some(Gone::Withdrawn {
            by: "jane".into(),
            at: "2026-01-02T00:00:00Z".parse().unwrap(),
        });
        seen.status = Some(status("1", "Ready"));
        assert_eq!(seen.phase(), Phase::Draining);
        seen.status = Some(status("2", "Deleted"));
        assert_eq!(seen.phase(), Phase::Deleted);
    }
}
