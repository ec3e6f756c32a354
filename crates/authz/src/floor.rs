//! The policies that come with the program.

use crate::policy_set::PolicySource;

/// What begins with this is ours: no pushed policy may take such an id.
pub const FLOOR_PREFIX: &str = "floor/";

macro_rules! policies {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(PolicySource {
            name: std::borrow::Cow::Borrowed(concat!($folder, "/", $name, ".cedar")),
            text: std::borrow::Cow::Borrowed(include_str!(concat!("../policies/", $folder, "/", $name, ".cedar"))),
        }),+]
    };
}

/// Rules that hold whatever else is written. All of them forbid, so no set of policies can permit what they refuse.
pub const FLOOR: &[PolicySource] = policies!("floor":
    "pipelines-write-only-git",
    "pools-have-limits",
    "protected-environments-stay",
    "static-environments-belong-to-git",
    "unsigned-uploads-never-prod",
);

/// What is permitted where nobody has written policies. A set of one's own replaces it as a whole.
pub const DEFAULTS: &[PolicySource] = policies!("default":
    "auditors-read-everything",
    "operators-run-the-platform",
    "owners-read-their-own",
    "pipelines-write-static-environments",
    "platform-admins-do-everything",
    "release-managers-open-staging-and-prod",
    "release-managers-write-prod",
    "release-managers-write-staging",
    "teams-open-dev-and-sue",
    "teams-read-their-pools",
    "teams-write-dev-and-sue",
    "unsigned-uploads-write-dev-and-sue",
);
