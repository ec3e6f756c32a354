//! Engines of `--clusters=records`: clusters and hosts are entries in the account and nothing runs.
//!
//! A kubeconfig has the vendor's form with certificates that are valid by themselves, and points to the account's stand-in
//! for an API server, which needs none of them.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};

use crate::account::CLUSTERS_PREFIX;
use crate::world::{
    AccountHandle, ClusterAccess, ClusterSpec, Disturbance, Engines, InstanceSpec, NodeSpec,
};

/// Nothing runs.
#[derive(Default)]
pub struct Records {
    account: Mutex<Option<Arc<dyn AccountHandle>>>,
}

impl Records {
    /// The account, for tests that play the cloud controller or the CSI driver.
    #[must_use]
    pub fn account(&self) -> Option<Arc<dyn AccountHandle>> {
        self.account
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait]
impl Engines for Records {
    fn attach(&self, account: Arc<dyn AccountHandle>) {
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = Some(account);
    }

    fn chart_mirror(&self) -> Option<String> {
        None
    }

    fn stand_ins(&self) -> Vec<String> {
        vec![
            "hosts are records: no sshd".to_owned(),
            "clusters are records: their API server shows nodes, lets them be cordoned, holds nothing else and asks for no key"
                .to_owned(),
        ]
    }

    async fn start_cluster(&self, spec: ClusterSpec) -> Result<ClusterAccess> {
        // Without a server (an account that is only called from within) the address is one where nothing listens.
        let listener = self.account().and_then(|account| account.served_at());
        let server = listener.map_or_else(
            || format!("https://{}:6443", spec.address),
            |address| format!("http://{address}{CLUSTERS_PREFIX}/{}", spec.id),
        );
        Ok(ClusterAccess {
            kubeconfig: kubeconfig(&spec.endpoint, &server)?,
            ip: spec.address,
        })
    }

    async fn upgrade_cluster(&self, _cluster_id: &str, _version: &str) -> Result<()> {
        Ok(())
    }

    async fn stop_cluster(&self, _cluster_id: &str) -> Result<()> {
        Ok(())
    }

    async fn set_nodes(&self, _cluster_id: &str, _nodes: Vec<NodeSpec>) -> Result<()> {
        Ok(())
    }

    async fn start_instance(&self, _spec: InstanceSpec) -> Result<()> {
        Ok(())
    }

    async fn resume_instance(&self, _instance_id: &str) -> Result<()> {
        Ok(())
    }

    async fn halt_instance(&self, _instance_id: &str) -> Result<()> {
        Ok(())
    }

    async fn reboot_instance(&self, _instance_id: &str) -> Result<()> {
        Ok(())
    }

    async fn destroy_instance(&self, _instance_id: &str) -> Result<()> {
        Ok(())
    }

    async fn disturb_instance(&self, _instance_id: &str, _disturbance: Disturbance) -> Result<()> {
        Ok(())
    }

    async fn load_balancer_gone(&self, _load_balancer_id: &str) -> Result<()> {
        Ok(())
    }

    async fn shutdown(&self) -> Result<()> {
        self.account
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Ok(())
    }
}

/// A kubeconfig of the vendor's form: one cluster, one context, one user with a client certificate of `system:masters`.
fn kubeconfig(endpoint: &str, server: &str) -> Result<String> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "kubernetes");
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let client_key = KeyPair::generate()?;
    let mut client = CertificateParams::new(Vec::new())?;
    client.distinguished_name.push(DnType::CommonName, "admin");
    client
        .distinguished_name
        .push(DnType::OrganizationName, "system:masters");
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let client_certificate = client.signed_by(&client_key, &issuer)?;

    Ok(format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: {endpoint}\n  cluster:\n    server: {server}\n    certificate-authority-data: {}\nusers:\n- name: admin\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\ncontexts:\n- name: {endpoint}\n  context:\n    cluster: {endpoint}\n    user: admin\ncurrent-context: {endpoint}\npreferences: {{}}\n",
        STANDARD.encode(authority_certificate.pem()),
        STANDARD.encode(client_certificate.pem()),
        STANDARD.encode(client_key.serialize_pem()),
    ))
}
