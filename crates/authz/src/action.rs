//! What can be asked for.

use std::fmt;

/// Something a principal wants to do. The names are those of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Ask for a new environment.
    CreateEnvironment,
    /// Change what an environment is or runs.
    UpdateEnvironment,
    /// Take a claim back, which ends its environment.
    DeleteEnvironment,
    /// Move the end of an environment.
    ExtendEnvironment,
    /// Take a withdrawal back while the environment still exists.
    RestoreEnvironment,
    /// Go back to versions that ran before.
    RollbackEnvironment,
    /// Hold a service at a version.
    PinEnvironment,
    /// See that an environment exists, and its claim and status.
    ReadEnvironment,
    /// Ask why an environment is as it is.
    ExplainEnvironment,
    /// Follow what happens to an environment.
    ReadEvents,
    /// Read the logs of an environment.
    ReadLogs,
    /// Get credentials for the cluster of an environment.
    ReadKubeconfig,
    /// Close the platform to claims before its environments are ended, and open it again.
    Drain,
    /// Let a stopped queue of removals go on. The controller that removes and stops is to ask it; no route here does.
    ReleaseBrake,
}

/// Actions that policies may name together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// What changes nothing. Its context is only the channel, so that lists can be decided by classes.
    Read,
    /// What changes one environment.
    Write,
    /// What gives credentials.
    Access,
    /// What concerns the whole platform.
    Operate,
}

impl Group {
    /// Whether its actions concern one environment, not the platform.
    #[must_use]
    pub const fn is_of_environments(self) -> bool {
        !matches!(self, Self::Operate)
    }
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 14] = [
        Self::CreateEnvironment,
        Self::UpdateEnvironment,
        Self::DeleteEnvironment,
        Self::ExtendEnvironment,
        Self::RestoreEnvironment,
        Self::RollbackEnvironment,
        Self::PinEnvironment,
        Self::ReadEnvironment,
        Self::ExplainEnvironment,
        Self::ReadEvents,
        Self::ReadLogs,
        Self::ReadKubeconfig,
        Self::Drain,
        Self::ReleaseBrake,
    ];

    /// Its name in policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateEnvironment => "CreateEnvironment",
            Self::UpdateEnvironment => "UpdateEnvironment",
            Self::DeleteEnvironment => "DeleteEnvironment",
            Self::ExtendEnvironment => "ExtendEnvironment",
            Self::RestoreEnvironment => "RestoreEnvironment",
            Self::RollbackEnvironment => "RollbackEnvironment",
            Self::PinEnvironment => "PinEnvironment",
            Self::ReadEnvironment => "ReadEnvironment",
            Self::ExplainEnvironment => "ExplainEnvironment",
            Self::ReadEvents => "ReadEvents",
            Self::ReadLogs => "ReadLogs",
            Self::ReadKubeconfig => "ReadKubeconfig",
            Self::Drain => "Drain",
            Self::ReleaseBrake => "ReleaseBrake",
        }
    }

    /// The group that it belongs to.
    #[must_use]
    pub const fn group(self) -> Group {
        match self {
            Self::CreateEnvironment
            | Self::UpdateEnvironment
            | Self::DeleteEnvironment
            | Self::ExtendEnvironment
            | Self::RestoreEnvironment
            | Self::RollbackEnvironment
            | Self::PinEnvironment => Group::Write,
            Self::ReadEnvironment
            | Self::ExplainEnvironment
            | Self::ReadEvents
            | Self::ReadLogs => Group::Read,
            Self::ReadKubeconfig => Group::Access,
            Self::Drain | Self::ReleaseBrake => Group::Operate,
        }
    }

    /// Whether it makes one more environment live, so that the limit of the pool counts.
    #[must_use]
    pub const fn takes_a_place(self) -> bool {
        matches!(self, Self::CreateEnvironment | Self::RestoreEnvironment)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
