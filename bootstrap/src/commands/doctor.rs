//! `doctor`: the preflight page.

use crate::arguments::DoctorArguments;
use crate::bundle::Bundle;
use crate::commands::{bad_request, complain, refuse, say};
use crate::doctor::{Finding, Subject, Verdict, examine};
use run_report::Request;
use secrecy::SecretString;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

/// Makes the checks and says what came out; the exit code is 1 if one failed.
pub(crate) async fn run(arguments: DoctorArguments) -> ExitCode {
    let json = arguments.json;
    let subject = match subject(arguments) {
        Ok(subject) => subject,
        Err(refused) => return refused,
    };
    let findings = examine(subject).await;
    if json {
        say(&json!({"findings": findings}).to_string());
    } else {
        for finding in &findings {
            say(&line(finding));
        }
    }
    let failed = findings
        .iter()
        .any(|finding| finding.verdict == Verdict::Failed);
    ExitCode::from(u8::from(failed))
}

fn subject(arguments: DoctorArguments) -> Result<Subject, ExitCode> {
    let DoctorArguments {
        request,
        access,
        region,
        plan,
        domain,
        resolver,
        api_url,
        json: _,
    } = arguments;
    let request = request.as_deref().map(read).transpose()?;
    let kubeconfig = match (&access.kubeconfig, &request) {
        (Some(_), _) => Some(access.read().map_err(|error| {
            refuse(
                "SLW-307",
                format!("the kubeconfig cannot be read: {error}"),
                "Give it with --kubeconfig FILE, or leave it out.",
            )
        })?),
        (None, request) => request.as_ref().map(|request| request.kubeconfig.clone()),
    };
    let platform = request.as_ref().map(|request| &request.platform);
    Ok(Subject {
        api_key: std::env::var("VULTR_API_KEY")
            .ok()
            .filter(|key| !key.is_empty())
            .map(SecretString::from),
        api_url,
        region: region.or_else(|| platform.map(|platform| platform.region.clone())),
        plan,
        domain: domain.or_else(|| platform.map(|platform| platform.domain.clone())),
        resolver,
        kubeconfig,
        request,
    })
}

fn read(path: &Path) -> Result<Request, ExitCode> {
    let read = || {
        let bundle = Bundle::embedded()?;
        crate::commands::read_request(path, &bundle.catalog)
    };
    read().map_err(|error: anyhow::Error| {
        complain(&bad_request(&error));
        ExitCode::from(crate::commands::REFUSED)
    })
}

fn line(finding: &Finding) -> String {
    let mark = match finding.verdict {
        Verdict::Ok => console::style("ok     ").green(),
        Verdict::Warning => console::style("warning").yellow(),
        Verdict::Failed => console::style("failed ").red(),
        Verdict::Skipped => console::style("skipped").dim(),
    };
    let code = finding
        .code
        .as_ref()
        .map(|code| format!("{code}: "))
        .unwrap_or_default();
    format!("{mark}  {:<11} {code}{}", finding.check, finding.text)
}
