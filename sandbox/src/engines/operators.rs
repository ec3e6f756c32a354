//! Operators of custom resources, played: their pods are fake, so nobody else would ever say that a resource is ready.
//!
//! Each kind of [`PLAYED`] is followed as soon as the cluster serves it. What an operator makes of an object that somebody
//! reads afterwards is made (Secrets, Services, pods, volumes); everything else it would do is left out.

mod certificate;
mod elasticsearch;
mod monitoring;
mod postgres;

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::watcher;
use kube::{Api, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

use super::standin::{self, LookAt};

/// Who is seen to have written what a stand-in writes.
const MANAGER: &str = "slipway-sandbox";

/// What is played of a kind.
#[derive(Clone, Copy)]
enum Play {
    /// The condition `Ready`, and nothing behind it.
    Condition,
    /// What Kyverno says about a policy that it has read.
    Policy,
    /// A certificate, signed by itself.
    Certificate,
    /// The pods, volumes, Services and Secret of a database without data.
    Postgres,
    /// The pods and volumes of Prometheus or Alertmanager.
    Monitoring,
    /// The pods, volumes, Services and Secrets of Elasticsearch.
    Elasticsearch,
}

/// The kinds that are played, by the names of their definitions.
const PLAYED: &[(&str, Play)] = &[
    ("clusterissuers.cert-manager.io", Play::Condition),
    ("issuers.cert-manager.io", Play::Condition),
    ("certificates.cert-manager.io", Play::Certificate),
    ("clusters.postgresql.cnpg.io", Play::Postgres),
    (
        "elasticsearches.elasticsearch.k8s.elastic.co",
        Play::Elasticsearch,
    ),
    ("prometheuses.monitoring.coreos.com", Play::Monitoring),
    ("alertmanagers.monitoring.coreos.com", Play::Monitoring),
    ("validatingpolicies.policies.kyverno.io", Play::Policy),
    ("generatingpolicies.policies.kyverno.io", Play::Policy),
];

/// The stand-in for the operators of one cluster.
pub(crate) struct Operators {
    client: kube::Client,
    /// Whom the callers of Elasticsearch have to trust, PEM.
    authority: Arc<str>,
    /// The kinds that are followed.
    followed: Mutex<HashMap<String, AbortOnDropHandle<()>>>,
}

/// One kind that is followed.
struct Operator {
    client: kube::Client,
    authority: Arc<str>,
    kind: ApiResource,
    namespaced: bool,
    play: Play,
}

impl Operators {
    pub(crate) fn new(client: kube::Client, authority: &str) -> Self {
        Self {
            client,
            authority: authority.into(),
            followed: Mutex::default(),
        }
    }

    /// Follows the definitions.
    pub(crate) fn follow(self: &Arc<Self>) -> AbortOnDropHandle<()> {
        let definitions: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        standin::watch("operators", definitions, self)
    }
}

impl LookAt<CustomResourceDefinition> for Operators {
    async fn look_at(&self, definition: Arc<CustomResourceDefinition>) -> Result<Action> {
        let name = definition.name_any();
        let Some((_, play)) = PLAYED.iter().find(|(played, _)| *played == name) else {
            return Ok(Action::await_change());
        };
        let mut followed = self.followed.lock().await;
        if !is_served(&definition) || followed.contains_key(&name) {
            return Ok(Action::await_change());
        }
        let kind = kind(&definition)?;
        let objects: Api<DynamicObject> = Api::all_with(self.client.clone(), &kind);
        let controller = Controller::new_with(objects, watcher::Config::default(), kind.clone());
        let operator = Arc::new(Operator {
            client: self.client.clone(),
            authority: Arc::clone(&self.authority),
            kind,
            namespaced: definition.spec.scope == "Namespaced",
            play: *play,
        });
        tracing::info!(kind = name, "stand-in: an operator is played");
        followed.insert(name, standin::run("operator", controller, &operator));
        Ok(Action::await_change())
    }
}

impl LookAt<DynamicObject> for Operator {
    async fn look_at(&self, object: Arc<DynamicObject>) -> Result<Action> {
        if object.metadata.deletion_timestamp.is_some() {
            return Ok(Action::await_change());
        }
        let (status, again) = match self.play {
            Play::Condition => (
                conditions(&object, &[("Ready", true)]),
                Action::await_change(),
            ),
            Play::Policy => (
                json!({ "conditionStatus": { "ready": true, "message": "" } }),
                Action::await_change(),
            ),
            Play::Certificate => {
                certificate::make(&self.client, &object).await?;
                (
                    conditions(&object, &[("Ready", true)]),
                    Action::await_change(),
                )
            }
            Play::Postgres => postgres::make(&self.client, &object).await?,
            Play::Monitoring => monitoring::make(&self.client, &object).await?,
            Play::Elasticsearch => {
                elasticsearch::make(&self.client, &object, &self.authority).await?
            }
        };
        self.report(&object, &status).await?;
        Ok(again)
    }
}

impl Operator {
    /// Writes the status, unless the object has it already.
    async fn report(&self, object: &DynamicObject, status: &Value) -> Result<()> {
        if includes(object.data.get("status").unwrap_or(&Value::Null), status) {
            return Ok(());
        }
        let objects: Api<DynamicObject> = match object.namespace() {
            Some(namespace) if self.namespaced => {
                Api::namespaced_with(self.client.clone(), &namespace, &self.kind)
            }
            _ => Api::all_with(self.client.clone(), &self.kind),
        };
        let patch = Patch::Merge(json!({ "status": status }));
        let name = object.name_any();
        objects
            .patch_status(&name, &PatchParams::default(), &patch)
            .await
            .with_context(|| {
                format!("the status of {} {name} cannot be written", self.kind.kind)
            })?;
        Ok(())
    }
}

/// Makes an object unless it is there.
async fn create<K>(client: &kube::Client, namespace: &str, object: Value) -> Result<()>
where
    K: Resource<Scope = NamespaceResourceScope> + Clone + Serialize + DeserializeOwned,
    K: std::fmt::Debug,
    K::DynamicType: Default,
{
    let object: K = serde_json::from_value(object)?;
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    match api.create(&PostParams::default(), &object).await {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        other => other.map(drop).map_err(Into::into),
    }
}

/// Who an object is removed with.
fn owner(object: &DynamicObject) -> Result<OwnerReference> {
    let types = object.types.as_ref().context("an object without kind")?;
    Ok(OwnerReference {
        api_version: types.api_version.clone(),
        kind: types.kind.clone(),
        name: object.name_any(),
        uid: object.uid().context("an object without uid")?,
        controller: Some(true),
        block_owner_deletion: None,
    })
}

/// Conditions as Kubernetes writes them. They have held since the object was made: this clock is the cluster's own.
fn conditions(object: &DynamicObject, wanted: &[(&str, bool)]) -> Value {
    let conditions: Vec<Value> = wanted
        .iter()
        .map(|(name, holds)| {
            json!({
                "type": name,
                "status": if *holds { "True" } else { "False" },
                "reason": "StandIn",
                "message": "stand-in: nothing runs behind this",
                "lastTransitionTime": object.metadata.creation_timestamp,
                "observedGeneration": object.metadata.generation,
            })
        })
        .collect();
    json!({ "conditions": conditions })
}

/// Whether everything in `part` stands in `whole` too.
fn includes(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, value)| whole.get(key).is_some_and(|found| includes(found, value))),
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(a, b)| includes(a, b))
        }
        _ => whole == part,
    }
}

fn is_served(definition: &CustomResourceDefinition) -> bool {
    let conditions = definition
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|condition| condition.type_ == "Established" && condition.status == "True")
}

/// The kind in its stable version, or else in the first that is served.
fn kind(definition: &CustomResourceDefinition) -> Result<ApiResource> {
    let served: Vec<&str> = definition
        .spec
        .versions
        .iter()
        .filter(|version| version.served)
        .map(|version| version.name.as_str())
        .collect();
    let version = served
        .iter()
        .find(|version| **version == "v1")
        .or_else(|| served.first())
        .with_context(|| format!("{} is served in no version", definition.name_any()))?;
    let names = &definition.spec.names;
    let kind = GroupVersionKind::gvk(&definition.spec.group, version, &names.kind);
    Ok(ApiResource::from_gvk_with_plural(&kind, &names.plural))
}

#[cfg(test)]
mod tests {
    use super::includes;
    use serde_json::json;

    #[test]
    fn a_status_is_written_once() {
        let seen = json!({ "ready": true, "conditions": [{ "type": "Ready", "status": "True" }] });
        assert!(includes(&seen, &json!({ "ready": true })));
        assert!(includes(
            &seen,
            &json!({ "conditions": [{ "type": "Ready" }] })
        ));
        assert!(!includes(&seen, &json!({ "ready": false })));
        assert!(!includes(&seen, &json!({ "conditions": [] })));
        assert!(!includes(&json!(null), &json!({ "ready": true })));
    }
}
