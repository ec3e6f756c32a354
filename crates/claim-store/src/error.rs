//! What can go wrong with a claim in its bucket.

use crate::probe::Promise;
use crate::store::ETag;
use claims::{EnvironmentName, Faults};
use jiff::Timestamp;
use std::fmt;

/// Why a call did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody has this environment already.
    #[error("SLW-401: the claim {key} exists already: {winner}; take another name, or import it")]
    Exists {
        /// The object.
        key: String,
        /// What stands there.
        winner: Winner,
    },
    /// Somebody was faster. Nothing was written.
    #[error(
        "SLW-402: the claim {key} is not as it was when it was read: {winner}; nothing was written, read it again and decide anew"
    )]
    Lost {
        /// The object.
        key: String,
        /// What stands there.
        winner: Winner,
    },
    /// The keys do not open the bucket, or not for this.
    #[error(
        "SLW-403: the object store refuses to {action}: {why}; check the keys, their policy and this machine's clock"
    )]
    Denied {
        /// What was tried.
        action: String,
        /// The server's words.
        why: String,
    },
    /// There is no such bucket.
    #[error("SLW-404: the object store has no bucket {bucket}; the component `minio` makes it")]
    NoBucket {
        /// The bucket.
        bucket: String,
    },
    /// The object is no claim.
    #[error(
        "SLW-405: the object {key} is no claim that could be used: {faults}; mend or remove the object"
    )]
    Unreadable {
        /// The object.
        key: String,
        /// Its contents.
        etag: ETag,
        /// What is wrong with it.
        faults: Faults,
    },
    /// The server did not answer, or not in time.
    #[error(
        "SLW-406: the object store at {endpoint} did not answer to {action}: {why}; nothing was decided, try again"
    )]
    Unreachable {
        /// The server.
        endpoint: String,
        /// What was tried.
        action: String,
        /// The last trouble.
        why: String,
    },
    /// A listing is not whole, so nothing may be concluded from it.
    #[error(
        "SLW-407: the listing of bucket {bucket} is not complete after {pages} pages: {why}; nothing was decided, try again"
    )]
    Incomplete {
        /// The bucket.
        bucket: String,
        /// Pages that came.
        pages: usize,
        /// What is wrong.
        why: String,
    },
    /// The server does not keep the promises that conditional writes rest on.
    #[error("SLW-408: the object store at {endpoint} cannot hold claims: {}; use one that can, such as MinIO or SeaweedFS", broken.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Unfit {
        /// The server.
        endpoint: String,
        /// What it does not do.
        broken: Vec<Promise>,
    },
    /// The settings cannot be used.
    #[error("SLW-409: the object store {endpoint:?} cannot be used: {why}")]
    Settings {
        /// The server.
        endpoint: String,
        /// What is wrong.
        why: String,
    },
    /// Two objects claim one environment.
    #[error("SLW-411: the environment {name} is claimed by more than one object: {}; remove all but one", keys.join(", "))]
    Doubled {
        /// The environment.
        name: EnvironmentName,
        /// The objects.
        keys: Vec<String>,
    },
    /// The answer to a write was lost and what stands there could not be found out either.
    #[error(
        "SLW-412: it is not known whether the claim {key} was written: {why}; look at it before trying again"
    )]
    Unsettled {
        /// The object.
        key: String,
        /// The last trouble.
        why: String,
    },
    /// The server said something else.
    #[error("SLW-413: the object store could not {action}: {why}")]
    Refused {
        /// What was tried.
        action: String,
        /// The server's words.
        why: String,
    },
    /// The name inside the object is not the one its key promises.
    #[error(
        "SLW-414: the object {key} holds the claim of {found}; an environment cannot be renamed, give each its own object"
    )]
    Renamed {
        /// The object.
        key: String,
        /// The name inside.
        found: EnvironmentName,
    },
    /// The platform takes no claims now.
    #[error(
        "SLW-415: the claims in bucket {bucket} are frozen since {since} by {by}, so nothing was written; wait for its end, or lift the freeze by removing the object {} if nothing drains the platform any more",
        crate::Freeze::key()
    )]
    Frozen {
        /// The bucket.
        bucket: String,
        /// Who asked for it.
        by: String,
        /// Since when.
        since: Timestamp,
    },
    /// The bucket is another platform's, or a fresh one.
    #[error(
        "SLW-427: the bucket {bucket} is not known to be that of platform {platform}: {}; nothing was decided, correct the store's address, or restore the object .platform-id if this is the right bucket",
        match found {
            Some(other) => format!("its .platform-id says {other:?}"),
            None => "it has no .platform-id".to_owned(),
        }
    )]
    Foreign {
        /// The bucket.
        bucket: String,
        /// Whose it should be.
        platform: String,
        /// Whose it says it is.
        found: Option<String>,
    },
    /// The object is no status.
    #[error(
        "SLW-428: the object {key} is no status that could be used: {}; it counts as none until the environment-controller writes it anew",
        faults.list()
    )]
    NoStatus {
        /// The object.
        key: String,
        /// What is wrong with it.
        faults: Faults,
    },
}

/// What stands where somebody lost a race.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Winner {
    /// A claim.
    Claim {
        /// Its user, by its own word.
        user: String,
        /// Its state.
        etag: ETag,
    },
    /// A tombstone.
    Withdrawn {
        /// Who took the claim back; `None` if its time was over.
        by: Option<String>,
    },
    /// Something that is no claim.
    Unreadable {
        /// Its state.
        etag: ETag,
    },
    /// Nothing.
    Nothing,
}

impl fmt::Display for Winner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claim { user, etag } => write!(f, "it is the claim of {user} now (ETag {etag})"),
            Self::Withdrawn { by: Some(by) } => write!(f, "{by} withdrew it"),
            Self::Withdrawn { by: None } => f.write_str("it expired"),
            Self::Unreadable { etag } => write!(
                f,
                "something that is no claim stands there now (ETag {etag})"
            ),
            Self::Nothing => f.write_str("it was removed"),
        }
    }
}
