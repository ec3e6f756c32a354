//! What links one record to the next.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// The SHA-256 of a record, as 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hash(String);

/// The newest record of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number; 0 before the first.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

/// A record that somebody saw: kept elsewhere, it proves that the record stood in the log.
pub type Anchor = Head;

/// An anchor is not `SEQ:HASH`.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not SEQ:HASH with 64 lower-case hex digits")]
pub struct NotAnAnchor(String);

impl Hash {
    /// What the first record names as the one before it.
    #[must_use]
    pub fn origin() -> Self {
        Self("0".repeat(64))
    }

    /// The hash of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(64);
        for byte in Sha256::digest(bytes) {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        }
        Self(text)
    }

    /// Reads 64 lower-case hex digits.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(hex)).then(|| Self(text.to_owned()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Head {
    /// The head of a chain without records.
    #[must_use]
    pub fn origin() -> Self {
        Self {
            seq: 0,
            hash: Hash::origin(),
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Head {
    type Err = NotAnAnchor;

    fn from_str(text: &str) -> Result<Self, NotAnAnchor> {
        let read = || {
            let (seq, hash) = text.split_once(':')?;
            Some(Self {
                seq: seq.parse().ok()?,
                hash: Hash::read(hash)?,
            })
        };
        read().ok_or_else(|| NotAnAnchor(text.to_owned()))
    }
}
