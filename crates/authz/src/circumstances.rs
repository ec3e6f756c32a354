//! How and when it is asked.

use jiff::Timestamp;

/// What policies may know beside who, what and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// The way that the request came.
    pub channel: Channel,
    /// The time now, for the age of a sign-in.
    pub now: Timestamp,
    /// How many environments live in the pool. Needed for what takes a place in it ([`crate::Action::takes_a_place`]):
    /// without it that is denied.
    pub live_in_pool: Option<u32>,
}

/// The way that a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// The API, with its console, Terraform and the command line.
    Api,
    /// An object that was put into the bucket.
    Bucket,
    /// A pipeline of the repository that manages the claim.
    Git,
}

impl Circumstances {
    /// A request over the API.
    #[must_use]
    pub const fn api(now: Timestamp) -> Self {
        Self {
            channel: Channel::Api,
            now,
            live_in_pool: None,
        }
    }

    /// The same with the number of environments that live in the pool.
    #[must_use]
    pub const fn with_live_in_pool(mut self, live: u32) -> Self {
        self.live_in_pool = Some(live);
        self
    }
}

impl Channel {
    /// All channels.
    pub const ALL: [Self; 3] = [Self::Api, Self::Bucket, Self::Git];

    /// Its word in policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Bucket => "bucket",
            Self::Git => "git",
        }
    }
}
