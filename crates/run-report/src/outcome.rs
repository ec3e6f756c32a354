//! How tasks, components and runs end.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How a whole run ended. Each outcome has one exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every component is as wanted.
    Done,
    /// At least one component failed.
    Failed,
    /// The request could not be understood or contradicts the catalogue.
    BadRequest,
    /// The host did not answer, or was not the one whose key was pinned.
    Unreachable,
    /// The caller asked to stop.
    Stopped,
    /// Another run of the platform is going on; nothing was done.
    Busy,
}

impl Outcome {
    const BY_EXIT_CODE: [Self; 6] = [
        Self::Done,
        Self::Failed,
        Self::BadRequest,
        Self::Unreachable,
        Self::Stopped,
        Self::Busy,
    ];

    /// The exit code of a process whose run ended like this.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::BadRequest => 2,
            Self::Unreachable => 3,
            Self::Stopped => 4,
            Self::Busy => 5,
        }
    }

    /// The outcome an exit code stands for; `None` for a process that died of something else.
    #[must_use]
    pub fn from_exit_code(code: i32) -> Option<Self> {
        Self::BY_EXIT_CODE.get(usize::try_from(code).ok()?).copied()
    }
}

/// How one component ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComponentStatus {
    /// Its playbook ended well.
    Ok,
    /// Its playbook failed.
    Failed,
    /// It did not have to run, or something it builds on failed.
    Skipped,
    /// The run was stopped before it ended.
    Stopped,
}

/// How one task ended on one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Nothing to change.
    Ok,
    /// Something was changed.
    Changed,
    /// Its condition did not hold.
    Skipped,
    /// It failed.
    Failed,
    /// The host was lost.
    Unreachable,
    /// An attempt failed and another follows.
    Retry,
}

/// What a journal record says about the last run of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Its playbook was started and nothing was heard of its end.
    Running,
    /// Its playbook ended well.
    Ok,
    /// Its playbook failed.
    Failed,
}

impl Progress {
    /// The word that stands in the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ok => "ok",
            Self::Failed => "failed",
        }
    }
}

/// Why a component failed, in the words a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The play that was running.
    pub play: Option<String>,
    /// The task that failed.
    pub task: Option<String>,
    /// The host it failed on.
    pub host: Option<String>,
    /// What went wrong.
    pub cause: String,
    /// What to do about it.
    pub advice: String,
    /// `SLW-3xx`; see docs/errors.md.
    pub code: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.code)?;
        for (what, value) in [
            ("play", &self.play),
            ("task", &self.task),
            ("host", &self.host),
        ] {
            if let Some(value) = value {
                write!(f, "{what} \"{value}\", ")?;
            }
        }
        write!(f, "cause: {}. {}", self.cause, self.advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_own_exit_code() {
        for (code, outcome) in Outcome::BY_EXIT_CODE.into_iter().enumerate() {
            assert_eq!(usize::from(outcome.exit_code()), code);
            assert_eq!(
                Outcome::from_exit_code(i32::from(outcome.exit_code())),
                Some(outcome)
            );
        }
        assert_eq!(Outcome::from_exit_code(101), None);
        assert_eq!(Outcome::from_exit_code(-9), None);
    }
}
