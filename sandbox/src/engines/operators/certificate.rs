//! cert-manager's certificates: a real key pair in the Secret that the object names, signed by itself whoever the issuer is.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::MANAGER;

/// Makes the Secret unless it is there.
pub(super) async fn make(client: &kube::Client, object: &DynamicObject) -> Result<()> {
    let spec = &object.data["spec"];
    let name = spec["secretName"]
        .as_str()
        .context("a Certificate without secretName")?;
    let namespace = object.namespace().unwrap_or_default();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &namespace);
    if secrets.get_opt(name).await?.is_some() {
        return Ok(());
    }
    let names: Vec<String> = spec["dnsNames"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let made = rcgen::generate_simple_self_signed(names)?;
    let certificate = made.cert.pem();
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name },
        "type": "kubernetes.io/tls",
        "stringData": {
            "tls.crt": certificate,
            "tls.key": made.signing_key.serialize_pem(),
            "ca.crt": certificate,
        },
    });
    let apply = PatchParams::apply(MANAGER);
    secrets.patch(name, &apply, &Patch::Apply(secret)).await?;
    Ok(())
}
