//! A look at the platform's object store with the keys of one identity, past everything that is under test.

use anyhow::{Context, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_s3::error::SdkError;
use tokio::runtime::Runtime;

use crate::Cluster;

/// The store as one identity sees it.
pub struct ObjectStore {
    client: Client,
    runtime: Runtime,
}

/// What the store said to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was carried out.
    Done,
    /// The identity may not do this.
    Forbidden,
    /// Nobody may do this: the version is locked.
    Locked,
}

impl ObjectStore {
    /// With the keys in the Secret `minio/identity-<name>`.
    pub fn of(cluster: &Cluster, identity: &str) -> Result<Self> {
        let secret = cluster.secret("minio", &format!("identity-{identity}"))?;
        let value = |key: &str| {
            secret
                .get(key)
                .cloned()
                .with_context(|| format!("identity-{identity} has no {key}"))
        };
        let keys = Credentials::new(
            value("access_key")?,
            value("secret_key")?,
            None,
            None,
            "test",
        );
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(value("endpoint")?)
            .region(Region::new(value("region")?))
            .credentials_provider(keys)
            .force_path_style(true)
            // The store's address speaks plain HTTP.
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Ok(Self {
            client: Client::from_conf(config),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
        })
    }

    /// Writes an object; answers its version.
    pub fn put(&self, bucket: &str, key: &str) -> Result<(Verdict, Option<String>)> {
        let request = self.client.put_object().bucket(bucket).key(key);
        match self
            .runtime
            .block_on(request.body(b"{}".to_vec().into()).send())
        {
            Ok(answer) => Ok((Verdict::Done, answer.version_id)),
            Err(error) => Ok((verdict(error)?, None)),
        }
    }

    /// Reads an object.
    pub fn get(&self, bucket: &str, key: &str) -> Result<Verdict> {
        said(
            self.runtime
                .block_on(self.client.get_object().bucket(bucket).key(key).send()),
        )
    }

    /// Deletes an object: in a bucket with versions, marks it as deleted.
    pub fn delete(&self, bucket: &str, key: &str) -> Result<Verdict> {
        said(
            self.runtime
                .block_on(self.client.delete_object().bucket(bucket).key(key).send()),
        )
    }

    /// Removes one version for good.
    pub fn remove(&self, bucket: &str, key: &str, version: &str) -> Result<Verdict> {
        let request = self.client.delete_object().bucket(bucket).key(key);
        said(self.runtime.block_on(request.version_id(version).send()))
    }

    /// Lists a bucket.
    pub fn list(&self, bucket: &str) -> Result<Verdict> {
        said(
            self.runtime
                .block_on(self.client.list_objects_v2().bucket(bucket).send()),
        )
    }
}

fn said<T, E>(answer: Result<T, SdkError<E>>) -> Result<Verdict>
where
    E: std::error::Error + Send + Sync + 'static,
{
    answer.map_or_else(verdict, |_| Ok(Verdict::Done))
}

/// Stores differ in how they refuse to remove a locked version: `MinIO` says 400.
fn verdict<E>(error: SdkError<E>) -> Result<Verdict>
where
    E: std::error::Error + Send + Sync + 'static,
{
    match error
        .raw_response()
        .map(|response| response.status().as_u16())
    {
        Some(403) => Ok(Verdict::Forbidden),
        Some(400) => Ok(Verdict::Locked),
        _ => Err(error.into()),
    }
}
