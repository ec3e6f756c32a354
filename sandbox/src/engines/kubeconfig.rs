//! Kubeconfigs as the vendor writes them: one cluster, one context, one user with a client certificate.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::{KubeConfigOptions, Kubeconfig};

use super::certificates::{Authority, Client};

/// Port of every API server, as at the vendor.
pub(crate) const PORT: u16 = 6443;

/// A kubeconfig for the holder of a client certificate.
pub(crate) fn write(
    name: &str,
    address: Ipv4Addr,
    authority: &Authority,
    client: &Client,
) -> String {
    let ca = STANDARD.encode(authority.certificate());
    let certificate = STANDARD.encode(&client.certificate);
    let key = STANDARD.encode(&client.key);
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster:
    server: https://{address}:{PORT}
    certificate-authority-data: {ca}
users:
- name: admin
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: admin
current-context: {name}
preferences: {{}}
"
    )
}

/// A client for the cluster that the kubeconfig names.
pub(crate) async fn client(kubeconfig: &str) -> Result<kube::Client> {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).context("the kubeconfig does not parse")?;
    let config =
        kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(kube::Client::try_from(config)?)
}
