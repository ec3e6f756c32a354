//! Whether a component has to run, and why: one digest over everything that shapes what it installs.

use crate::canonical::sha256_of_json;
use crate::catalog::{Catalog, Component};
use crate::journal::JournalRecord;
use crate::outcome::Progress;
use crate::request::{ComponentRequest, Size};
use crate::values::{self, Values, ValuesError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Why a component's playbook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The journal knows nothing of it.
    New,
    /// Its values changed.
    Values,
    /// Its chart version changed.
    Version,
    /// Its size changed.
    Size,
    /// Its playbook, roles or catalogue entry changed.
    Playbook,
    /// Something it uses changed.
    Inputs,
    /// The user raised the version of the secrets it reads.
    Secrets,
    /// It failed last time, or its end was never recorded.
    FailedBefore,
    /// What is in the cluster is not what the record says.
    Drift,
    /// The user asked for it.
    Forced,
}

/// The digest of a component and of its parts, each 64 hex digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// Over everything.
    pub digest: String,
    /// Over its playbook, its roles and its catalogue entry.
    pub playbook: String,
    /// Over its values.
    pub values: String,
    /// Over the digests of what it uses.
    pub inputs: String,
}

/// A component as it is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// The chart version that will be installed.
    pub version: String,
    /// How large.
    pub size: Size,
    /// Its values.
    pub values: Values,
    /// Version of the secrets, if it reads any.
    pub secrets_version: Option<u64>,
    /// What it comes to.
    pub digests: Digests,
}

/// Why the wanted set of components cannot be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WantedError {
    /// The catalogue has no such component.
    #[error("{0}")]
    Unknown(String),
    /// Its values cannot be read.
    #[error("component `{component}`: {source}")]
    Values {
        /// The component.
        component: String,
        /// What is wrong with them.
        source: ValuesError,
    },
}

impl Catalog {
    /// The enabled components as they are wanted, by name. A component's inputs are the enabled ones that it uses.
    pub fn wanted(
        &self,
        components: &[ComponentRequest],
        secrets_version: u64,
    ) -> Result<BTreeMap<String, Wanted>, WantedError> {
        let requested: BTreeMap<&str, &ComponentRequest> = components
            .iter()
            .filter(|c| c.enabled)
            .map(|c| (c.name.as_str(), c))
            .collect();
        if let Some(unknown) = requested.keys().find(|name| self.get(name).is_none()) {
            return Err(WantedError::Unknown(self.unknown(unknown)));
        }
        let chosen: BTreeSet<String> = requested.keys().map(|name| (*name).to_owned()).collect();
        let mut wanted = BTreeMap::new();
        for name in self.waves(&chosen).into_iter().flatten() {
            let (Some(request), Some(component)) = (requested.get(name.as_str()), self.get(&name))
            else {
                continue;
            };
            let one = self.want(request, component, secrets_version, &wanted)?;
            wanted.insert(name, one);
        }
        Ok(wanted)
    }

    fn want(
        &self,
        request: &ComponentRequest,
        component: &Component,
        secrets_version: u64,
        earlier: &BTreeMap<String, Wanted>,
    ) -> Result<Wanted, WantedError> {
        let values =
            values::parse(request.values.as_deref()).map_err(|source| WantedError::Values {
                component: request.name.clone(),
                source,
            })?;
        let inputs: Map<String, Value> = component
            .uses
            .iter()
            .filter_map(|used| {
                Some((
                    used.clone(),
                    Value::from(earlier.get(used)?.digests.digest.as_str()),
                ))
            })
            .collect();
        let mut wanted = Wanted {
            name: request.name.clone(),
            version: request
                .version
                .clone()
                .unwrap_or_else(|| component.chart.version.clone()),
            size: request.size,
            secrets_version: (!component.secrets.is_empty()).then_some(secrets_version),
            digests: Digests {
                digest: String::new(),
                playbook: self.playbook_digest(&request.name, component),
                values: sha256_of_json(&Value::Object(values.clone())),
                inputs: sha256_of_json(&Value::Object(inputs.clone())),
            },
            values,
        };
        wanted.digests.digest = sha256_of_json(&json!({
            "name": wanted.name,
            "playbook_digest": wanted.digests.playbook,
            "version": wanted.version,
            "size": wanted.size,
            "values": wanted.values,
            "secrets_version": wanted.secrets_version,
            "inputs": inputs,
        }));
        Ok(wanted)
    }

    /// Over the files that the component runs and over what the catalogue hands to them. Its summary, its order and
    /// its place in the default set do not shape what is installed.
    fn playbook_digest(&self, name: &str, component: &Component) -> String {
        sha256_of_json(&json!({
            "files": self.files.get(name),
            "namespace": component.namespace,
            "chart": component.chart,
            "backends": component.backends,
        }))
    }
}

impl Reason {
    /// Why `wanted` has to run when the journal holds `record`; `None` if it stands as wanted.
    #[must_use]
    pub fn to_run(wanted: &Wanted, record: Option<&JournalRecord>) -> Option<Self> {
        let Some(record) = record else {
            return Some(Self::New);
        };
        if record.outcome != Progress::Ok {
            return Some(Self::FailedBefore);
        }
        if record.digest == wanted.digests.digest {
            return None;
        }
        // From what the user wrote to what follows from it: the first difference is the one to tell.
        let differences = [
            (record.values_digest != wanted.digests.values, Self::Values),
            (record.version != wanted.version, Self::Version),
            (record.size != wanted.size, Self::Size),
            (
                record.secrets_version != wanted.secrets_version,
                Self::Secrets,
            ),
            (
                record.playbook_digest != wanted.digests.playbook,
                Self::Playbook,
            ),
            (record.inputs_digest != wanted.digests.inputs, Self::Inputs),
        ];
        // No part differs and yet the whole does: the record was written by another way of taking digests.
        let first = differences
            .into_iter()
            .find_map(|(differs, reason)| differs.then_some(reason));
        Some(first.unwrap_or(Self::Playbook))
    }
}

#[cfg(test)]
mod tests;
