use super::*;

fn script(text: &str) -> tempfile::TempPath {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(file, "#!/bin/sh\n{text}\n").unwrap();
    file.as_file()
        .set_permissions(std::fs::Permissions::from_mode(0o755))
        .unwrap();
    file.into_temp_path()
}

fn request() -> Request {
    serde_json::from_value(serde_json::json!({
            "v": 1, "run": "00000000-0000-0000-0000-000000000001",
            "platform": {"id": "acme", "name": "acme", "region": "ams", "domain": "acme.example"},
            "host": {"address": "127.0.0.1", "port": 22, "user": "root", "host_key": "k", "login_key": "canary-login"},
            "kubeconfig": "canary-kubeconfig", "chart_mirror": null, "components": [], "secrets": {},
            "secrets_version": 0, "connect_timeout_s": 1, "component_timeout_s": 1,
        }))
        .unwrap()
}

/// Runs a program that nobody stops.
async fn ran(program: &Path) -> Result<Report, Fault> {
    let nobody = CancellationToken::new();
    run(program, &request(), Orders::default(), &|_| (), &nobody).await
}

#[tokio::test]
async fn the_outcome_and_the_failures_are_read_from_the_events() {
    let events = r#"cat > /dev/null
echo '{"v":1,"seq":1,"ts":"2026-01-01T00:00:00.000Z","event":"component_finished","name":"kong","status":"failed","duration_ms":1,"changed":0,"failure":{"play":"p","task":"t","host":"h","cause":"c","advice":"a","code":"SLW-320"}}'
echo '{"v":1,"seq":2,"ts":"2026-01-01T00:00:00.000Z","event":"run_finished","outcome":"failed","components":{"kong":"failed"}}'
exit 1"#;
    let program = script(events);
    let report = ran(&program).await.unwrap();
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(report.failures["kong"].as_ref().unwrap().code, "SLW-320");
}

#[tokio::test]
async fn a_child_that_says_nothing_is_an_error_with_its_last_words() {
    let program = script("cat > /dev/null; echo gone wrong >&2; exit 77");
    let fault = ran(&program).await.unwrap_err();
    assert_eq!(fault.code(), fault::RUN_FAILED.code);
    assert!(fault.detail().contains("gone wrong"), "{fault}");
}

#[tokio::test]
async fn a_stop_reaches_the_child_and_is_waited_for() {
    let program = script("cat > /dev/null; trap 'exit 4' TERM; while :; do sleep 0.05; done");
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        token.cancel();
    });
    let report = run(&program, &request(), Orders::default(), &|_| (), &stop)
        .await
        .unwrap();
    assert_eq!(report.outcome, Outcome::Stopped);
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let fault = ran(Path::new("/nowhere/slipway-bootstrap"))
        .await
        .unwrap_err();
    assert_eq!(fault.code(), fault::BOOTSTRAP_MISSING.code);
    assert!(fault.detail().contains("/nowhere/slipway-bootstrap"));
}

#[tokio::test]
async fn the_child_sees_neither_the_key_nor_secrets_in_its_arguments() {
    let program = script(
        "cat > /dev/null; tr '\\0' '\\n' < /proc/$$/environ >&2; tr '\\0' ' ' < /proc/$$/cmdline >&2; exit 77",
    );
    let fault = ran(&program).await.unwrap_err();
    for secret in [
        "VULTR_API_KEY",
        "canary-login",
        "canary-kubeconfig",
        "CARGO_MANIFEST_DIR",
    ] {
        assert!(!fault.detail().contains(secret), "{fault}");
    }
}
