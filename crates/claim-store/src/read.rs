//! Reading one object.

use crate::answer::{Refusal, Trouble};
use crate::error::{StoreError, Winner};
use crate::store::{ClaimStore, ETag, Place, Stored};
use aws_sdk_s3::primitives::ByteStream;
use claims::{Document, EnvironmentName, Faults, Gone};

/// A claim is a few hundred bytes; what is larger than this is something else.
const LARGEST: usize = 256 * 1024;
/// The client repeats a request, but not one whose answer breaks off in the middle.
const BODY_ATTEMPTS: u32 = 3;
/// Names the write that made an object, so that a writer whose answer was lost can recognise its own.
pub(crate) const WRITE_ID: &str = "slipway-write";

/// An object as it was seen.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) etag: ETag,
    pub(crate) write_id: Option<String>,
    pub(crate) document: Result<Document, Faults>,
}

/// An object as it came, if it is not too large for a document.
pub(crate) struct Raw {
    pub(crate) etag: ETag,
    pub(crate) write_id: Option<String>,
    pub(crate) bytes: Result<Vec<u8>, Faults>,
}

impl ClaimStore {
    /// The claim of that name, under the key that this crate gives it. A tombstone counts as nothing.
    pub async fn get(&self, name: &EnvironmentName) -> Result<Option<Stored>, StoreError> {
        let stored = self.get_key(&Self::key_of(name)).await?;
        match stored {
            Some(other) if other.claim.environment_name != *name => Err(StoreError::Renamed {
                key: other.place.key,
                found: other.claim.environment_name,
            }),
            stored => Ok(stored),
        }
    }

    /// The claim under a key, whatever its name. A tombstone counts as nothing.
    pub async fn get_key(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        let Some(Seen { etag, document, .. }) = self.look(key).await? else {
            return Ok(None);
        };
        match document {
            Ok(Document::Claim(claim)) => Ok(Some(Stored {
                place: Place {
                    key: key.to_owned(),
                    etag,
                },
                claim: *claim,
            })),
            Ok(Document::Tombstone(_)) => Ok(None),
            Err(faults) => Err(StoreError::Unreadable {
                key: key.to_owned(),
                etag,
                faults,
            }),
        }
    }

    /// The claim of that name under whatever key: its own one first, then a look at all the others.
    pub async fn find(&self, name: &EnvironmentName) -> Result<Option<Stored>, StoreError> {
        let own = self.get_key(&Self::key_of(name)).await?;
        if let Some(own) = own.filter(|own| own.claim.environment_name == *name) {
            return Ok(Some(own));
        }
        let sweep = self.sweep().await?;
        let mut found: Vec<Stored> = sweep
            .claims
            .into_iter()
            .filter(|stored| stored.claim.environment_name == *name)
            .collect();
        if found.len() > 1 {
            let keys = found.into_iter().map(|stored| stored.place.key).collect();
            return Err(StoreError::Doubled {
                name: name.clone(),
                keys,
            });
        }
        Ok(found.pop())
    }

    /// What stands under a key, as a document.
    pub(crate) async fn look(&self, key: &str) -> Result<Option<Seen>, StoreError> {
        Ok(self.fetch(key).await?.map(|raw| Seen::read(key, raw)))
    }

    /// What stands under a key.
    pub(crate) async fn fetch(&self, key: &str) -> Result<Option<Raw>, StoreError> {
        let give_up = |trouble| Err(self.give_up(&format!("read {key}"), trouble));
        let mut broken = String::new();
        for _ in 0..BODY_ATTEMPTS {
            let request = self.client.get_object().bucket(&self.bucket).key(key);
            let answer = match request.send().await.map_err(|error| Trouble::from(&error)) {
                Ok(answer) => answer,
                Err(Trouble::NoObject) => return Ok(None),
                Err(trouble) => return give_up(trouble),
            };
            let Some(etag) = answer.e_tag().map(str::to_owned).map(ETag::from) else {
                return give_up(Trouble::Final(Refusal::Other(
                    "the object has no ETag".to_owned(),
                )));
            };
            let write_id = answer.metadata().and_then(|all| all.get(WRITE_ID)).cloned();
            match read_body(answer.body).await {
                Ok(bytes) => {
                    return Ok(Some(Raw {
                        etag,
                        write_id,
                        bytes,
                    }));
                }
                Err(why) => broken = why,
            }
        }
        give_up(Trouble::Unclear(broken))
    }
}

/// Reads up to [`LARGEST`] bytes; an answer that breaks off earlier than it announced is no answer.
pub(crate) async fn read_body(mut body: ByteStream) -> Result<Result<Vec<u8>, Faults>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| format!("the answer broke off: {error}"))?);
        if bytes.len() > LARGEST {
            return Ok(Err(Faults::too_large(LARGEST)));
        }
    }
    Ok(Ok(bytes))
}

impl Seen {
    /// The object as a document, whatever its key.
    pub(crate) fn read(_: &str, raw: Raw) -> Self {
        Self {
            etag: raw.etag,
            write_id: raw.write_id,
            document: raw.bytes.and_then(|bytes| Document::read(&bytes)),
        }
    }

    /// What to tell the loser of a race about an object, or about its absence.
    pub(crate) fn winner(seen: Option<Self>) -> Winner {
        let Some(Self { etag, document, .. }) = seen else {
            return Winner::Nothing;
        };
        match document {
            Ok(Document::Claim(claim)) => Winner::Claim {
                user: claim.user,
                etag,
            },
            Ok(Document::Tombstone(tombstone)) => Winner::Withdrawn {
                by: match tombstone.gone {
                    Gone::Withdrawn { by, .. } => Some(by),
                    Gone::Expired { .. } => None,
                },
            },
            Err(_) => Winner::Unreadable { etag },
        }
    }
}
