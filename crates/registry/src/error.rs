//! What can go wrong between us and a registry.

use claims::ResolveError;

/// Why a registry's answer could not be used. Nothing is decided from an error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RegistryError {
    /// The address cannot be one.
    #[error(
        "SLW-420: {address} is no address of a registry: {why}; it starts with https:// or http://"
    )]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// The registry does not know the repository, or hides it.
    #[error(
        "SLW-421: the registry {registry} has no repository {repository}, or hides it; check the name and the account's rights"
    )]
    NoRepository {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
    },
    /// The account may not read.
    #[error(
        "SLW-422: the registry {registry} refuses to let {repository} be read: {why}; check the account and its rights"
    )]
    Denied {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// The registry's words.
        why: String,
    },
    /// No answer, or one that is the registry's own fault.
    #[error(
        "SLW-423: the registry {registry} did not answer for {repository}: {why}; nothing was decided, it is asked again"
    )]
    Unavailable {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// What happened.
        why: String,
    },
    /// An answer that is not what the distribution specification says.
    #[error(
        "SLW-424: the registry {registry} answered for {repository} with something else than a registry does: {why}; nothing was decided"
    )]
    Malformed {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// What is odd.
        why: String,
    },
    /// No tag fits.
    #[error("SLW-425: {repository} has no tag to run: {why}")]
    NoTag {
        /// The repository of the image.
        repository: String,
        /// Why not.
        why: Box<ResolveError>,
    },
    /// Tags fit, but none of them is in both repositories.
    #[error(
        "SLW-426: no version that satisfies `{constraint}` has both artifacts: {missing}; publish the missing one, or pin another version"
    )]
    HalfPublished {
        /// What was asked for.
        constraint: String,
        /// Each tag that was passed over, with what it lacks.
        missing: String,
    },
}
