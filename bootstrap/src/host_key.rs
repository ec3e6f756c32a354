//! The one host key that is accepted. Nothing is looked up and nothing is learned: the caller made the key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

/// A public host key as the server must show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostKey {
    algorithm: String,
    blob: Vec<u8>,
}

/// Why a text is not a host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public host key; expected `ssh-ed25519 AAAA…`")]
pub(crate) struct NotAHostKey;

impl HostKey {
    /// Reads `<algorithm> <base64> [comment]`.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAHostKey> {
        let mut words = text.split_whitespace();
        let (Some(algorithm), Some(encoded)) = (words.next(), words.next()) else {
            return Err(NotAHostKey);
        };
        let blob = STANDARD.decode(encoded).map_err(|_| NotAHostKey)?;
        // The blob names its algorithm again; a text that contradicts itself could never match.
        let named = blob.get(4..4 + algorithm.len()).ok_or(NotAHostKey)?;
        if named != algorithm.as_bytes() || blob.len() <= 4 + algorithm.len() {
            return Err(NotAHostKey);
        }
        Ok(Self {
            algorithm: algorithm.to_owned(),
            blob,
        })
    }

    /// What to ask the server for, so that it shows this key and not another one that it has too.
    #[must_use]
    pub(crate) fn preferred_methods(&self) -> &str {
        match self.algorithm.as_str() {
            "ssh-rsa" => "rsa-sha2-512,rsa-sha2-256",
            other => other,
        }
    }

    /// Whether the server showed exactly this key.
    #[must_use]
    pub(crate) fn is(&self, shown: &[u8]) -> bool {
        self.blob == shown
    }

    /// The key in the short form that OpenSSH prints.
    #[must_use]
    pub(crate) fn fingerprint(&self) -> String {
        fingerprint(&self.blob)
    }
}

/// The short form of a key's blob.
#[must_use]
pub(crate) fn fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    #[test]
    fn a_comment_does_not_matter_and_the_key_does() {
        let key = HostKey::parse(&format!("{KEY} root@host")).unwrap();
        assert_eq!(key, HostKey::parse(KEY).unwrap());
        assert_eq!(key.preferred_methods(), "ssh-ed25519");
        assert!(key.is(&key.blob));
        assert!(!key.is(&key.blob[1..]));
        assert_eq!(
            key.fingerprint(),
            "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
        );
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        for text in [
            "",
            "ssh-ed25519",
            "ssh-ed25519 ???",
            "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA==",
            "ssh-ed25519 AAAA",
        ] {
            assert_eq!(HostKey::parse(text), Err(NotAHostKey), "{text}");
        }
    }
}
