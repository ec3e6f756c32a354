//! What only the configuration says of a platform, written down in its cluster: an import has it again, and the plan after
//! it is empty.
//!
//! It stands beside the journal of components as a `Secret`, though it holds nothing that was declared to be secret: the
//! values of a component are a user's own text, and whoever may view a cluster sees every `ConfigMap` of it.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, Patch, PatchParams};
use run_report::journal;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tfplugin::value::{Type, decode_json, encode_json};
use tfplugin::{AttributePath, Object, ValueError};

use super::schema;
use crate::cluster_access::{AccessError, ClusterAccess};
use crate::fault::{self, Fault};
use crate::mark::PlatformId;
use crate::session::{Session, unreachable};

/// The form of the record; a change of it that this code cannot read needs another number.
const FORMAT: u64 = 1;
/// Name of the `Secret` in the journal's namespace, and the key in it.
const NAME: &str = "platform";
const KEY: &str = "platform.json";
const TYPE: &str = "slipway.dev/platform";
const FIELD_MANAGER: &str = "terraform-provider-slipway";
/// How often it is tried, and how long apart: an API server that has just begun may need a moment.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// The attributes that the account does not tell. `component_secrets_wo` is secret and stands nowhere.
const RECORDED: [&str; 8] = [
    "domain",
    "kubernetes_version",
    "components",
    "bootstrap",
    "component_secrets_wo_version",
    "deletion_protection",
    "on_destroy",
    "timeouts",
];
/// The first pool, of which the account tells the nodes and not what the user would have liked.
const POOL: &str = "system_pool";
const RECORDED_OF_POOL: [&str; 2] = ["plan", "plan_fallbacks"];

/// A record that this release cannot use.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    #[error("it is not the JSON of a record: {0}")]
    Shape(#[from] serde_json::Error),
    #[error("it has format {0}, and this release of the provider reads format {FORMAT}")]
    Format(u64),
    #[error("{0}")]
    Value(#[from] ValueError),
}

#[derive(Debug, Deserialize, Serialize)]
struct Written {
    format: u64,
    settings: BTreeMap<String, Json>,
}

/// The record of a planned state.
pub(super) fn written(planned: &Object) -> Result<String, ValueError> {
    let mut settings = BTreeMap::new();
    for name in RECORDED {
        let json = encode_json(planned.value(name), &AttributePath::from(name))?;
        settings.insert(name.to_owned(), json);
    }
    let pool: Object = planned.get(POOL)?;
    let mut of_pool = serde_json::Map::new();
    for name in RECORDED_OF_POOL {
        of_pool.insert(
            name.to_owned(),
            encode_json(pool.value(name), &pool.path_of(name))?,
        );
    }
    settings.insert(POOL.to_owned(), of_pool.into());
    settings.retain(|_, json| !json.is_null());
    settings.values_mut().for_each(forget_write_only);
    let written = Written {
        format: FORMAT,
        settings,
    };
    Ok(serde_json::json!(written).to_string())
}

/// Takes out what is write-only, wherever it stands. A planned state has null there; here it must not depend on that.
fn forget_write_only(json: &mut Json) {
    if let Some(fields) = json.as_object_mut() {
        fields.retain(|name, _| !name.ends_with("_wo"));
        fields.values_mut().for_each(forget_write_only);
    }
}

/// Completes a state with what a record says; it is left as it was if the record is not usable.
pub(super) fn recall(record: &str, state: &mut Object) -> Result<(), RecordError> {
    let json: Json = serde_json::from_str(record)?;
    if let Some(format) = json["format"].as_u64().filter(|format| *format != FORMAT) {
        return Err(RecordError::Format(format));
    }
    let written: Written = serde_json::from_value(json)?;
    let Type::Object(types) = schema::schema().implied_type() else {
        return Ok(());
    };
    let mut recalled = state.clone();
    for name in RECORDED.into_iter().chain([POOL]) {
        if let (Some(json), Some(ty)) = (written.settings.get(name), types.get(name)) {
            recalled.set(name, decode_json(ty, json, &AttributePath::from(name))?);
        }
    }
    *state = recalled;
    Ok(())
}

/// Whether a change between two states changes the record.
pub(super) fn changes(prior: &Object, planned: &Object) -> bool {
    written(planned).ok() != written(prior).ok()
}

/// Writes the record into a cluster. A platform works without it, so that a failure is a warning and no end.
pub(super) async fn keep(
    session: &Session,
    id: &PlatformId,
    cluster: &str,
    record: &str,
) -> Result<(), Fault> {
    let mut tries = 1;
    let error = loop {
        match try_to_keep(session, cluster, record).await {
            Ok(()) => return Ok(()),
            Err(error) if tries == TRIES => break error,
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
        tries += 1;
    };
    Err(Fault::new(
        fault::NOT_RECORDED,
        format!(
            "The settings of platform {id} could not be written into Secret {}/{NAME} of cluster {cluster}: {}\nOnly an import needs them. The next apply that changes the platform writes them again.",
            journal::NAMESPACE,
            error.detail()
        ),
    ))
}

async fn try_to_keep(session: &Session, cluster: &str, record: &str) -> Result<(), Fault> {
    let access = session.access(cluster).await?;
    let put = put(&access, record).await;
    put.map_err(|error| unreachable(cluster, &error))
}

async fn put(access: &ClusterAccess, record: &str) -> Result<(), AccessError> {
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let [managed, (journal_label, _)] = journal::LABELS;
    let mut labels: BTreeMap<String, String> =
        [(managed.0.to_owned(), managed.1.to_owned())].into();
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some(journal::NAMESPACE.to_owned()),
            labels: Some(labels.clone()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    let namespaces = Api::<Namespace>::all(access.client.clone());
    let patch = Patch::Apply(&namespace);
    let made = namespaces.patch(journal::NAMESPACE, &params, &patch);
    access.answered(made).await?;
    labels.insert(journal_label.to_owned(), NAME.to_owned());
    let secret = Secret {
        metadata: ObjectMeta {
            name: Some(NAME.to_owned()),
            namespace: Some(journal::NAMESPACE.to_owned()),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        type_: Some(TYPE.to_owned()),
        data: Some([(KEY.to_owned(), ByteString(record.as_bytes().to_vec()))].into()),
        ..Secret::default()
    };
    let secrets = Api::<Secret>::namespaced(access.client.clone(), journal::NAMESPACE);
    let patch = Patch::Apply(&secret);
    let written = secrets.patch(NAME, &params, &patch);
    access.answered(written).await?;
    Ok(())
}

/// Completes the state of an imported platform from the record in its cluster.
pub(super) async fn read(
    session: &Session,
    id: &PlatformId,
    cluster: &str,
    state: &mut Object,
) -> Result<(), Fault> {
    let missing = |why: &str| {
        Fault::new(
            fault::NO_RECORD,
            format!(
                "What only the configuration says of platform {id} could not be read from Secret {}/{NAME} of cluster {cluster}: {why}\nThe next plan shows those settings as changes, domain and components among them. Apply it: it changes nothing in the account, and it writes them down.",
                journal::NAMESPACE
            ),
        )
    };
    let access = session.access(cluster).await;
    let access = access.map_err(|fault| missing(fault.detail()))?;
    let secrets = Api::<Secret>::namespaced(access.client.clone(), journal::NAMESPACE);
    let found = access.answered(secrets.get_opt(NAME)).await;
    let found = found.map_err(|error| missing(&format!("{error}.")))?;
    let Some(secret) = found else {
        return Err(missing(
            "there is none. Releases before this one wrote none.",
        ));
    };
    let text = secret
        .data
        .unwrap_or_default()
        .remove(KEY)
        .and_then(|bytes| String::from_utf8(bytes.0).ok())
        .ok_or_else(|| missing(&format!("it has no readable {KEY}.")))?;
    recall(&text, state).map_err(|error| missing(&format!("{error}.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tfplugin::Value;

    fn platform() -> Object {
        let pool = Object::new()
            .with("plan", "vc2-4c-8gb")
            .with("plan_fallbacks", vec!["vc2-6c-16gb".to_owned()])
            .with("chosen_plan", Value::unknown())
            .with("min_nodes", 1)
            .with("max_nodes", 2);
        let kong = Object::new()
            .with("enabled", true)
            .with("version", Value::Null)
            .with("size", "ha")
            .with("values", "proxy:\n  type: LoadBalancer\n");
        let components: BTreeMap<String, Object> = [("kong".to_owned(), kong)].into();
        let on_destroy = Object::new()
            .with("environments", "drain_all")
            .with(
                "confirm_environments",
                std::collections::BTreeSet::from(["a-dev".to_owned()]),
            )
            .with("handover_file", Value::Null)
            .with("volumes", "delete")
            .with("load_balancers", Value::Null);
        Object::new()
            .with("name", "acme")
            .with("domain", "acme.example")
            .with("kubernetes_version", "1.36")
            .with("system_pool", pool)
            .with("components", components)
            .with("component_secrets_wo_version", 3)
            .with("deletion_protection", false)
            .with("on_destroy", on_destroy)
    }

    /// The form as it is written for ever: a record of an older release must stay readable.
    const OF_FORMAT_1: &str = r#"{"format":1,"settings":{"component_secrets_wo_version":3,"components":{"kong":{"enabled":true,"size":"ha","values":"proxy:\n  type: LoadBalancer\n","version":null}},"deletion_protection":false,"domain":"acme.example","kubernetes_version":"1.36","on_destroy":{"confirm_environments":["a-dev"],"environments":"drain_all","handover_file":null,"load_balancers":null,"volumes":"delete"},"system_pool":{"plan":"vc2-4c-8gb","plan_fallbacks":["vc2-6c-16gb"]}}}"#;

    #[test]
    fn a_record_has_the_form_that_it_had_in_its_first_release() {
        assert_eq!(written(&platform()).unwrap(), OF_FORMAT_1);
    }

    #[test]
    fn what_is_recalled_is_what_was_written() {
        let mut state = Object::new().with("id", "acme");
        recall(OF_FORMAT_1, &mut state).unwrap();
        for name in RECORDED {
            assert_eq!(state.value(name), platform().value(name), "{name}");
        }
        let pool: Object = state.get(POOL).unwrap();
        let wanted: Object = platform().get(POOL).unwrap();
        for name in RECORDED_OF_POOL {
            assert_eq!(pool.value(name), wanted.value(name), "{name}");
        }
        assert!(pool.is_null("chosen_plan"));
        assert!(!changes(&platform(), &platform()));
        assert!(changes(
            &platform(),
            &platform().with("domain", "b.example")
        ));
    }

    #[test]
    fn what_is_write_only_is_not_written() {
        let bootstrap = Object::new()
            .with("connection", "ssh")
            .with("private_key_wo", "canary");
        let written = written(&platform().with("bootstrap", bootstrap)).unwrap();
        assert!(
            written.contains("ssh") && !written.contains("canary"),
            "{written}"
        );
    }

    #[test]
    fn an_unusable_record_leaves_the_state_alone_and_says_why() {
        let cases = [
            ("{", "not the JSON"),
            (r#"{"format":2,"settings":[]}"#, "format 2"),
            (r#"{"format":1}"#, "settings"),
            (
                r#"{"format":1,"settings":{"domain":"a.example","timeouts":7}}"#,
                "timeouts",
            ),
            (
                r#"{"format":1,"settings":{"system_pool":{"colour":"red"}}}"#,
                "colour",
            ),
        ];
        for (record, expected) in cases {
            let mut state = Object::new().with("id", "acme");
            let error = recall(record, &mut state).unwrap_err().to_string();
            assert!(error.contains(expected), "{record}: {error}");
            assert_eq!(state, Object::new().with("id", "acme"));
        }
    }

    /// A setting that is added to the schema has to be put into one of these lists.
    #[test]
    fn every_setting_is_told_by_the_account_or_recorded_or_secret() {
        const TOLD: [&str; 4] = ["name", "region", "high_availability", "network_cidr"];
        const SECRET: [&str; 1] = ["component_secrets_wo"];
        let schema = schema::schema();
        let settings = schema
            .attributes()
            .iter()
            .filter(|(_, attribute)| attribute.is_configurable())
            .map(|(name, _)| name.as_str());
        for name in settings {
            let places = [&TOLD[..], &SECRET[..], &RECORDED[..], &[POOL][..]];
            let places = places.iter().filter(|list| list.contains(&name)).count();
            assert_eq!(places, 1, "{name}");
        }
    }
}
