//! Preflight: what would stop a run, asked before it is started. Every check is one line with a code.

mod cloud;
mod delegation;
mod machines;

use run_report::Request;
use secrecy::SecretString;
use serde::Serialize;
use std::net::SocketAddr;

/// What is known before the checks; a check without what it needs is skipped and says so.
pub(crate) struct Subject {
    pub(crate) api_key: Option<SecretString>,
    pub(crate) api_url: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) plan: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) resolver: Option<SocketAddr>,
    pub(crate) request: Option<Request>,
    pub(crate) kubeconfig: Option<SecretString>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Ok,
    Warning,
    Failed,
    Skipped,
}

/// One line of the page.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) check: &'static str,
    pub(crate) verdict: Verdict,
    /// The code of what is wrong.
    pub(crate) code: Option<String>,
    pub(crate) text: String,
}

impl Finding {
    fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self::new(check, Verdict::Ok, None, text)
    }

    fn skipped(check: &'static str, needs: &str) -> Self {
        Self::new(check, Verdict::Skipped, None, format!("needs {needs}"))
    }

    fn warning(check: &'static str, code: &str, text: impl Into<String>) -> Self {
        Self::new(check, Verdict::Warning, Some(code), text)
    }

    fn failed(check: &'static str, code: &str, text: impl Into<String>) -> Self {
        Self::new(check, Verdict::Failed, Some(code), text)
    }

    /// A failure whose text begins with its own code.
    fn coded(check: &'static str, error: &impl std::fmt::Display) -> Self {
        let text = error.to_string();
        let (code, rest) = text.split_once(": ").unwrap_or(("SLW-349", &text));
        Self::failed(check, code, rest)
    }

    fn new(
        check: &'static str,
        verdict: Verdict,
        code: Option<&str>,
        text: impl Into<String>,
    ) -> Self {
        Self {
            check,
            verdict,
            code: code.map(str::to_owned),
            text: text.into(),
        }
    }
}

/// Makes every check; none of them changes anything.
pub(crate) async fn examine(subject: Subject) -> Vec<Finding> {
    let (cloud, delegation, machines) = tokio::join!(
        cloud::examine(&subject),
        delegation::examine(&subject),
        machines::examine(&subject),
    );
    let mut findings = cloud;
    findings.push(delegation);
    findings.extend(machines);
    findings
}
