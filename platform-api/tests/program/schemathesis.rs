//! Whatever the API's description allows, and what it forbids, asked of the real program: no answer may be a breakdown,
//! or one that the description does not know.

use crate::issuer::Issuer;
use crate::program::Program;
use crate::store::{Kind, Store, tool};
use tokio::process::Command;

/// What an answer is held against.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method,ignored_auth";

#[tokio::test(flavor = "multi_thread")]
async fn the_program_answers_as_its_description_says_whatever_it_is_asked() {
    let store = Store::start(Kind::Versitygw).await;
    let issuer = Issuer::start().await;
    let program = Program::start(&store.endpoint, &issuer).await;
    let token = issuer.token("ada@example.com", &["platform-admins"]);
    let folder = tempfile::tempdir().expect("a folder");
    // Among the settings and not the arguments, which everybody on the machine can read.
    let settings = format!("[auth.openapi.oidc]\nbearer = \"{token}\"\n");
    std::fs::write(folder.path().join("schemathesis.toml"), settings).expect("its settings");
    let output = Command::new(tool("schemathesis/bin/schemathesis"))
        .current_dir(folder.path())
        .arg("run")
        .arg(format!("{}/api/v1/openapi.json", program.url))
        .args(["--checks", CHECKS])
        .args(["--max-examples", "40", "--seed", "7", "--no-shrink"])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--exclude-path-regex", "events$"])
        .args(["--request-timeout", "20", "--continue-on-failure"])
        .output()
        .await
        .expect("schemathesis starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    eprintln!(
        "{}",
        said.lines()
            .rev()
            .take(25)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
            .join("\n")
    );
}
