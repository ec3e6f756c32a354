//! Values on their way through core and back.

use serde_json::json;

use crate::workspace::{Workspace, finish};

#[test]
fn c42_null_empty_and_unknown_stay_apart() {
    let workspace = Workspace::new(
        r#"
        resource "terraform_data" "later" { input = "later" }
        resource "files_note" "null" { name = "null" }
        resource "files_note" "empty" {
          name     = "empty"
          lines    = []
          labels   = {}
          sections = {}
        }
        resource "files_note" "unknown" {
          name   = "unknown"
          lines  = ["", terraform_data.later.output]
          labels = { a = terraform_data.later.output }
        }
        "#,
    );
    let plan = workspace.planned();
    let changes = plan["resource_changes"].as_array().unwrap();
    let unknown = changes
        .iter()
        .find(|c| c["address"] == "files_note.unknown")
        .unwrap();
    assert_eq!(
        unknown["change"]["after_unknown"]["lines"],
        json!([false, true])
    );
    workspace.apply().succeeded();
    let null = workspace.attributes("files_note", "null");
    assert_eq!(
        (&null["lines"], &null["labels"]),
        (&json!(null), &json!(null))
    );
    let empty = workspace.attributes("files_note", "empty");
    assert_eq!(
        (&empty["lines"], &empty["labels"]),
        (&json!([]), &json!({}))
    );
    assert_eq!(empty["sections"], json!({}));
    let unknown = workspace.attributes("files_note", "unknown");
    assert_eq!(unknown["lines"], json!(["", "later"]));
    assert_eq!(workspace.plan_code(), Some(0));
}

#[test]
fn c15_nested_attributes_plan_unknown_inside_and_keep_the_rest() {
    let note = |text: &str| {
        format!(
            r#"
            resource "files_note" "a" {{
              name     = "a"
              sections = {{ intro = {{ text = "one two" }}, body = {{ text = "{text}" }} }}
              meta     = {{ priority = 2 }}
            }}
            "#
        )
    };
    let workspace = Workspace::new(&note("x"));
    workspace.apply().succeeded();
    let state = workspace.attributes("files_note", "a");
    assert_eq!(state["sections"]["intro"]["words"], 2);
    assert_eq!(
        state["meta"],
        json!({ "author": "anonymous", "priority": 2 })
    );
    workspace.configure(&note("x y z"));
    let change = workspace.planned()["resource_changes"][0]["change"].clone();
    assert_eq!(change["actions"], json!(["update"]));
    let unknown = &change["after_unknown"]["sections"];
    assert_eq!(unknown, &json!({ "intro": {}, "body": { "words": true } }));
    assert_eq!(change["after"]["location"], "inbox/a");
    workspace.apply().succeeded();
    assert_eq!(
        workspace.attributes("files_note", "a")["sections"]["body"]["words"],
        3
    );
    assert_eq!(workspace.plan_code(), Some(0));
}

#[test]
fn c17_w18_write_only_values_reach_the_provider_and_no_file_or_log() {
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
    assert_eq!(run(&["plan", "-detailed-exitcode"]).code, Some(0));
    workspace.configure(&note(2));
    assert_eq!(run(&["plan", "-detailed-exitcode"]).code, Some(2));
    run(&["apply", "-auto-approve"]).succeeded();
    let shown = workspace.run(&["show", "-json", "plan"]).succeeded();
    for text in [workspace.state().to_string(), shown.stdout] {
        assert!(!text.contains("canary-of-the-seal"));
    }
}

#[test]
fn c16_blocks_are_what_is_configured_and_never_null() {
    let note =
        |blocks: &str| format!("resource \"files_note\" \"a\" {{\n  name = \"a\"\n{blocks}\n}}\n");
    let reminder = "reminder {\n at = \"noon\"\n}\n";
    let workspace = Workspace::new(&note(""));
    workspace.apply().succeeded();
    assert_eq!(
        workspace.attributes("files_note", "a")["reminder"],
        json!([])
    );
    workspace.configure(&note(&reminder.repeat(2)));
    workspace.apply().succeeded();
    let expected = json!({ "at": "noon", "text": null });
    assert_eq!(
        workspace.attributes("files_note", "a")["reminder"],
        json!([expected, expected])
    );
    assert_eq!(workspace.plan_code(), Some(0));
    workspace.configure(&note(&reminder.repeat(4)));
    workspace
        .run(&["validate", "-no-color"])
        .failed_with("No more than 3");
    workspace.configure(&note("reminder {\n at = null\n}\n"));
    workspace
        .run(&["validate", "-no-color"])
        .failed_with("reminder[0].at is required");
}

#[test]
fn c08_what_core_lets_through_is_refused_at_its_place() {
    let workspace = Workspace::new(
        r#"
        resource "files_note" "a" {
          name     = "a"
          folder   = "archve"
          sections = { intro = { text = null } }
          meta     = { priority = 9 }
        }
        "#,
    );
    let refused = workspace.run(&["validate", "-no-color"]);
    let refused = refused.failed_with(r#"Did you mean "archive"?"#);
    let text = refused.text();
    for sentence in [
        r#"sections["intro"].text is required and must not be null."#,
        "9 is out of range; 1 to 5 is allowed.",
        "Attribute: meta.priority",
        r#"folder = "archve""#,
    ] {
        assert!(text.contains(sentence), "{sentence:?} is not in:\n{text}");
    }
}

#[test]
fn functions_compute_and_name_the_argument_they_refuse() {
    let workspace =
        Workspace::new(r#"output "slug" { value = provider::files::slug("Hello, World!") }"#);
    workspace.apply().succeeded();
    assert_eq!(workspace.state()["outputs"]["slug"]["value"], "hello-world");
    workspace.configure(r#"output "slug" { value = provider::files::slug("?!") }"#);
    workspace
        .apply()
        .failed_with("has neither letters nor digits");
}

#[test]
fn ephemeral_values_are_opened_and_closed_and_stored_nowhere() {
    let workspace = Workspace::new(
        r#"
        ephemeral "files_key" "k" { note = "a" }
        resource "files_note" "a" {
          name            = "a"
          seal_wo         = ephemeral.files_key.k.key
          seal_wo_version = 1
        }
        "#,
    );
    workspace.apply().succeeded();
    assert_eq!(
        workspace.journal(),
        ["opened a", "closed a", "opened a", "closed a"]
    );
    assert_eq!(
        workspace.note("a").unwrap()["sealed"],
        "ephemeral-key-of-a".len()
    );
    assert!(!workspace.state().to_string().contains("ephemeral-key-of"));
}

#[test]
fn c34_data_sources_keep_arguments_and_defaults() {
    let workspace = Workspace::new(
        r#"
        resource "files_note" "a" { name = "a" }
        resource "files_note" "b" { name = "b" }
        data "files_notes" "all" { depends_on = [files_note.a, files_note.b] }
        data "files_notes" "some" {
          prefix     = "b"
          depends_on = [files_note.a, files_note.b]
        }
        output "all" { value = data.files_notes.all }
        output "some" { value = data.files_notes.some.names }
        "#,
    );
    workspace.apply().succeeded();
    let outputs = &workspace.state()["outputs"];
    assert_eq!(
        outputs["all"]["value"],
        json!({ "prefix": "", "names": ["a", "b"] })
    );
    assert_eq!(outputs["some"]["value"], json!(["b"]));
}

#[test]
fn w13_five_megabytes_travel_both_ways() {
    let workspace = Workspace::new(
        r#"
        resource "files_note" "large" {
          name  = "large"
          lines = [file("large.txt")]
        }
        "#,
    );
    let large = "0123456789".repeat(512 << 10);
    std::fs::write(workspace.path("config/large.txt"), large).unwrap();
    workspace.apply().succeeded();
    let state = workspace.attributes("files_note", "large");
    assert_eq!(state["lines"][0].as_str().unwrap().len(), 5 << 20);
}

#[test]
fn g05_what_is_wrong_with_a_secret_does_not_tell_it() {
    let workspace = Workspace::new(
        r#"
        resource "files_note" "a" {
          name            = "a"
          seal_wo         = "xyz"
          seal_wo_version = 1
        }
        "#,
    );
    let refused = workspace.run(&["validate", "-no-color"]);
    assert!(
        !refused
            .failed_with("4 or more characters are allowed")
            .text()
            .contains("of xyz")
    );
}
