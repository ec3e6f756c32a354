//! An environment as it is found.

use crate::version::Version;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An environment in the index: the state of its claim and of what became of it, in the words that people search for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Its name, and its identity in the index: an environment that is claimed again continues the same document.
    pub name: String,
    /// Whose budget and rights it lives in.
    pub pool: String,
    /// What it is for: dev, staging, prod or sue.
    #[serde(rename = "type")]
    pub environment_type: String,
    /// Whom it belongs to.
    pub owner: String,
    /// Where it is managed: `bucket` for one whose claim may be changed here, `git` for one of merge requests, or another
    /// word of the policies.
    pub origin: String,
    /// Whether it is protected from deletion.
    pub protected: bool,
    /// How far it is: Pending, Provisioning, …, Deleted. A deleted environment stays, as Deleted.
    pub phase: String,
    /// Since when it is that far.
    pub since: Option<Timestamp>,
    /// Why it is no further.
    pub reason: Option<String>,
    /// The object that holds it up.
    pub blocker: Option<String>,
    /// Where it runs.
    pub region: Option<String>,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it ends, if it does.
    pub expires: Option<Timestamp>,
    /// What it costs a month, in dollars, as a decimal number.
    pub price: Option<String>,
    /// Its services.
    pub services: Vec<ServiceState>,
    /// The claim as it stands in the store; `null` when it is gone.
    pub claim: Value,
    /// The claim's state as the store names it, for a conditional write.
    pub etag: Option<String>,
    /// Which state this is.
    #[serde(skip)]
    pub version: Version,
}

/// A service of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceState {
    /// Its name.
    pub name: String,
    /// What the claim asks for.
    pub constraint: String,
    /// The tag that this became, once it is known.
    pub version: Option<String>,
    /// The image behind the tag.
    pub digest: Option<String>,
    /// Whether it runs, once it is known.
    pub ready: Option<bool>,
}
