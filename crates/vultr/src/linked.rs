//! What a cluster made outside itself: load balancers of services, volumes of claims.

use reqwest::Method;
use serde::Deserialize;

use crate::cluster::below;
use crate::decode;
use crate::error::absent;
use crate::{BlockStatus, Client, LoadBalancerStatus, Result};

/// Load balancers and volumes of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LinkedResources {
    /// Volumes.
    #[serde(deserialize_with = "decode::list")]
    pub block_storage: Vec<LinkedBlock>,
    /// Load balancers.
    #[serde(deserialize_with = "decode::list")]
    pub load_balancer: Vec<LinkedLoadBalancer>,
}

/// A volume of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LinkedBlock {
    /// Id.
    pub id: String,
    /// Label, `pvc-` and 16 hexadecimal digits.
    #[serde(deserialize_with = "decode::text")]
    pub label: String,
    /// State.
    pub status: BlockStatus,
    /// Size.
    #[serde(default)]
    pub size_gb: Option<u64>,
}

/// A load balancer of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LinkedLoadBalancer {
    /// Id.
    pub id: String,
    /// Label, `a` and the service's id.
    #[serde(deserialize_with = "decode::text")]
    pub label: String,
    /// State.
    pub status: LoadBalancerStatus,
    /// Address; empty at first.
    #[serde(default, deserialize_with = "decode::text")]
    pub ipv4: String,
}

#[derive(Deserialize)]
struct Answer {
    resources: LinkedResources,
}

impl Client {
    /// What a cluster made; `None` when there is no such cluster.
    pub async fn linked_resources(&self, cluster: &str) -> Result<Option<LinkedResources>> {
        let request = self.request(Method::GET, &below(cluster, &["resources"]))?;
        let answer = absent(self.fetch::<Answer>(request).await)?;
        Ok(answer.map(|answer| answer.resources))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_read_and_neither_may_be_missing() {
        let body = r#"{"resources":{"block_storage":[{"id":"b","label":"pvc-0123456789abcdef","date_created":"2026-07-07T22:57:01+00:00","status":"active","size_gb":10}],"load_balancer":[{"id":"l","label":"a1b2","date_created":"2026-07-07T22:57:01+00:00","status":"pending","ipv4":"","nodes":1}]}}"#;
        let Answer { resources } = decode::read(body.as_bytes()).unwrap();
        assert_eq!(resources.block_storage[0].size_gb, Some(10));
        assert_eq!(
            resources.load_balancer[0].status,
            LoadBalancerStatus::Pending
        );
        let Answer { resources } =
            decode::read(br#"{"resources":{"block_storage":null,"load_balancer":[]}}"#).unwrap();
        assert!(resources.block_storage.is_empty());
        assert!(decode::read::<Answer>(br#"{"resources":{"load_balancer":[]}}"#).is_err());
    }
}
