//! The little that a cluster of records keeps for those who write into it: namespaces and secrets, by server-side apply alone.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Selection, in_cluster, list, status, unknown};
use crate::account::service::Account;

/// The one content type of an apply.
const APPLY: &str = "application/apply-patch+yaml";

/// What a cluster keeps; it goes with the cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    namespaces: BTreeMap<String, Value>,
    /// By namespace and name.
    secrets: BTreeMap<(String, String), Value>,
    revision: u64,
}

/// The parameters of an apply that are known here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Apply {
    #[serde(rename = "fieldManager")]
    manager: Option<String>,
    #[serde(default)]
    force: bool,
}

/// What an apply names: the kind, the name, and the namespace if there is one.
struct Named<'a> {
    kind: &'a str,
    name: &'a str,
    namespace: Option<&'a str>,
}

impl Kept {
    pub(super) fn namespaces(&self) -> Vec<Value> {
        self.namespaces.values().cloned().collect()
    }

    pub(super) fn secrets_in(&self, namespace: &str) -> Vec<Value> {
        let here = |((found, _), secret): (&(String, String), &Value)| {
            (found == namespace).then(|| secret.clone())
        };
        self.secrets.iter().filter_map(here).collect()
    }

    fn put_namespace(&mut self, name: &str, object: Value) -> Response {
        let known = self.namespaces.get(name);
        let object = self.stamped(object, known);
        let code = code_of(known);
        self.namespaces.insert(name.to_owned(), object.clone());
        (code, Json(object)).into_response()
    }

    fn put_secret(&mut self, namespace: &str, name: &str, object: Value) -> Response {
        if !self.namespaces.contains_key(namespace) {
            return unknown("namespaces", namespace);
        }
        let key = (namespace.to_owned(), name.to_owned());
        let known = self.secrets.get(&key);
        if known.is_some_and(|known| known["type"] != object["type"]) {
            return status(
                StatusCode::UNPROCESSABLE_ENTITY,
                &format!("Secret {name:?} is invalid: type: field is immutable"),
            );
        }
        let object = self.stamped(object, known);
        let code = code_of(known);
        self.secrets.insert(key, object.clone());
        (code, Json(object)).into_response()
    }

    /// An object with what the server adds. A change raises its version, the same again does not.
    fn stamped(&self, mut object: Value, known: Option<&Value>) -> Value {
        let version = match known {
            Some(known) if same(known, &object) => known["metadata"]["resourceVersion"].clone(),
            _ => json!((self.revision + 1).to_string()),
        };
        object["metadata"]["resourceVersion"] = version;
        object
    }

    fn next(&mut self) {
        self.revision += 1;
    }
}

fn code_of(known: Option<&Value>) -> StatusCode {
    known.map_or(StatusCode::CREATED, |_| StatusCode::OK)
}

fn same(known: &Value, object: &Value) -> bool {
    let mut known = known.clone();
    if let Some(metadata) = known["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
    }
    known == *object
}

/// Reads an apply, as strictly as the real server reads what it knows of these kinds.
fn read(
    headers: &HeaderMap,
    apply: &Apply,
    body: &[u8],
    named: &Named<'_>,
) -> Result<Value, (StatusCode, String)> {
    let bad = |why: &str| (StatusCode::BAD_REQUEST, why.to_owned());
    if headers.get(CONTENT_TYPE).is_none_or(|kind| kind != APPLY) {
        return Err((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("this stand-in accepts {APPLY} alone"),
        ));
    }
    if apply.manager.as_deref().is_none_or(str::is_empty) {
        return Err(bad("fieldManager is required for apply patch"));
    }
    if !apply.force {
        return Err(bad(
            "this stand-in knows no other field managers: apply with force",
        ));
    }
    let object: Value =
        serde_json::from_slice(body).map_err(|error| bad(&format!("invalid object: {error}")))?;
    let metadata = &object["metadata"];
    let fits = object["apiVersion"] == "v1"
        && object["kind"] == named.kind
        && metadata["name"] == named.name
        && metadata["namespace"].as_str() == named.namespace;
    if !fits {
        return Err(bad("the object is not the one that the path names"));
    }
    check_fields(&object, named.kind).map_err(|why| bad(&why))?;
    Ok(object)
}

fn check_fields(object: &Value, kind: &str) -> Result<(), String> {
    let of_kind: &[&str] = if kind == "Secret" {
        &["type", "data"]
    } else {
        &[]
    };
    let known = ["apiVersion", "kind", "metadata"];
    for name in object
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.keys())
    {
        if !known.contains(&name.as_str()) && !of_kind.contains(&name.as_str()) {
            return Err(format!("unknown field {name:?}"));
        }
    }
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        if text.is_empty() || STANDARD.decode(text).is_err() {
            return Err(format!("data[{key:?}] is not base64"));
        }
    }
    Ok(())
}

/// `PATCH /api/v1/namespaces/{namespace}`.
pub(super) async fn apply_namespace(
    State(account): State<Account>,
    Path((id, name)): Path<(String, String)>,
    Query(apply): Query<Apply>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let named = Named {
        kind: "Namespace",
        name: &name,
        namespace: None,
    };
    let object = match read(&headers, &apply, &body, &named) {
        Ok(object) => object,
        Err((code, why)) => return status(code, &why),
    };
    change(&account, &id, |kept| kept.put_namespace(&name, object))
}

/// `PATCH /api/v1/namespaces/{namespace}/secrets/{name}`.
pub(super) async fn apply_secret(
    State(account): State<Account>,
    Path((id, namespace, name)): Path<(String, String, String)>,
    Query(apply): Query<Apply>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let named = Named {
        kind: "Secret",
        name: &name,
        namespace: Some(&namespace),
    };
    let object = match read(&headers, &apply, &body, &named) {
        Ok(object) => object,
        Err((code, why)) => return status(code, &why),
    };
    change(&account, &id, |kept| {
        kept.put_secret(&namespace, &name, object)
    })
}

fn change(account: &Account, id: &str, put: impl FnOnce(&mut Kept) -> Response) -> Response {
    in_cluster(account, id, |state, _| {
        let Some(cluster) = state.clusters.get_mut(id) else {
            return unknown("clusters", id);
        };
        let response = put(&mut cluster.kept);
        cluster.kept.next();
        response
    })
}

/// `GET /api/v1/namespaces/{namespace}/secrets/{name}`.
pub(super) async fn secret(
    State(account): State<Account>,
    Path((id, namespace, name)): Path<(String, String, String)>,
) -> Response {
    in_cluster(&account, &id, |_, cluster| {
        let found = cluster.kept.secrets.get(&(namespace, name.clone()));
        found.map_or_else(
            || unknown("secrets", &name),
            |secret| Json(secret.clone()).into_response(),
        )
    })
}

/// `DELETE /api/v1/namespaces/{namespace}/secrets/{name}`: what an operator with `kubectl` may do.
pub(super) async fn delete_secret(
    State(account): State<Account>,
    Path((id, namespace, name)): Path<(String, String, String)>,
) -> Response {
    change(&account, &id, |kept| {
        match kept.secrets.remove(&(namespace, name.clone())) {
            Some(secret) => Json(secret).into_response(),
            None => unknown("secrets", &name),
        }
    })
}

/// `GET /api/v1/namespaces/{namespace}/secrets`.
pub(super) async fn secrets(
    State(account): State<Account>,
    Path((id, namespace)): Path<(String, String)>,
    Query(selection): Query<Selection>,
) -> Response {
    in_cluster(&account, &id, |_, cluster| {
        let mut found = cluster.kept.secrets_in(&namespace);
        found.retain(|secret| selection.takes(secret));
        list("Secret", "v1", &found)
    })
}

/// `GET /api/v1/namespaces`.
pub(super) async fn namespaces(
    State(account): State<Account>,
    Path(id): Path<String>,
    Query(selection): Query<Selection>,
) -> Response {
    in_cluster(&account, &id, |_, cluster| {
        let mut found = cluster.kept.namespaces();
        found.retain(|namespace| selection.takes(namespace));
        list("Namespace", "v1", &found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(kind: &str, value: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind,
            "metadata": {"name": "platform", "namespace": "ours"}, "data": {"a": value},
        })
    }

    fn named() -> Named<'static> {
        Named {
            kind: "Secret",
            name: "platform",
            namespace: Some("ours"),
        }
    }

    fn attempt(content_type: &str, manager: Option<&str>, object: &Value) -> Option<StatusCode> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        let apply = Apply {
            manager: manager.map(str::to_owned),
            force: true,
        };
        let read = read(&headers, &apply, object.to_string().as_bytes(), &named());
        read.err().map(|(code, _)| code)
    }

    #[test]
    fn an_apply_is_read_strictly() {
        let good = secret("t", "YQ==");
        assert_eq!(attempt(APPLY, Some("me"), &good), None);
        let refused = |kind: &str, manager: Option<&str>, object: &Value| {
            attempt(kind, manager, object).unwrap().as_u16()
        };
        assert_eq!(refused("application/json", Some("me"), &good), 415);
        assert_eq!(refused(APPLY, None, &good), 400);
        assert_eq!(refused(APPLY, Some("me"), &secret("t", "a secret")), 400);
        for (field, value) in [("spec", json!({})), ("kind", json!("ConfigMap"))] {
            let mut odd = good.clone();
            odd[field] = value;
            assert_eq!(refused(APPLY, Some("me"), &odd), 400, "{field}");
        }
    }

    #[test]
    fn a_secret_needs_its_namespace_and_keeps_its_type_and_its_version_while_it_stays_the_same() {
        let mut kept = Kept::default();
        let code = |response: Response| response.status().as_u16();
        assert_eq!(
            code(kept.put_secret("ours", "platform", secret("t", "YQ=="))),
            404
        );
        assert_eq!(
            code(kept.put_namespace("ours", json!({"metadata": {}}))),
            201
        );
        kept.next();
        assert_eq!(
            code(kept.put_secret("ours", "platform", secret("t", "YQ=="))),
            201
        );
        kept.next();
        let version =
            |kept: &Kept| kept.secrets_in("ours")[0]["metadata"]["resourceVersion"].clone();
        let first = version(&kept);
        assert_eq!(
            code(kept.put_secret("ours", "platform", secret("t", "YQ=="))),
            200
        );
        assert_eq!(version(&kept), first);
        kept.next();
        assert_eq!(
            code(kept.put_secret("ours", "platform", secret("t", "Yg=="))),
            200
        );
        assert_ne!(version(&kept), first);
        assert_eq!(
            code(kept.put_secret("ours", "platform", secret("u", "Yg=="))),
            422
        );
        assert!(kept.secrets_in("theirs").is_empty());
    }
}
