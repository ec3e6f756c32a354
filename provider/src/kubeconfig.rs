//! `slipway_kubeconfig`: access to a cluster for other providers, stored nowhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::Kubeconfig as Parsed;
use secrecy::{ExposeSecret, SecretString};
use tfplugin::{Attribute, Diagnostics, EphemeralResource, Object, Open, Schema, async_trait};

use crate::fault::{self, Fault};
use crate::session::Session;

/// The ephemeral resource type.
pub(crate) struct Kubeconfig;

#[async_trait]
impl EphemeralResource<Session> for Kubeconfig {
    fn type_name(&self) -> &'static str {
        "slipway_kubeconfig"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .describe(
                "The administrator's kubeconfig of a cluster, fetched anew for every run and stored in no state or plan. Needs Terraform 1.11 or OpenTofu 1.11.",
            )
            .attribute("cluster_id", Attribute::string().required().describe("Id of the cluster."))
            .attribute("raw", Attribute::string().computed().sensitive().describe("The whole kubeconfig, YAML."))
            .attribute("host", Attribute::string().computed().describe("Address of the Kubernetes API."))
            .attribute(
                "cluster_ca_certificate",
                Attribute::string().computed().sensitive().describe("Certificate of the cluster's authority, PEM."),
            )
            .attribute("client_certificate", Attribute::string().computed().sensitive().describe("Certificate of the administrator, PEM."))
            .attribute("client_key", Attribute::string().computed().sensitive().describe("Key of the administrator, PEM."))
    }

    async fn open(&self, op: &mut Open<Session>) -> Result<Object, Diagnostics> {
        let cluster: String = op.config.get("cluster_id")?;
        let raw = op
            .client
            .kubeconfig(&cluster)
            .await
            .map_err(|fault| fault.at("cluster_id"))?;
        let parts = Parts::read(&raw).ok_or_else(|| {
            Fault::new(
                fault::NO_CLUSTER_ACCESS,
                format!("The kubeconfig of cluster {cluster} does not hold one cluster and one user with a certificate, as Vultr's do."),
            )
        })?;
        Ok(op
            .config
            .clone()
            .with("raw", raw.expose_secret())
            .with("host", parts.host)
            .with("cluster_ca_certificate", parts.authority)
            .with("client_certificate", parts.certificate)
            .with("client_key", parts.key.expose_secret()))
    }
}

/// What other providers ask for one by one.
struct Parts {
    host: String,
    authority: Option<String>,
    certificate: Option<String>,
    key: SecretString,
}

impl Parts {
    fn read(raw: &SecretString) -> Option<Self> {
        let parsed = Parsed::from_yaml(raw.expose_secret()).ok()?;
        let cluster = parsed.clusters.first()?.cluster.clone()?;
        let user = parsed.auth_infos.first()?.auth_info.clone()?;
        Some(Self {
            host: cluster.server?,
            authority: cluster.certificate_authority_data.as_deref().and_then(pem),
            certificate: user.client_certificate_data.as_deref().and_then(pem),
            key: pem(user.client_key_data?.expose_secret())?.into(),
        })
    }
}

fn pem(encoded: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()
}
