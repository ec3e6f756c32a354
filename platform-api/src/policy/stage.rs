//! What the feed has written, laid ready.

use authz::{PolicyError, PolicySet, PolicySource};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Policies by their file, and the entities: complete or in the middle of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stage {
    /// Texts by file.
    pub(super) policies: BTreeMap<String, String>,
    /// The list of entities; `None` before the first.
    pub(super) data: Option<Value>,
}

impl Stage {
    /// What is still missing before it could be in force.
    pub(super) fn lacks(&self, wait_for_data: bool) -> Option<&'static str> {
        if self.policies.is_empty() {
            Some("the feed has written no policy")
        } else if wait_for_data && self.data.is_none() {
            Some("the feed has written no data (`wait_for_data` is on)")
        } else {
            None
        }
    }

    /// The set that it makes.
    pub(super) fn build(&self) -> Result<PolicySet, PolicyError> {
        let sources: Vec<PolicySource> = self
            .policies
            .iter()
            .map(|(name, text)| PolicySource::new(name, text))
            .collect();
        PolicySet::build(&sources, self.data.as_ref().unwrap_or(&Value::Null))
    }
}
