//! The preflight page: what is wrong with a host or a cluster is told by its own code, and nothing is changed.

use crate::api_server::ApiServer;
use crate::host::Host;
use crate::playbooks::Playbooks;
use crate::runs::request;
use serde_json::{Value, json};
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, LineEnding, PrivateKey};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// The findings about a request, by check: verdict and code.
fn examine(asked: &Value) -> (i32, Vec<Value>) {
    let state = Playbooks::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_slipway-bootstrap"))
        .args([
            "doctor",
            "--request",
            "-",
            "--json",
            "--resolver",
            "127.0.0.1:1",
        ])
        .env("XDG_STATE_HOME", state.state())
        .env_remove("VULTR_API_KEY")
        .env_remove("KUBECONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(asked.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = told["findings"].as_array().unwrap().clone();
    (output.status.code().unwrap(), findings)
}

fn code_of(findings: &[Value], check: &str) -> String {
    let finding = findings.iter().find(|finding| finding["check"] == check);
    let finding = finding.unwrap_or_else(|| panic!("no {check}: {findings:?}"));
    match finding["code"].as_str() {
        Some(code) => code.to_owned(),
        None => finding["verdict"].as_str().unwrap().to_owned(),
    }
}

fn asked(host: &Host) -> Value {
    let mut asked = request(host, &[]);
    // Components of the catalogue in the binary: none is asked for.
    asked["connect_timeout_s"] = json!(2);
    asked
}

/// A program that the host finds before its own.
fn put(host: &Host, name: &str, script: &str) {
    let login = std::fs::read_to_string(host.path("login")).unwrap();
    let folder = host.path("first");
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join(name);
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let first = format!("PATH='{}:", folder.display());
    std::fs::write(host.path("login"), login.replacen("PATH='", &first, 1)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_and_a_cluster_that_will_do_are_found_so() {
    let (host, cluster) = (Host::start(), ApiServer::start().await);
    let mut asked = asked(&host);
    asked["kubeconfig"] = json!(cluster.kubeconfig());
    let (_, findings) = examine(&asked);
    for check in ["host", "clock", "host tools", "cluster"] {
        assert_eq!(code_of(&findings, check), "ok", "{findings:?}");
    }
    assert_eq!(code_of(&findings, "api key"), "skipped");
}

#[test]
fn each_thing_that_is_wrong_with_a_host_has_its_code() {
    let mut host = Host::start();
    let fine = asked(&host);
    let key = || PrivateKey::random(&mut OsRng, Algorithm::Ed25519).unwrap();
    let mut other_host = fine.clone();
    other_host["host"]["host_key"] = json!(key().public_key().to_openssh().unwrap());
    let mut other_login = fine.clone();
    other_login["host"]["login_key"] = json!(key().to_openssh(LineEnding::LF).unwrap().as_str());
    let mut no_key = fine.clone();
    no_key["host"]["host_key"] = json!("nonsense");
    for (asked, expected) in [
        (&other_host, "SLW-311"),
        (&other_login, "SLW-312"),
        (&no_key, "SLW-303"),
    ] {
        let (exit, findings) = examine(asked);
        assert_eq!((exit, code_of(&findings, "host").as_str()), (1, expected));
    }
    // The test's kubeconfig leads nowhere, and nobody serves DNS at port 1.
    let (exit, findings) = examine(&fine);
    assert_eq!(
        (exit, code_of(&findings, "cluster").as_str()),
        (1, "SLW-360"),
        "{findings:?}"
    );
    assert_eq!(code_of(&findings, "dns"), "SLW-392");

    put(&host, "date", "echo 86400");
    let (_, findings) = examine(&fine);
    assert_eq!(code_of(&findings, "clock"), "SLW-394");
    host.cut();
    let (_, findings) = examine(&fine);
    assert_eq!(code_of(&findings, "host"), "SLW-310");
}
