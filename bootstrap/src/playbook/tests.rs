use super::*;

fn played(lines: &[&str], exit: &str) -> Verdict {
    let mut playbook = Playbook::new("kong", 60);
    for line in lines {
        playbook.read(line);
    }
    let Said::Exit(exit) = playbook.read(exit) else {
        panic!("no exit: {exit}")
    };
    playbook.verdict(&exit)
}

fn code(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Stopped => "stopped",
        Verdict::Failed(failure) => &failure.code,
    }
}

const PLAY: &str = r#"{"v":1,"seq":1,"event":"play","play":"p","name":"p"}"#;
const FAILED: &str = r#"{"v":1,"seq":2,"event":"task","play":"p","task":"t","host":"h","status":"failed","msg":"why","ignored":false}"#;
const GOOD: &str = r#"{"v":1,"seq":3,"event":"stats","hosts":{"localhost":{"ok":2,"changed":1,"failures":0,"unreachable":0}}}"#;
const BAD: &str = r#"{"v":1,"seq":3,"event":"stats","hosts":{"localhost":{"ok":2,"changed":1,"failures":1,"unreachable":0}}}"#;
const EXIT_0: &str = r#"{"event":"exit","rc":0,"stopped":null,"stderr":""}"#;
const EXIT_2: &str = r#"{"event":"exit","rc":2,"stopped":null,"stderr":"oh"}"#;

#[test]
fn only_a_summary_without_failures_is_success() {
    assert_eq!(played(&[PLAY, GOOD], EXIT_0), Verdict::Ok);
    // A failure that a rescue coped with is not in the summary.
    assert_eq!(played(&[PLAY, FAILED, GOOD], EXIT_0), Verdict::Ok);
    let nobody = r#"{"seq":2,"event":"stats","hosts":{}}"#;
    let cases: [(&[&str], &str, &str); 9] = [
        (&[PLAY, FAILED, BAD], EXIT_2, "SLW-340"),
        (&[PLAY, BAD], EXIT_0, "SLW-347"),
        (&[PLAY, GOOD], EXIT_2, "SLW-347"),
        (&[PLAY], EXIT_0, "SLW-347"),
        (&[PLAY, nobody], EXIT_0, "SLW-343"),
        (&[], EXIT_0, "SLW-342"),
        (
            &[PLAY],
            r#"{"event":"exit","rc":-15,"stopped":"timeout"}"#,
            "SLW-344",
        ),
        (
            &[PLAY],
            r#"{"event":"exit","rc":-15,"stopped":"lease"}"#,
            "SLW-313",
        ),
        (
            &[PLAY],
            r#"{"event":"exit","rc":-15,"stopped":"request"}"#,
            "stopped",
        ),
    ];
    for (lines, exit, expected) in cases {
        assert_eq!(code(&played(lines, exit)), expected, "{lines:?} {exit}");
    }
}

#[test]
fn what_a_later_plugin_says_or_what_is_torn_is_passed_over() {
    assert_eq!(
        played(
            &["{\"torn", "{\"seq\":1,\"event\":\"new\"}", "[]", PLAY, GOOD],
            EXIT_0
        ),
        Verdict::Ok
    );
}

#[test]
fn what_a_role_has_found_out_is_the_error() {
    let said = r#""msg":"SLW-370: namespace kong is not ready. Why: Insufficient cpu. What to do: raise max_nodes.""#;
    let found = FAILED.replace(r#""msg":"why""#, said);
    let Verdict::Failed(failure) = played(&[PLAY, &found, BAD], EXIT_2) else {
        panic!("no failure")
    };
    assert_eq!(failure.code, "SLW-370");
    assert_eq!(
        failure.cause,
        "namespace kong is not ready. Why: Insufficient cpu."
    );
    assert!(
        failure
            .advice
            .starts_with("Raise max_nodes; then apply again"),
        "{}",
        failure.advice
    );
}

#[test]
fn a_time_out_names_what_was_waited_for() {
    let start = r#"{"seq":2,"event":"task_start","task":"Wait","host":"h"}"#;
    let retry = r#"{"seq":3,"event":"retry","task":"Wait","host":"h","msg":"attempt 3 of 40: Deployment web has 0 of 1 new pods Ready"}"#;
    let exit = r#"{"event":"exit","rc":-15,"stopped":"timeout"}"#;
    let Verdict::Failed(failure) = played(&[PLAY, start, retry], exit) else {
        panic!("no failure")
    };
    assert!(
        failure.cause.contains("doing \"Wait\"")
            && failure.cause.contains("Deployment web has 0 of 1"),
        "{failure}"
    );
}

#[test]
fn an_ignored_failure_is_told_and_does_not_count() {
    let mut playbook = Playbook::new("kong", 60);
    let ignored = FAILED.replace("\"ignored\":false", "\"ignored\":true");
    let Said::Event(Event::Task { status, msg, .. }) = playbook.read(&ignored) else {
        panic!("no event")
    };
    assert_eq!(
        (status, msg.as_deref()),
        (
            TaskStatus::Ok,
            Some("failed, which does not matter here: why")
        )
    );
    assert_eq!(playbook.failure, None);
}
