//! From a constraint to the one version of a service that can run: both artifacts, by digest.

use crate::client::Registry;
use crate::error::RegistryError;
use claims::{Constraint, ResolveError, resolve};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write as _};

/// The two repositories of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifacts {
    /// Repository of the container image.
    pub image: String,
    /// Repository of the OCI artifact with the Ansible playbooks.
    pub ansible: String,
}

/// Content address of a manifest: `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Digest(String);

/// What a constraint meant at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The constraint, as the claim has it.
    pub constraint: String,
    /// The tag that was chosen.
    pub tag: String,
    /// Digest of the image's manifest.
    pub image: Digest,
    /// Digest of the Ansible artifact's manifest.
    pub ansible: Digest,
    /// How many tags were looked at.
    pub considered: usize,
    /// Why this tag.
    pub reason: String,
    /// Better tags that were passed over, with what they lack.
    pub passed_over: Vec<String>,
    /// When.
    pub at: Timestamp,
}

impl Artifacts {
    /// The repositories that go by the rule of the platform: `svc` and `svc-ansible`.
    #[must_use]
    pub fn of_service(images: &str, playbooks: &str, service: &str) -> Self {
        Self {
            image: format!("{images}/{service}"),
            ansible: format!("{playbooks}/{service}-ansible"),
        }
    }
}

impl Digest {
    /// Reads a digest; `None` for anything but SHA-256.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let hexadecimal = text.strip_prefix("sha256:")?;
        let fits = hexadecimal.len() == 64
            && hexadecimal
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }

    pub(crate) fn of(hash: &[u8]) -> Self {
        let mut text = "sha256:".to_owned();
        for byte in hash {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The digest as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::read(&text).ok_or_else(|| format!("{text:?} is no SHA-256 digest"))
    }
}

impl Registry {
    /// Chooses the best version that satisfies `constraint` and has both artifacts. One that lacks an artifact is passed
    /// over for the next best, and named.
    pub async fn pin(
        &self,
        constraint: &Constraint,
        artifacts: &Artifacts,
        at: Timestamp,
    ) -> Result<Pin, RegistryError> {
        let (images, playbooks) =
            tokio::try_join!(self.tags(&artifacts.image), self.tags(&artifacts.ansible))?;
        let mut left: Vec<&String> = images.iter().collect();
        let mut passed_over = Vec::new();
        loop {
            let found = resolve(constraint, &left)
                .map_err(|why| nothing_left(constraint, artifacts, why, &passed_over))?;
            let published = playbooks.contains(&found.tag);
            let lacking = match self.both(artifacts, &found.tag, published).await? {
                Ok((image, ansible)) => {
                    return Ok(Pin {
                        constraint: constraint.to_string(),
                        tag: found.tag,
                        image,
                        ansible,
                        considered: images.len(),
                        reason: found.reason,
                        passed_over,
                        at,
                    });
                }
                Err(lacking) => lacking,
            };
            passed_over.push(format!("{} is not in {lacking}", found.tag));
            left.retain(|tag| **tag != found.tag);
        }
    }

    /// The digests behind a tag, or the repository that lacks it.
    async fn both<'a>(
        &self,
        artifacts: &'a Artifacts,
        tag: &str,
        published: bool,
    ) -> Result<Result<(Digest, Digest), &'a str>, RegistryError> {
        if !published {
            return Ok(Err(&artifacts.ansible));
        }
        let (image, ansible) = tokio::try_join!(
            self.digest(&artifacts.image, tag),
            self.digest(&artifacts.ansible, tag)
        )?;
        Ok(match (image, ansible) {
            (Some(image), Some(ansible)) => Ok((image, ansible)),
            (None, _) => Err(&artifacts.image),
            (_, None) => Err(&artifacts.ansible),
        })
    }
}

fn nothing_left(
    constraint: &Constraint,
    artifacts: &Artifacts,
    why: ResolveError,
    passed_over: &[String],
) -> RegistryError {
    if passed_over.is_empty() {
        return RegistryError::NoTag {
            repository: artifacts.image.clone(),
            why: Box::new(why),
        };
    }
    RegistryError::HalfPublished {
        constraint: constraint.to_string(),
        missing: passed_over.join("; "),
    }
}
