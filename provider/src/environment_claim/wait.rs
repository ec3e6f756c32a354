//! Waiting for the environment behind a claim.

use std::time::Duration;

use claim_store::Place;
use claims::EnvironmentName;
use claims::status::{Phase, Prospect, Status};
use tfplugin::{Diagnostics, Object};

use super::target::Target;
use crate::allowance::Allowance;
use crate::duration;
use crate::fault::{self, Fault};

/// The value of `wait_for` that waits.
pub(super) const READY: &str = "ready";
/// A cluster with its services takes minutes; of one that takes longer than this somebody wants to know.
const WITHIN: Duration = Duration::from_mins(45);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How often in a row a look may fail before the wait does.
const FAILURES: u32 = 3;
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Whether the user waits for the environment.
pub(super) fn is_wanted(object: &Object) -> bool {
    object.value("wait_for").as_str() == Some(READY)
}

/// How long the user waits.
pub(super) fn time(object: &Object, operation: &str) -> Result<Duration, Diagnostics> {
    let timeouts = object
        .get::<Option<Object>>("timeouts")?
        .unwrap_or_default();
    match timeouts.get::<Option<String>>(operation)? {
        None => Ok(WITHIN),
        Some(text) => duration::parse(&text).map_err(|why| bad_time(operation, &why).into()),
    }
}

/// A duration that is none.
pub(super) fn bad_time(operation: &str, why: &str) -> Fault {
    Fault::new(fault::BAD_TIMEOUT, format!("timeouts.{operation}: {why}.")).at("timeouts")
}

/// The phase of the claim at `place`: what was said about an earlier claim says nothing about this one.
pub(super) fn phase_of(status: Option<&Status>, place: &Place) -> Phase {
    let about_this = |status: &&Status| {
        status.source.etag.trim_matches('"') == place.etag.as_str().trim_matches('"')
    };
    status
        .filter(about_this)
        .map_or(Phase::Pending, |status| status.phase)
}

/// Waits until the environment is ready. Each phase is told to `passed` when it begins, so that a wait that is broken off
/// leaves behind how far it came.
pub(super) async fn until_ready(
    target: &Target<'_>,
    name: &EnvironmentName,
    place: &Place,
    allowance: Allowance<'_>,
    mut passed: impl FnMut(Phase),
) -> Result<(), Fault> {
    let mut pause = FIRST_PAUSE;
    let mut last = None;
    let mut failures = 0;
    loop {
        let status = match target.status(name).await {
            Ok(status) => status,
            Err(fault) if failures == FAILURES || allowance.left().is_zero() => return Err(fault),
            Err(fault) => {
                failures += 1;
                tracing::warn!(environment = %name, %fault, "looking again");
                rest(pause, name, last, allowance).await?;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
        };
        failures = 0;
        let phase = phase_of(status.as_ref(), place);
        let told = status.filter(|_| phase != Phase::Pending);
        if last != Some(phase) {
            tracing::info!(environment = %name, %phase, reason = told.as_ref().and_then(|told| told.reason.as_deref()), "waiting for the environment");
            passed(phase);
            last = Some(phase);
            pause = FIRST_PAUSE;
        }
        match phase.prospect() {
            Prospect::Reached => return Ok(()),
            Prospect::Lost => {
                return Err(Fault::new(
                    fault::NEVER_READY,
                    format!(
                        "Environment {name} {}. Waiting longer changes nothing: remove the reason and apply again.",
                        how_it_stands(phase, told.as_ref())
                    ),
                ));
            }
            Prospect::Underway => {}
        }
        if allowance.left().is_zero() {
            return Err(Fault::new(
                fault::NOT_READY,
                format!(
                    "Environment {name} {} when the time was over. Its claim stands and the platform goes on; apply again to go on waiting, or raise timeouts.",
                    how_it_stands(phase, told.as_ref())
                ),
            ));
        }
        rest(pause, name, last, allowance).await?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A pause, which ends with the time or with the user's wish to stop.
async fn rest(
    pause: Duration,
    name: &EnvironmentName,
    last: Option<Phase>,
    allowance: Allowance<'_>,
) -> Result<(), Fault> {
    let sleep = tokio::time::sleep(pause.min(allowance.left()));
    if allowance.stop().or_stopped(sleep).await.is_ok() {
        return Ok(());
    }
    let phase = last.unwrap_or(Phase::Pending);
    Err(Fault::new(
        fault::STOPPED,
        format!(
            "Stopped on request while environment {name} was {phase}. Its claim stands and the platform goes on; apply again to go on waiting."
        ),
    ))
}

fn how_it_stands(phase: Phase, status: Option<&Status>) -> String {
    let Some(status) = status else {
        return format!("is {phase}: the platform has not said anything about this claim yet");
    };
    let mut text = format!("is {phase} since {}", status.since);
    if let Some(reason) = &status.reason {
        text = format!("{text}: {}", reason.trim_end_matches('.'));
    }
    let Some(blocker) = &status.blocker else {
        return text;
    };
    text = format!("{text}; it waits for {} {}", blocker.kind, blocker.name);
    if let Some(id) = &blocker.external_id {
        text = format!("{text} ({id})");
    }
    if let Some(finalizer) = &blocker.finalizer {
        text = format!("{text}, which {finalizer} holds");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use claim_store::ETag;

    fn status(etag: &str, phase: &str) -> Status {
        let text = format!(
            r#"{{"environment_name":"dev-x","source":{{"bucket":"environments","key":"dev-x.json","etag":"{etag}"}},
            "phase":"{phase}","since":"2026-01-01T00:00:00Z","reason":"the account has no room.",
            "blocker":{{"kind":"KubernetesCluster","name":"dev-x","external_id":"cb67"}}}}"#
        );
        Status::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_status_counts_for_its_own_claim_only() {
        let place = Place {
            key: "dev-x.json".into(),
            etag: ETag::from("\"1\"".to_owned()),
        };
        assert_eq!(phase_of(None, &place), Phase::Pending);
        assert_eq!(phase_of(Some(&status("1", "Ready")), &place), Phase::Ready);
        assert_eq!(
            phase_of(Some(&status("0", "Ready")), &place),
            Phase::Pending
        );
    }

    #[test]
    fn phase_reason_and_blocker_are_named() {
        let told = how_it_stands(Phase::Blocked, Some(&status("1", "Blocked")));
        assert_eq!(
            told,
            "is Blocked since 2026-01-01T00:00:00Z: the account has no room; it waits for KubernetesCluster dev-x (cb67)"
        );
        assert!(how_it_stands(Phase::Pending, None).contains("not said anything"));
    }

    #[test]
    fn times_have_a_default_and_are_checked() {
        assert_eq!(time(&Object::new(), "create").unwrap(), WITHIN);
        let timeouts =
            |text: &str| Object::new().with("timeouts", Object::new().with("create", text));
        assert_eq!(
            time(&timeouts("90s"), "create").unwrap(),
            Duration::from_secs(90)
        );
        assert!(time(&timeouts("soon"), "create").is_err());
    }
}
