//! The same request twice, with one effect and one answer.
//!
//! A client that lost an answer sends its request again with the same `Idempotency-Key`. Two things see to it that
//! nothing happens twice:
//!
//! - **The store recognises the write.** [`Request::operation`] derives the id of the write from principal, key and
//!   the whole request, and the claim store stamps that id on what it writes ([`claim_store::ClaimStore`]): a
//!   conditional write that is refused because its own id stands there has succeeded already. This holds over a crash
//!   and between replicas, without memory, as long as nobody has written the claim since. Whoever calls the store must
//!   hand it the client's `If-Match` as it came and not compare states itself, because the repeat finds its own effect.
//! - **The answer is remembered** ([`Keys`]), in this process, for a bounded time and number: a repeat gets the very same
//!   answer even when the claim has changed since, and a key that comes with another request is refused.
//!
//! What remains: when the replica that knew the answer is gone *and* somebody has changed the claim since, the repeat is
//! judged as any request would be now. An update is refused then (412), a create too (409) unless the claim was
//! withdrawn in between, in which case it is created anew.

mod keys;

#[cfg(test)]
mod tests;

pub use keys::{Answer, Begun, Keys, Running, Settings};

use sha2::{Digest, Sha256};
use std::fmt;
use uuid::Uuid;

/// The header that carries the key.
pub const KEY_HEADER: &str = "idempotency-key";
/// The header of an answer that was given before.
pub const REPLAYED_HEADER: &str = "idempotency-replayed";

const LONGEST: usize = 255;

/// What a client calls a request, so that it can send it twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

/// A request that writes, with everything that makes it that request and no other.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks, as the policies name them.
    pub principal: &'a str,
    /// The method.
    pub method: &'a str,
    /// The path with its query.
    pub path: &'a str,
    /// The state that the write expects, as the client sent it.
    pub if_match: Option<&'a str>,
    /// The body as it came.
    pub body: &'a [u8],
}

/// Why a request with a key is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The header holds no key. 400.
    #[error(
        "SLW-555: the Idempotency-Key is no key: {why}; send 1 to 255 printable ASCII characters, such as a UUID"
    )]
    Malformed {
        /// What is wrong.
        why: &'static str,
    },
    /// The key stood on another request before. 422.
    #[error(
        "SLW-556: the Idempotency-Key {key} was sent with another request before, so nothing was done; take a new key for a new request"
    )]
    Reused {
        /// The key.
        key: Key,
    },
    /// The first request with this key has no answer yet. 409.
    #[error(
        "SLW-557: the request with the Idempotency-Key {key} is still under way; wait a second and send it again with the same key"
    )]
    UnderWay {
        /// The key.
        key: Key,
    },
}

impl Key {
    /// Reads the header.
    pub fn read(header: &[u8]) -> Result<Self, KeyError> {
        let malformed = |why| Err(KeyError::Malformed { why });
        if header.is_empty() {
            return malformed("it is empty");
        }
        if header.len() > LONGEST {
            return malformed("it is too long");
        }
        match std::str::from_utf8(header) {
            Ok(text)
                if text
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() || byte == b' ') =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => malformed("it holds other characters"),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Request<'_> {
    /// The id of the write that this request makes: the same for the same request with the same key, and a new one for
    /// a request without a key.
    #[must_use]
    pub fn operation(&self, key: Option<&Key>) -> Uuid {
        let Some(key) = key else {
            return Uuid::new_v4();
        };
        let mut id = [0; 16];
        let digest = digest(&[&self.slot(key), &self.fingerprint()]);
        id.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(id).into_uuid()
    }

    /// Where the answer is remembered: a key belongs to its principal.
    fn slot(&self, key: &Key) -> [u8; 32] {
        digest(&[self.principal.as_bytes(), key.0.as_bytes()])
    }

    fn fingerprint(&self) -> [u8; 32] {
        digest(&[
            self.method.as_bytes(),
            self.path.as_bytes(),
            // An absent header is not an empty one.
            &[u8::from(self.if_match.is_some())],
            self.if_match.unwrap_or_default().as_bytes(),
            self.body,
        ])
    }
}

/// The SHA-256 of parts, each with its length before it, so that no two lists of parts read the same.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut sum = Sha256::new();
    for part in parts {
        sum.update((part.len() as u64).to_be_bytes());
        sum.update(part);
    }
    sum.finalize().into()
}
