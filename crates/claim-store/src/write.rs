//! Writing one object: each write names what it expects to find, and each has exactly one winner.

use crate::answer::Trouble;
use crate::error::{StoreError, Winner};
use crate::read::{Seen, WRITE_ID};
use crate::store::{ClaimStore, ETag, Place};
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::primitives::ByteStream;
use claims::{Claim, Document, Gone, Tombstone};
use std::time::Duration;
use uuid::Uuid;

const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const CLAIM_TYPE: &str = "application/json";
/// The tag by which a lifecycle rule of the bucket can find tombstones that have served their time.
const GONE: &str = "state=gone";

/// What a write expects to find.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    Nothing,
    Exactly(ETag),
}

/// One object to be written.
pub(crate) struct Write<'a> {
    pub(crate) key: &'a str,
    pub(crate) body: &'a str,
    pub(crate) tags: Option<&'a str>,
    pub(crate) id: Uuid,
}

/// Somebody was faster, or the write failed.
pub(crate) enum WriteError {
    Lost(Option<Seen>),
    Failed(StoreError),
}

impl ClaimStore {
    /// Puts a claim where there is none; a tombstone counts as none. A freeze that comes in between takes it back.
    /// `id` names this write and no other.
    pub async fn put_new(&self, claim: &Claim, id: Uuid) -> Result<Place, StoreError> {
        self.require_thawed().await?;
        let place = self.put_where_none_is(claim, id).await?;
        let Some(freeze) = self.frozen().await? else {
            return Ok(place);
        };
        let taken_back = Tombstone {
            environment_name: claim.environment_name.clone(),
            gone: Gone::Withdrawn {
                by: freeze.by.clone(),
                at: freeze.since,
            },
        };
        // The way back is a write of its own and needs another name than the way there.
        let way_back = Uuid::from_u128(!id.as_u128());
        match self.withdraw(&place, &taken_back, way_back).await {
            // Whoever drains the platform was faster.
            Ok(_) | Err(StoreError::Lost { .. }) => Err(self.refusal(freeze)),
            Err(error) => Err(error),
        }
    }

    async fn put_where_none_is(&self, claim: &Claim, id: Uuid) -> Result<Place, StoreError> {
        let key = Self::key_of(&claim.environment_name);
        let write = Write {
            key: &key,
            body: &claim.to_json(),
            tags: None,
            id,
        };
        let mut expected = Expected::Nothing;
        loop {
            let seen = match self.write(&write, &expected).await {
                Ok(etag) => return Ok(Place { key, etag }),
                Err(WriteError::Failed(error)) => return Err(error),
                Err(WriteError::Lost(seen)) => seen,
            };
            expected = match (&expected, seen) {
                (
                    Expected::Nothing,
                    Some(Seen {
                        etag,
                        document: Ok(Document::Tombstone(_)),
                        ..
                    }),
                ) => Expected::Exactly(etag),
                // Only a tombstone that was cleared away at this very moment ends here.
                (_, None) => {
                    return Err(StoreError::Lost {
                        key,
                        winner: Winner::Nothing,
                    });
                }
                (_, seen) => {
                    return Err(StoreError::Exists {
                        key,
                        winner: Seen::winner(seen),
                    });
                }
            };
        }
    }

    /// Puts a claim in the place of what was read there. `id` names this write and no other.
    pub async fn replace(
        &self,
        place: &Place,
        claim: &Claim,
        id: Uuid,
    ) -> Result<Place, StoreError> {
        self.require_thawed().await?;
        let write = Write {
            key: &place.key,
            body: &claim.to_json(),
            tags: None,
            id,
        };
        self.overwrite(place, &write).await
    }

    /// Takes back the claim that was read there, by putting a tombstone in its place. `id` names this write and no
    /// other.
    pub async fn withdraw(
        &self,
        place: &Place,
        tombstone: &Tombstone,
        id: Uuid,
    ) -> Result<Place, StoreError> {
        let write = Write {
            key: &place.key,
            body: &tombstone.to_json(),
            tags: Some(GONE),
            id,
        };
        self.overwrite(place, &write).await
    }

    /// What write `id` left under a key, if that still stands there; whoever else wrote there is the winner. For a caller
    /// who starts from a state that is over and may be asking again.
    pub async fn left_by(&self, key: &str, id: Uuid) -> Result<Place, StoreError> {
        let seen = self.look(key).await?;
        let id = id.to_string();
        match seen {
            Some(Seen {
                etag,
                write_id: Some(by),
                ..
            }) if by == id => Ok(Place {
                key: key.to_owned(),
                etag,
            }),
            other => Err(StoreError::Lost {
                key: key.to_owned(),
                winner: Seen::winner(other),
            }),
        }
    }

    async fn overwrite(&self, place: &Place, write: &Write<'_>) -> Result<Place, StoreError> {
        match self
            .write(write, &Expected::Exactly(place.etag.clone()))
            .await
        {
            Ok(etag) => Ok(Place {
                key: place.key.clone(),
                etag,
            }),
            Err(WriteError::Failed(error)) => Err(error),
            Err(WriteError::Lost(seen)) => Err(StoreError::Lost {
                key: place.key.clone(),
                winner: Seen::winner(seen),
            }),
        }
    }

    /// Writes once. When the answer is lost, what stands there tells whether it was this write, another one, or none;
    /// only in the last case is it sent again.
    pub(crate) async fn write(
        &self,
        write: &Write<'_>,
        expected: &Expected,
    ) -> Result<ETag, WriteError> {
        let mut pause = FIRST_PAUSE;
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            match self.send(write, expected).await {
                Ok(etag) => return Ok(etag),
                Err(Trouble::ConditionFailed | Trouble::NoObject) => {
                    "the condition was refused although it holds".clone_into(&mut last);
                }
                Err(Trouble::Unclear(why)) => last = why,
                Err(other) => {
                    return Err(WriteError::Failed(
                        self.give_up(&format!("write {}", write.key), other),
                    ));
                }
            }
            let seen = self.look(write.key).await.map_err(|error| {
                let why = format!("{last}; then {error}");
                WriteError::Failed(StoreError::Unsettled {
                    key: write.key.to_owned(),
                    why,
                })
            })?;
            if let Some(mine) = seen
                .as_ref()
                .filter(|seen| seen.write_id == Some(write.id.to_string()))
            {
                return Ok(mine.etag.clone());
            }
            if !expected.holds(seen.as_ref()) {
                return Err(WriteError::Lost(seen));
            }
            tracing::debug!(
                key = write.key,
                why = last,
                "the write did not happen, sending it again"
            );
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(WriteError::Failed(StoreError::Unsettled {
            key: write.key.to_owned(),
            why: last,
        }))
    }

    /// Sends one conditional PUT, never repeated by the client: it could take its own first try for a rival.
    pub(crate) async fn send(
        &self,
        write: &Write<'_>,
        expected: &Expected,
    ) -> Result<ETag, Trouble> {
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(write.key)
            .content_type(CLAIM_TYPE)
            .metadata(WRITE_ID, write.id.to_string())
            .set_tagging(write.tags.map(str::to_owned))
            .body(ByteStream::from(write.body.as_bytes().to_vec()));
        let request = match expected {
            Expected::Nothing => request.if_none_match("*"),
            Expected::Exactly(etag) => request.if_match(etag.as_str()),
        };
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let answer = request
            .customize()
            .config_override(once)
            .send()
            .await
            .map_err(|error| Trouble::from(&error))?;
        let etag = answer.e_tag().map(str::to_owned);
        etag.map(ETag::from)
            .ok_or_else(|| Trouble::Unclear("the answer has no ETag".to_owned()))
    }
}

impl Expected {
    fn holds(&self, seen: Option<&Seen>) -> bool {
        match (self, seen) {
            (Self::Nothing, None) => true,
            (Self::Exactly(etag), Some(seen)) => seen.etag == *etag,
            (Self::Nothing, Some(_)) | (Self::Exactly(_), None) => false,
        }
    }
}
