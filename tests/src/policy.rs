//! Policies of Kyverno, decided by the API server itself: Kyverno's pods are fake, but the expressions in its policies are
//! those of Kubernetes' own admission policies.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::Cluster;

const FIELD_MANAGER: &str = "slipway-tests";
/// What both kinds of policies are made of.
const SHARED: [&str; 3] = ["matchConstraints", "matchConditions", "validations"];

impl Cluster {
    /// Lets the API server refuse what a policy of Kyverno's is about.
    pub fn enforce(&self, policy: &str) -> Result<()> {
        self.ask(async |client| {
            let kyverno = kind(
                "policies.kyverno.io",
                "v1",
                "ValidatingPolicy",
                "validatingpolicies",
            );
            let written: DynamicObject =
                Api::all_with(client.clone(), &kyverno).get(policy).await?;
            let mut spec = json!({ "failurePolicy": "Fail" });
            for field in SHARED {
                spec[field] = written.data["spec"][field].clone();
            }
            ensure!(
                !spec["validations"].is_null(),
                "policy {policy} validates nothing"
            );
            apply(
                &client,
                policy,
                "ValidatingAdmissionPolicy",
                "validatingadmissionpolicies",
                spec,
            )
            .await?;
            let binding = json!({ "policyName": policy, "validationActions": ["Deny"] });
            let kind = (
                "ValidatingAdmissionPolicyBinding",
                "validatingadmissionpolicybindings",
            );
            apply(&client, policy, kind.0, kind.1, binding).await
        })
    }

    /// What the API server says against a namespace with these labels; nothing is made.
    pub fn refusal_of_namespace(&self, name: &str, labels: &Value) -> Result<Option<String>> {
        let metadata = json!({ "metadata": { "name": name, "labels": labels } });
        let namespace: Namespace = serde_json::from_value(metadata)?;
        self.ask(async |client| {
            let attempt = PostParams {
                dry_run: true,
                ..PostParams::default()
            };
            match Api::<Namespace>::all(client)
                .create(&attempt, &namespace)
                .await
            {
                Ok(_) => Ok(None),
                Err(kube::Error::Api(status)) if status.code == 422 || status.code == 403 => {
                    Ok(Some(status.message.clone()))
                }
                Err(error) => Err(error).context("no answer about the namespace"),
            }
        })
    }
}

async fn apply(
    client: &Client,
    name: &str,
    kind_name: &str,
    plural: &str,
    spec: Value,
) -> Result<()> {
    let kind = kind("admissionregistration.k8s.io", "v1", kind_name, plural);
    let object = json!({
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": { "name": name },
        "spec": spec,
    });
    let objects: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
    let manager = PatchParams::apply(FIELD_MANAGER);
    objects.patch(name, &manager, &Patch::Apply(object)).await?;
    Ok(())
}

fn kind(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}
