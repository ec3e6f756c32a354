//! Logs and panics: W15 to W18.

use std::sync::OnceLock;

use serde_json::{Value as Json, json};

use crate::driver::{assert_refused, thing, unruly};
use crate::workspace::{Workspace, finish};

/// A line of the provider's own as Terraform logs it, which it parsed before.
fn logged() -> &'static Json {
    static LINE: OnceLock<Json> = OnceLock::new();
    LINE.get_or_init(|| {
        let workspace = Workspace::new(r#"resource "files_note" "a" { name = "a" }"#);
        let mut command = workspace.command(&["plan", "-no-color"]);
        command.env("TF_LOG", "JSON");
        let plan = finish(command).succeeded();
        let entries = plan.stderr.lines();
        let mut entries = entries.filter_map(|line| serde_json::from_str::<Json>(line).ok());
        let configured = entries.find(|entry| entry["@message"] == "configured");
        configured.expect("the provider's line is among core's")
    })
}

/// Terraform itself panics if one of them is none.
#[test]
fn w15_message_level_and_time_are_texts() {
    for field in ["@message", "@level", "@timestamp"] {
        assert!(logged()[field].is_string(), "{field}");
    }
    assert!(logged()["terraform"].as_str().unwrap().starts_with('1'));
}

/// With any other form of time the whole line is shown raw, its level lost.
#[test]
fn w16_the_level_survives_thanks_to_the_form_of_the_time() {
    assert_eq!(logged()["@level"], "info");
    assert_eq!(logged()["@message"], "configured");
}

#[tokio::test]
async fn w17_a_panic_is_an_error_and_the_process_stays() {
    let core = unruly().await;
    let panics = thing(json!({ "breaks": "c25" }));
    let mut slot = None;
    let panicked = core.converge("unruly_thing", &mut slot, &panics).await;
    assert_refused(
        &panicked.unwrap_err(),
        "The provider panicked: in the middle of it.",
    );
    assert_eq!(slot.as_ref().unwrap().get("id"), "thing:a");
    let well = thing(json!({}));
    core.converge("unruly_thing", &mut slot, &well)
        .await
        .unwrap();
    assert!(!slot.unwrap().is_tainted());
}

#[test]
fn w18_write_only_values_reach_the_provider_and_no_file_or_log() {
    let note = |version: u32| {
        format!(
            r#"
            variable "seal" {{
              type      = string
              ephemeral = true
            }}
            resource "files_note" "a" {{
              name            = "a"
              seal_wo         = var.seal
              seal_wo_version = {version}
            }}
            "#
        )
    };
    let workspace = Workspace::new(&note(1));
    let run = |arguments: &[&str]| {
        let mut command = workspace.command(arguments);
        command
            .env("TF_VAR_seal", "canary-of-the-seal")
            .env("TF_LOG", "TRACE");
        let finished = finish(command);
        assert!(
            !finished.stderr.contains("canary-of-the-seal"),
            "the log tells it"
        );
        finished
    };
    run(&["plan", "-out=plan"]).succeeded();
    run(&["apply", "-auto-approve"]).succeeded();
    assert_eq!(
        workspace.note("a").unwrap()["sealed"],
        "canary-of-the-seal".len()
    );
    assert_eq!(
        workspace.attributes("files_note", "a")["seal_wo"],
        json!(null)
    );
    workspace.configure(&note(2));
    assert_eq!(run(&["plan", "-detailed-exitcode"]).code, Some(2));
    let shown = workspace.run(&["show", "-json", "plan"]).succeeded();
    for text in [workspace.state().to_string(), shown.stdout] {
        assert!(!text.contains("canary-of-the-seal"));
    }
}
