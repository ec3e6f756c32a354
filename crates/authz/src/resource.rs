//! What is acted on.

use claims::EnvironmentType;

/// What an action concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// One environment, as its claim says.
    Environment(Environment),
    /// The platform itself, for [`crate::Action::Drain`] and [`crate::Action::ReleaseBrake`].
    Platform,
}

/// What policies may know of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Whose budget and rights it lives in. It belongs to the team that the policy data name for it, else to the team of
    /// the same name.
    pub pool: String,
    /// What it is for.
    pub environment_type: EnvironmentType,
    /// The `user` of its claim.
    pub owner: String,
    /// Where its claim is managed.
    pub origin: Origin,
    /// Whether it must be unprotected before it may be deleted.
    pub protected: bool,
}

/// Where a claim is managed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// In the bucket, by API, Terraform or upload: a dynamic environment.
    Bucket,
    /// In a Git repository: a static environment.
    Git,
}

impl Origin {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Bucket, Self::Git];

    /// Its word in policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Git => "git",
        }
    }
}
