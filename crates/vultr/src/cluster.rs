//! Kubernetes clusters.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::decode::{self, DecodeFailure, One, wrapped};
use crate::error::absent;
use crate::open_enum::open_enum;
use crate::settle::{self, Wanted};
use crate::{Client, CreateNodePool, Ensured, Error, Mark, NodePool, Progress, Result, Wait};

/// A cluster.
#[derive(Debug, Clone, Deserialize)]
pub struct Cluster {
    /// Id.
    pub id: String,
    /// Label; the API lets many clusters share one.
    #[serde(deserialize_with = "decode::text")]
    pub label: String,
    /// When it was made.
    pub date_created: Timestamp,
    /// Addresses of pods.
    #[serde(deserialize_with = "decode::text")]
    pub cluster_subnet: String,
    /// Addresses of services.
    #[serde(deserialize_with = "decode::text")]
    pub service_subnet: String,
    /// Address of the control plane; `0.0.0.0` while there is none.
    #[serde(deserialize_with = "decode::text")]
    pub ip: String,
    /// Host name of the API server, without scheme and port.
    #[serde(deserialize_with = "decode::text")]
    pub endpoint: String,
    /// Build, such as `v1.36.5+1`.
    pub version: String,
    /// Region.
    pub region: String,
    /// State.
    pub status: ClusterStatus,
    /// Whether there are three control planes.
    pub ha_controlplanes: bool,
    /// Firewall group of the cluster; empty without one.
    #[serde(default, deserialize_with = "decode::text")]
    pub firewall_group_id: String,
    /// How people log in.
    #[serde(default, deserialize_with = "decode::object")]
    pub oidc: Option<Oidc>,
    /// Pools with their nodes.
    #[serde(deserialize_with = "decode::list")]
    pub node_pools: Vec<NodePool>,
    /// Networks; answers of older APIs say nothing of them.
    #[serde(default, deserialize_with = "decode::list")]
    pub vpcs: Vec<ClusterVpc>,
}

open_enum! {
    /// State of a cluster.
    ClusterStatus {
        /// Being made.
        Pending = "pending",
        /// Usable.
        Active = "active",
    }
}

/// A network that a cluster is in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClusterVpc {
    /// Id.
    pub id: String,
    /// Addresses.
    #[serde(default, deserialize_with = "decode::text")]
    pub subnet: String,
}

/// Login of people by an identity provider; empty texts when off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oidc {
    /// Address of the identity provider.
    #[serde(default, deserialize_with = "decode::text")]
    pub issuer_url: String,
    /// Name of the cluster there.
    #[serde(default, deserialize_with = "decode::text")]
    pub client_id: String,
    /// Claim that holds the user's name.
    #[serde(default, deserialize_with = "decode::text")]
    pub username_claim: String,
    /// Claim that holds the user's groups.
    #[serde(default, deserialize_with = "decode::text")]
    pub groups_claim: String,
}

wrapped!(Cluster, "vke_cluster", "vke_clusters");

/// What a cluster is made from.
#[derive(Debug, Clone, Serialize)]
pub struct CreateCluster {
    /// Label: the owner's mark.
    pub label: String,
    /// Region, never to change.
    pub region: String,
    /// Build, one of those offered now.
    pub version: String,
    /// Three control planes, never to change.
    pub ha_controlplanes: bool,
    /// A firewall group of its own, never to change.
    pub enable_firewall: bool,
    /// Network, never to change; without it the vendor makes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// Login of people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<Oidc>,
    /// At least one pool.
    pub node_pools: Vec<CreateNodePool>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(deserialize_with = "decode::secret")]
    kube_config: Option<SecretString>,
}

#[derive(Deserialize)]
struct Upgrades {
    #[serde(deserialize_with = "decode::list")]
    available_upgrades: Vec<String>,
}

pub(crate) const CLUSTERS: [&str; 2] = ["kubernetes", "clusters"];

/// Path below one cluster.
pub(crate) fn below<'a>(cluster: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    let mut segments = CLUSTERS.to_vec();
    segments.push(cluster);
    segments.extend(rest);
    segments
}

impl Client {
    /// Every cluster.
    pub async fn clusters(&self) -> Result<Vec<Cluster>> {
        self.list(&CLUSTERS).await
    }

    /// Every cluster whose label is the mark exactly.
    pub async fn clusters_marked(&self, mark: &Mark) -> Result<Vec<Cluster>> {
        let mut clusters = self.clusters().await?;
        clusters.retain(|cluster| mark.phase_of(&cluster.label).is_some());
        Ok(clusters)
    }

    /// One cluster.
    pub async fn cluster(&self, id: &str) -> Result<Option<Cluster>> {
        let request = self.request(Method::GET, &below(id, &[]))?;
        let found = absent(self.fetch::<One<Cluster>>(request).await)?;
        Ok(found.map(|One(cluster)| cluster))
    }

    /// Makes a cluster. [`Error::Unanswered`] leaves open whether there is one now.
    pub async fn create_cluster(&self, wanted: &CreateCluster) -> Result<Cluster> {
        let request = self.request(Method::POST, &CLUSTERS)?.json(wanted)?;
        let One(cluster) = self.fetch(request).await?;
        Ok(cluster)
    }

    /// The cluster whose label is exactly the wanted one, made if there is none.
    pub async fn ensure_cluster(&self, wanted: &CreateCluster) -> Result<Ensured<Cluster>> {
        let look = || async {
            let mut found = self.clusters().await?;
            found.retain(|cluster| cluster.label == wanted.label);
            Ok(found)
        };
        let target = Wanted {
            kind: "cluster",
            mark: &wanted.label,
        };
        self.ensure(target, look, || self.create_cluster(wanted))
            .await
    }

    /// Changes the label.
    pub async fn update_cluster_label(&self, id: &str, label: &str) -> Result<()> {
        #[derive(Serialize)]
        struct Body<'a> {
            label: &'a str,
        }
        let request = self
            .request(Method::PUT, &below(id, &[]))?
            .json(&Body { label })?;
        let answer = self.perform(request).await;
        settle::changed(answer, self.cluster(id), |cluster| cluster.label == label).await
    }

    /// Begins the deletion of a cluster. Its load balancers and volumes stay and go on costing.
    pub async fn delete_cluster(&self, id: &str) -> Result<()> {
        let request = self.request(Method::DELETE, &below(id, &[]))?;
        settle::deleted(self.perform(request).await, self.cluster(id)).await
    }

    /// Begins the deletion of a cluster with its load balancers and volumes, retained ones included.
    pub async fn delete_cluster_with_linked_resources(&self, id: &str) -> Result<()> {
        let request = self.request(
            Method::DELETE,
            &below(id, &["delete-with-linked-resources"]),
        )?;
        settle::deleted(self.perform(request).await, self.cluster(id)).await
    }

    /// The administrator's kubeconfig as YAML; `None` when there is no such cluster or no control plane yet.
    pub async fn kubeconfig(&self, id: &str) -> Result<Option<SecretString>> {
        let request = self.request(Method::GET, &below(id, &["config"]))?;
        let call = request.call.clone();
        let config = absent(self.fetch::<Config>(request).await)?;
        let Some(encoded) = config.and_then(|config| config.kube_config) else {
            return Ok(None);
        };
        STANDARD
            .decode(encoded.expose_secret().trim())
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .map(|yaml| Some(SecretString::from(yaml)))
            .ok_or_else(|| {
                let failure = DecodeFailure {
                    field: "kube_config".into(),
                    reason: "it is not the base64 of a text".into(),
                    cut: false,
                };
                Error::decode(call, failure)
            })
    }

    /// The builds that a cluster can be raised to; empty when it is the newest, `None` when there is no such cluster.
    pub async fn available_upgrades(&self, id: &str) -> Result<Option<Vec<String>>> {
        let request = self.request(Method::GET, &below(id, &["available-upgrades"]))?;
        let upgrades = absent(self.fetch::<Upgrades>(request).await)?;
        Ok(upgrades.map(|upgrades| upgrades.available_upgrades))
    }

    /// Begins to raise a cluster to a build; every node is replaced.
    ///
    /// A lost answer is settled by asking for the cluster's build, or else stays [`Error::Unanswered`].
    pub async fn upgrade_cluster(&self, id: &str, version: &str) -> Result<()> {
        #[derive(Serialize)]
        struct Body<'a> {
            upgrade_version: &'a str,
        }
        let request = self
            .request(Method::POST, &below(id, &["upgrades"]))?
            .json(&Body {
                upgrade_version: version,
            })?;
        let answer = self.perform(request).await;
        settle::changed(answer, self.cluster(id), |cluster| {
            cluster.version == version
        })
        .await
    }

    /// Waits until a cluster is active and hands out its kubeconfig.
    pub async fn cluster_active(&self, id: &str, wait: &Wait) -> Result<Cluster> {
        wait.until(&format!("cluster {id} to become active"), || async {
            let Some(cluster) = self.cluster(id).await? else {
                return Ok(Progress::NotYet("no such cluster".into()));
            };
            if cluster.status != ClusterStatus::Active {
                return Ok(Progress::NotYet(cluster.status.to_string()));
            }
            Ok(match self.kubeconfig(id).await? {
                Some(_) => Progress::Done(cluster),
                None => Progress::NotYet("active, without a kubeconfig".into()),
            })
        })
        .await
    }

    /// Waits until a cluster is proved gone.
    pub async fn cluster_gone(&self, id: &str, wait: &Wait) -> Result<()> {
        wait.until(&format!("cluster {id} to be gone"), || async {
            Ok(match self.cluster(id).await? {
                Some(cluster) => Progress::NotYet(cluster.status.to_string()),
                None => Progress::Done(()),
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = r#"{"vke_cluster":{"id":"455dcd32-e621-48ee-a10e-0cb5f754e13e","firewall_group_id":"","label":"slipway:acme","date_created":"2026-07-07T22:57:01+00:00","cluster_subnet":"10.244.0.0/16","service_subnet":"10.96.0.0/12","ip":"0.0.0.0","endpoint":"455dcd32-e621-48ee-a10e-0cb5f754e13e.vultr-k8s.com","version":"v1.36.5+1","region":"ams","status":"pending","ha_controlplanes":false,"oidc":{"issuer_url":"","client_id":"","username_claim":"","groups_claim":""},"node_pools":[{"id":"e97bdee9","date_created":"2026-07-07T22:57:01+00:00","date_updated":"2026-07-07T22:58:01+00:00","label":"system","plan":"vc2-4c-8gb","status":"pending","node_quantity":1,"min_nodes":1,"max_nodes":1,"auto_scaler":false,"tag":"slipway:acme","labels":[],"taints":[],"vpc_only":false,"user_data":"","nodes":[{"id":"f2e11430","label":"system-69da4","date_created":"2026-07-07T22:57:01+00:00","status":"pending"}]}],"vpcs":[{"id":"v1","subnet":"10.20.0.0/20"}]}}"#;

    fn read(body: &str) -> std::result::Result<Cluster, DecodeFailure> {
        decode::read::<One<Cluster>>(body.as_bytes()).map(|One(cluster)| cluster)
    }

    #[test]
    fn a_cluster_is_read_with_its_pools_and_networks() {
        let cluster = read(CLUSTER).unwrap();
        assert_eq!(cluster.status, ClusterStatus::Pending);
        assert_eq!(cluster.node_pools[0].nodes[0].ip, None);
        assert_eq!(cluster.vpcs[0].id, "v1");
        assert_eq!(cluster.oidc, Some(Oidc::default()));
    }

    #[test]
    fn older_answers_and_php_empties_are_read() {
        let body = CLUSTER
            .replace(r#","vpcs":[{"id":"v1","subnet":"10.20.0.0/20"}]"#, "")
            .replace(
                r#"{"issuer_url":"","client_id":"","username_claim":"","groups_claim":""}"#,
                "[]",
            )
            .replace(r#""status":"pending","ha"#, r#""status":"upgrading","ha"#);
        let cluster = read(&body).unwrap();
        assert!(cluster.vpcs.is_empty() && cluster.oidc.is_none());
        assert_eq!(cluster.status, ClusterStatus::Other("upgrading".into()));
    }

    #[test]
    fn a_cluster_without_a_required_field_is_an_error_that_names_it() {
        let failure = read(&CLUSTER.replace(r#""version":"v1.36.5+1","#, "")).unwrap_err();
        assert_eq!(failure.field, "vke_cluster");
        assert!(failure.reason.contains("`version`"), "{failure:?}");
        let failure = read(&CLUSTER.replace(r#""plan":"vc2-4c-8gb","#, "")).unwrap_err();
        assert_eq!(failure.field, "vke_cluster.node_pools[0]");
        assert!(failure.reason.contains("`plan`"), "{failure:?}");
    }
}
