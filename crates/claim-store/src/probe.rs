//! Whether a server keeps the promises that conditional writes rest on. Many say they do.

use crate::answer::Trouble;
use crate::error::StoreError;
use crate::store::{ClaimStore, ETag};
use crate::write::{Expected, Write};
use aws_sdk_s3::types::BucketVersioningStatus;
use futures::future::join_all;
use std::fmt;
use uuid::Uuid;

const RACERS: usize = 16;

/// What a server was seen to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Promises it does not keep; with one of these, claims must not be written there.
    pub broken: Vec<Promise>,
    /// Keeps old versions, so that a removal leaves a proof. Without, only tombstones prove that a claim is gone.
    pub keeps_versions: bool,
}

/// Something that a server must do for two writers never to win both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Refuses to create what exists.
    CreatesOnce,
    /// Refuses to replace what has changed.
    ComparesBeforeReplacing,
    /// Refuses to replace what is not there.
    NeverRevives,
    /// Lets exactly one of sixteen win who create at the same moment.
    OneCreator,
    /// Lets exactly one of sixteen win who replace at the same moment.
    OneReplacer,
}

impl fmt::Display for Promise {
    /// How it looks when it is broken.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CreatesOnce => "it overwrites an object that must not exist",
            Self::ComparesBeforeReplacing => "it overwrites an object that has changed",
            Self::NeverRevives => "it writes over an object that was removed",
            Self::OneCreator => "it lets several writers create one object",
            Self::OneReplacer => "it lets several writers replace one state",
        })
    }
}

impl ClaimStore {
    /// Refuses a server on which two writers could both win.
    pub async fn require_safe_writes(&self, id: Uuid) -> Result<Abilities, StoreError> {
        let abilities = self.probe(id).await?;
        if abilities.broken.is_empty() {
            Ok(abilities)
        } else {
            Err(StoreError::Unfit {
                endpoint: self.endpoint.clone(),
                broken: abilities.broken,
            })
        }
    }

    /// Tries the server out on two hidden objects that carry `id` in their keys, and removes them.
    pub async fn probe(&self, id: Uuid) -> Result<Abilities, StoreError> {
        let [race, turns] =
            ["race", "turns"].map(|what| format!(".slipway-probe-{id}-{what}.json"));
        let raced = self.broken_in_races(&race, id).await;
        let took_turns = self.broken_in_turns(&turns, id).await;
        self.remove_probe(&race).await?;
        self.remove_probe(&turns).await?;
        let mut broken = took_turns?;
        broken.extend(raced?);
        Ok(Abilities {
            broken,
            keeps_versions: self.keeps_versions().await?,
        })
    }

    async fn broken_in_races(&self, key: &str, id: Uuid) -> Result<Vec<Promise>, StoreError> {
        let creators = self.race(key, &Expected::Nothing, id).await?;
        let replacers = match creators.as_slice() {
            [only] => self
                .race(key, &Expected::Exactly(only.clone()), id)
                .await?
                .len(),
            _ => return Ok(vec![Promise::OneCreator]),
        };
        Ok(if replacers == 1 {
            Vec::new()
        } else {
            vec![Promise::OneReplacer]
        })
    }

    /// The writers who won.
    async fn race(
        &self,
        key: &str,
        expected: &Expected,
        id: Uuid,
    ) -> Result<Vec<ETag>, StoreError> {
        let bodies: Vec<String> = (0..RACERS)
            .map(|racer| format!("{{\"{expected:?}\": {racer}}}\n"))
            .collect();
        let results = join_all(
            bodies
                .iter()
                .map(|body| self.probe_write(key, body, expected, id)),
        )
        .await;
        let results: Result<Vec<_>, _> = results.into_iter().collect();
        Ok(results?.into_iter().flatten().collect())
    }

    async fn broken_in_turns(&self, key: &str, id: Uuid) -> Result<Vec<Promise>, StoreError> {
        let write =
            async |body: &str, expected: &Expected| self.probe_write(key, body, expected, id).await;
        let Some(first) = write("1", &Expected::Nothing).await? else {
            return Ok(vec![Promise::CreatesOnce]);
        };
        let mut broken = Vec::new();
        if write("2", &Expected::Nothing).await?.is_some() {
            broken.push(Promise::CreatesOnce);
        }
        let first = Expected::Exactly(first);
        let replaced = write("3", &first).await?;
        if replaced.is_none() || write("4", &first).await?.is_some() {
            broken.push(Promise::ComparesBeforeReplacing);
        }
        self.remove_probe(key).await?;
        if let Some(removed) = replaced.map(Expected::Exactly)
            && write("5", &removed).await?.is_some()
        {
            broken.push(Promise::NeverRevives);
        }
        Ok(broken)
    }

    /// The new state, or `None` if the condition was refused.
    async fn probe_write(
        &self,
        key: &str,
        body: &str,
        expected: &Expected,
        id: Uuid,
    ) -> Result<Option<ETag>, StoreError> {
        match self
            .send(
                &Write {
                    key,
                    body,
                    tags: None,
                    id,
                },
                expected,
            )
            .await
        {
            Ok(etag) => Ok(Some(etag)),
            Err(Trouble::ConditionFailed | Trouble::NoObject) => Ok(None),
            Err(trouble) => Err(self.give_up("try out conditional writes", trouble)),
        }
    }

    async fn remove_probe(&self, key: &str) -> Result<(), StoreError> {
        let removal = self
            .client
            .delete_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await;
        match removal.map_err(|error| Trouble::from(&error)) {
            Ok(_) | Err(Trouble::NoObject) => Ok(()),
            Err(trouble) => Err(self.give_up("remove a probe", trouble)),
        }
    }

    async fn keeps_versions(&self) -> Result<bool, StoreError> {
        let answer = self
            .client
            .get_bucket_versioning()
            .bucket(&self.bucket)
            .send()
            .await;
        let answer =
            answer.map_err(|error| self.give_up("ask for versioning", Trouble::from(&error)))?;
        Ok(answer.status() == Some(&BucketVersioningStatus::Enabled))
    }
}
