//! Who asks.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

/// Who asks, with what is known of them. Only a verified identity becomes one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    /// The person or the program.
    pub subject: Subject,
    /// Teams they belong to; a pool belongs to a team.
    pub teams: BTreeSet<String>,
    /// Roles they have, such as `platform-admin`.
    pub roles: BTreeSet<String>,
    /// The groups that the issuer named, as it wrote them.
    pub groups: BTreeSet<String>,
    /// When they last proved who they are. `None` counts as never.
    pub authenticated_at: Option<Timestamp>,
}

/// A person or a program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A person, known by their address in small letters.
    User {
        /// The address, which is also what claims name as `user`.
        email: String,
    },
    /// A program.
    ServiceAccount {
        /// Its name.
        name: String,
        /// What it is for.
        kind: AccountKind,
        /// Where it runs, if it is a pipeline.
        pipeline: Option<Pipeline>,
    },
}

/// What a service account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountKind {
    /// A pipeline that writes static environments.
    GitlabCi,
    /// Whoever uploads a claim to the bucket without a signature.
    BucketWriter,
    /// A Terraform run.
    Terraform,
    /// Another program.
    Service,
}

/// The pipeline that a token was made for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pipeline {
    /// Path of the project, such as `group/environments`.
    pub project: String,
    /// Branch or tag.
    pub branch: String,
    /// Whether the branch is protected, so that what runs on it was reviewed.
    pub protected: bool,
}

impl Principal {
    /// A person without teams and roles.
    #[must_use]
    pub fn user(email: &str) -> Self {
        Self::of(Subject::User {
            email: email.trim().to_lowercase(),
        })
    }

    /// A program without teams and roles.
    #[must_use]
    pub fn service_account(name: &str, kind: AccountKind) -> Self {
        Self::of(Subject::ServiceAccount {
            name: name.to_owned(),
            kind,
            pipeline: None,
        })
    }

    /// Whoever put a claim without a valid signature into the bucket: never the `user` that the claim names.
    #[must_use]
    pub fn unsigned_upload() -> Self {
        Self::service_account(
            AccountKind::BucketWriter.as_str(),
            AccountKind::BucketWriter,
        )
    }

    fn of(subject: Subject) -> Self {
        Self {
            subject,
            teams: BTreeSet::new(),
            roles: BTreeSet::new(),
            groups: BTreeSet::new(),
            authenticated_at: None,
        }
    }

    /// The same principal in these teams.
    #[must_use]
    pub fn in_teams<T: Into<String>>(mut self, teams: impl IntoIterator<Item = T>) -> Self {
        self.teams.extend(teams.into_iter().map(Into::into));
        self
    }

    /// The same principal with these roles.
    #[must_use]
    pub fn with_roles<T: Into<String>>(mut self, roles: impl IntoIterator<Item = T>) -> Self {
        self.roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// The same principal, whose identity was proved at this time.
    #[must_use]
    pub fn authenticated(mut self, at: Timestamp) -> Self {
        self.authenticated_at = Some(at);
        self
    }

    /// The name to log and to count by: an address, or the name of a service account. Unique within its kind only;
    /// [`fmt::Display`] is unique over all.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.subject {
            Subject::User { email } => email,
            Subject::ServiceAccount { name, .. } => name,
        }
    }

    /// Whether they are the owner that a claim names.
    #[must_use]
    pub fn is_owner(&self, owner: &str) -> bool {
        matches!(&self.subject, Subject::User { email } if *email == owner.trim().to_lowercase())
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::User { email } => write!(f, "user:{email}"),
            Subject::ServiceAccount { name, kind, .. } => write!(f, "{}:{name}", kind.as_str()),
        }
    }
}

impl AccountKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [
        Self::GitlabCi,
        Self::BucketWriter,
        Self::Terraform,
        Self::Service,
    ];

    /// Its word in policies and settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GitlabCi => "gitlab-ci",
            Self::BucketWriter => "bucket-writer",
            Self::Terraform => "terraform",
            Self::Service => "service",
        }
    }
}
