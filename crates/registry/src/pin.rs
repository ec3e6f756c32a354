//! From a constraint to the one version of a service that can run: both artifacts, by digest.

use crate::client::Registry;
use crate::error::RegistryError;
use claims::{Constraint, Digest, Lock, ResolveError, resolve};
use jiff::Timestamp;

/// The two repositories of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifacts {
    /// Repository of the container image.
    pub image: String,
    /// Repository of the OCI artifact with the Ansible playbooks.
    pub ansible: String,
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

impl Registry {
    /// Chooses the best version that satisfies `constraint` and has both artifacts. One that lacks an artifact is passed
    /// over for the next best, and named.
    pub async fn pin(
        &self,
        constraint: &Constraint,
        artifacts: &Artifacts,
        at: Timestamp,
    ) -> Result<Lock, RegistryError> {
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
                    return Ok(Lock {
                        constraint: constraint.clone(),
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
