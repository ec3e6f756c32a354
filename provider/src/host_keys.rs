//! Keys of one bootstrap run: made in memory, pinned on both sides, gone with the run.

use secrecy::SecretString;
use ssh_key::{Algorithm, LineEnding, PrivateKey, rand_core::OsRng};

/// An SSH key pair that never touches a disk of ours.
pub(crate) struct KeyPair {
    private: SecretString,
    public: String,
}

impl KeyPair {
    /// Makes an ed25519 pair from the system's randomness.
    pub(crate) fn generate(comment: &str) -> Result<Self, ssh_key::Error> {
        let mut key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519)?;
        key.set_comment(comment);
        Ok(Self {
            private: SecretString::from(key.to_openssh(LineEnding::LF)?.to_string()),
            public: key.public_key().to_openssh()?,
        })
    }

    /// The private half in OpenSSH's PEM form.
    pub(crate) fn private(&self) -> &SecretString {
        &self.private
    }

    /// The public half, `ssh-ed25519 AAAA… comment`.
    pub(crate) fn public(&self) -> &str {
        &self.public
    }
}

/// The two pairs of a run: the host's own and the one that logs in.
pub(crate) struct RunKeys {
    pub(crate) host: KeyPair,
    pub(crate) login: KeyPair,
}

impl RunKeys {
    /// Makes both pairs.
    pub(crate) fn generate() -> Result<Self, ssh_key::Error> {
        Ok(Self {
            host: KeyPair::generate("slipway-host")?,
            login: KeyPair::generate("slipway-login")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn pairs_are_ed25519_and_belong_together() {
        let pair = KeyPair::generate("test").unwrap();
        let private = PrivateKey::from_openssh(pair.private().expose_secret()).unwrap();
        assert_eq!(private.public_key().to_openssh().unwrap(), pair.public());
        assert!(pair.public().starts_with("ssh-ed25519 "));
    }

    #[test]
    fn no_two_runs_share_a_key() {
        let (a, b) = (RunKeys::generate().unwrap(), RunKeys::generate().unwrap());
        assert_ne!(a.host.public(), b.host.public());
        assert_ne!(a.host.public(), a.login.public());
    }
}
