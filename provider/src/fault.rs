//! What can go wrong, as users read it: one summary and one code for each cause, and a detail that names the object,
//! the reason and the way out. `docs/errors.md` has a section for each code.

use std::borrow::Cow;

use tfplugin::{AttributePath, Diagnostic, Diagnostics};

/// A cause that users meet, with its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cause {
    /// `SLW-…`, stable for ever.
    pub(crate) code: &'static str,
    /// One short line, the same for every object.
    pub(crate) summary: &'static str,
}

macro_rules! causes {
    ($($name:ident = $code:literal $summary:literal;)*) => {
        $(#[doc = $summary] pub(crate) const $name: Cause = Cause { code: $code, summary: $summary };)*

        /// Every cause, for the test that holds the documentation against them.
        #[cfg(test)]
        pub(crate) const ALL: &[Cause] = &[$($name),*];
    };
}

causes! {
    PROVIDER_SETTINGS = "SLW-101" "Provider is not configured";
    BOOTSTRAP_MISSING = "SLW-103" "slipway-bootstrap is missing";
    BAD_NAME = "SLW-110" "Invalid name";
    UNKNOWN_REGION = "SLW-111" "Unknown region";
    UNKNOWN_PLAN = "SLW-112" "Unknown plan";
    OUT_OF_STOCK = "SLW-113" "Plan is out of stock";
    NO_BUILD = "SLW-114" "No Kubernetes build satisfies the constraint";
    BAD_NETWORK = "SLW-115" "Unusable network";
    UNKNOWN_COMPONENT = "SLW-116" "Unknown component";
    BAD_COMPONENT = "SLW-117" "Invalid component settings";
    BAD_COUNT = "SLW-118" "Node count out of range";
    UNKNOWN_KIND = "SLW-119" "Unknown pool kind";
    BUILD_CHANGE = "SLW-120" "Running build does not satisfy the constraint";
    PROTECTED = "SLW-121" "Platform is protected";
    BAD_LABEL = "SLW-122" "Invalid label or taint";
    BAD_SECRETS = "SLW-123" "Component secrets do not fit";
    BAD_CHOICE = "SLW-124" "Value is not allowed";
    BAD_TIMEOUT = "SLW-125" "Invalid timeout";
    BAD_DOMAIN = "SLW-126" "Invalid domain";
    BAD_IMPORT = "SLW-127" "Cannot import";
    PLATFORM_EXISTS = "SLW-231" "Platform exists already";
    LEFTOVERS = "SLW-232" "Something is left in the account";
    LAST_POOL = "SLW-233" "Last node pool of the cluster";
    POOL_EXISTS = "SLW-234" "Node pool exists already";
    STOPPED = "SLW-235" "Stopped";
    PARENT_GONE = "SLW-236" "Cluster is gone";
    HALF_GONE = "SLW-237" "Platform lost a part";
    NOT_OURS = "SLW-238" "Object belongs to somebody else";
    TIMED_OUT = "SLW-239" "Operation took too long";
    POD_STAYS = "SLW-240" "Pods cannot leave a node pool";
    FULL_BUDGETS = "SLW-241" "Disruption budgets let no pod go";
    NOT_RECORDED = "SLW-250" "Platform settings were not recorded";
    NO_RECORD = "SLW-251" "Platform settings are not recorded";
    NEWER_STATE = "SLW-355" "State comes from a newer release";
    COMPONENT_FAILED = "SLW-350" "Component failed";
    RUN_FAILED = "SLW-351" "Bootstrap run failed";
    HOST_UNREACHABLE = "SLW-352" "Bootstrap host is unreachable";
    NO_CLUSTER_ACCESS = "SLW-353" "Cluster does not answer";
    BAD_BOOTSTRAP = "SLW-354" "Place for playbooks cannot be used";
    BAD_CLAIM = "SLW-410" "Invalid environment claim";
    API_SILENT = "SLW-430" "Platform API does not answer";
    API_ODD = "SLW-431" "That is no platform's API";
    NEVER_READY = "SLW-432" "Environment cannot become ready";
    NOT_READY = "SLW-433" "Environment is not ready in time";
    STATIC_BY_API = "SLW-434" "Static environment through the platform's API";
    NO_STATUSES = "SLW-435" "Platform publishes no statuses";
    NO_CLAIM_STORE = "SLW-451" "Claim store does not answer";
    LIVE_ENVIRONMENTS = "SLW-452" "Environments are alive";
    NO_SUCH_CLAIM = "SLW-453" "No such claim";
    DRAIN_REFUSED = "SLW-454" "Environments that a drain does not take";
    NOT_CONFIRMED = "SLW-455" "Environments are not the confirmed ones";
    DRAIN_STUCK = "SLW-456" "Environments did not go in time";
    HANDOVER_FAILED = "SLW-457" "Hand-over file cannot be written";
}

/// One fault, ready to be told.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    code: Cow<'static, str>,
    summary: &'static str,
    detail: String,
    path: Option<AttributePath>,
}

impl Fault {
    /// A fault with what happened, to which object, why, and what to do.
    pub(crate) fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            code: cause.code.into(),
            summary: cause.summary,
            detail: detail.into(),
            path: None,
        }
    }

    /// A fault of another crate, whose words begin with their code: `SLW-402: the claim …`.
    pub(crate) fn told(summary: &'static str, doing: &str, words: &str) -> Self {
        let (code, words) = words.split_once(": ").unwrap_or(("SLW", words));
        let mut letters = doing.chars();
        let doing: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .chain(letters)
            .collect();
        Self {
            code: code.to_owned().into(),
            summary,
            detail: format!("{doing}: {}.", words.trim_end_matches('.')),
            path: None,
        }
    }

    /// Names the attribute that caused it. Core finds the line of a top-level attribute and of one element below
    /// it, and falls back to the head of the resource for anything deeper: hand such faults the shorter path.
    pub(crate) fn at(mut self, path: impl Into<AttributePath>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Says more, on lines of its own.
    pub(crate) fn and(mut self, words: &str) -> Self {
        self.detail = format!("{}\n{words}", self.detail);
        self
    }

    /// What happened.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Its code.
    #[cfg(test)]
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// The same as a warning, for what must not stop the run.
    pub(crate) fn into_warning(self) -> Diagnostic {
        let Diagnostic {
            summary,
            detail,
            path,
            ..
        } = self.into();
        let mut warning = Diagnostic::warning(summary, detail);
        warning.path = path;
        warning
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}: {}", self.code, self.summary, self.detail)
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Diagnostic {
    fn from(fault: Fault) -> Self {
        let error = Diagnostic::error(format!("{} ({})", fault.summary, fault.code), fault.detail);
        match fault.path {
            Some(path) => error.at(path),
            None => error,
        }
    }
}

impl From<Fault> for Diagnostics {
    fn from(fault: Fault) -> Self {
        Diagnostic::from(fault).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_and_documented() {
        let pages = include_str!("../../docs/errors.md");
        for (position, cause) in ALL.iter().enumerate() {
            assert!(
                pages.contains(&format!("### {}", cause.code)),
                "docs/errors.md has no section for {} ({})",
                cause.code,
                cause.summary
            );
            assert!(
                ALL.iter()
                    .skip(position + 1)
                    .all(|other| other.code != cause.code),
                "{} is used twice",
                cause.code
            );
        }
    }
}
