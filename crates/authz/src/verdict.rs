//! The answer, and what made it.

use std::fmt;

use serde::Serialize;

/// Whether something may be done, and which policies decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether it may be done.
    pub allowed: bool,
    /// The policies that decided: those that permit when it is allowed, those that forbid when it is not.
    /// None and not allowed: no policy permits it.
    pub deciding: Vec<Deciding>,
    /// What kept policies from being evaluated. Any of them denies.
    pub errors: Vec<String>,
}

/// A policy that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deciding {
    /// Its `@id`, or the name it was given.
    pub policy: String,
    /// Its `@reason`: a sentence for the person who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it guards a limit (`@limit`): the request is in order, and there is no room for it.
    pub limit: bool,
}

impl Verdict {
    /// Denied because something could not be evaluated.
    pub(crate) fn failed(error: String) -> Self {
        Self {
            allowed: false,
            deciding: Vec::new(),
            errors: vec![error],
        }
    }

    /// Whether it is denied by nothing but limits: answer 429 instead of 403.
    #[must_use]
    pub fn is_over_limit(&self) -> bool {
        !self.allowed
            && self.errors.is_empty()
            && !self.deciding.is_empty()
            && self.deciding.iter().all(|deciding| deciding.limit)
    }

    /// The code of the error that a denial is.
    #[must_use]
    pub fn code(&self) -> &'static str {
        if self.is_over_limit() {
            "SLW-576"
        } else if self.errors.is_empty() {
            "SLW-575"
        } else {
            "SLW-577"
        }
    }

    /// Both must hold: what is decided before a change and after it.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        if self.allowed != other.allowed {
            return if self.allowed { other } else { self };
        }
        for deciding in other.deciding {
            if !self.deciding.contains(&deciding) {
                self.deciding.push(deciding);
            }
        }
        self.errors.extend(other.errors);
        self
    }
}

/// One sentence that names the policies.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.errors.is_empty() {
            return write!(
                f,
                "policies could not be evaluated, so it is denied: {}",
                self.errors.join("; ")
            );
        }
        if self.deciding.is_empty() {
            return f.write_str("no policy permits it");
        }
        f.write_str(if self.allowed {
            "permitted by "
        } else {
            "forbidden by "
        })?;
        for (position, deciding) in self.deciding.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            write!(f, "policy `{}`", deciding.policy)?;
            if let Some(reason) = &deciding.reason {
                write!(f, " ({reason})")?;
            }
        }
        Ok(())
    }
}
