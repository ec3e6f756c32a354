//! The Lease that says which run holds a platform, as the API server keeps it.

use crate::platform_lock::{DURATION, Held, Holder};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, Client, Error};
use run_report::journal::{LABELS, NAMESPACE};
use serde_json::json;
use std::collections::BTreeMap;

pub(crate) const NAME: &str = "slipway-bootstrap";
const PROCESS: &str = "slipway.dev/process";
const FILE: &str = "slipway.dev/events";
const CONFLICT: u16 = 409;
const NOT_FOUND: u16 = 404;

fn api(client: &Client) -> Api<Lease> {
    Api::namespaced(client.clone(), NAMESPACE)
}

/// The Lease, if there is one.
pub(crate) async fn read(client: &Client) -> Result<Option<Lease>, Error> {
    api(client).get_opt(NAME).await
}

/// A Lease that shows `holder`; it replaces the one of that version, or is new.
pub(crate) fn of(holder: &Holder, version: Option<&str>) -> serde_json::Value {
    let labels: BTreeMap<_, _> = [LABELS[0]].into();
    let since = microseconds(holder.since);
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": NAME,
            "namespace": NAMESPACE,
            "labels": labels,
            "annotations": {PROCESS: holder.process, FILE: holder.file},
            "resourceVersion": version,
        },
        "spec": {
            "holderIdentity": holder.run.to_string(),
            "leaseDurationSeconds": DURATION.as_secs(),
            "acquireTime": since,
            // Only has to differ from the one before: readers watch whether it moves.
            "renewTime": microseconds(jiff::Timestamp::now()),
        },
    })
}

/// Writes it; the new version, or nothing if the Lease is not what it was.
pub(crate) async fn write(
    client: &Client,
    lease: &serde_json::Value,
) -> Result<Option<String>, Error> {
    let lease: Lease = serde_json::from_value(lease.clone()).map_err(Error::SerdeError)?;
    let params = PostParams::default();
    let written = match &lease.metadata.resource_version {
        Some(_) => api(client).replace(NAME, &params, &lease).await,
        None => api(client).create(&params, &lease).await,
    };
    match written {
        Ok(lease) => Ok(Some(lease.metadata.resource_version.unwrap_or_default())),
        Err(Error::Api(status)) if [CONFLICT, NOT_FOUND].contains(&status.code) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes the Lease of that version; one that has moved is another's.
pub(crate) async fn remove(client: &Client, version: &str) -> Result<(), Error> {
    let params = DeleteParams {
        preconditions: Some(Preconditions {
            resource_version: Some(version.to_owned()),
            uid: None,
        }),
        ..DeleteParams::default()
    };
    match api(client).delete(NAME, &params).await {
        Ok(_) => Ok(()),
        Err(Error::Api(status)) if [CONFLICT, NOT_FOUND].contains(&status.code) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Who holds it. A Lease that is not one of ours holds nothing.
pub(crate) fn held(lease: &Lease) -> Option<Held> {
    let spec = lease.spec.as_ref()?;
    let annotations = lease.metadata.annotations.as_ref()?;
    let holder = Holder {
        run: spec.holder_identity.as_ref()?.parse().ok()?,
        process: annotations.get(PROCESS)?.clone(),
        file: annotations.get(FILE).map(Into::into),
        since: spec.acquire_time.as_ref()?.0,
    };
    Some(Held {
        holder,
        version: lease.metadata.resource_version.clone()?,
    })
}

fn microseconds(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
