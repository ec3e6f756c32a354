//! Provider configuration and values: C40 to C46.

use std::sync::OnceLock;

use serde_json::{Value as Json, json};
use tfcore::Features;

use crate::driver::{assert_refused, thing, unruly, unruly_as};
use crate::workspace::{Workspace, finish};

#[test]
fn c40_a_provider_whose_configuration_is_unknown_says_so() {
    let workspace = Workspace::new("");
    workspace.configure_all(
        r#"
        resource "terraform_data" "store" { input = "later" }
        provider "files" { directory = terraform_data.store.output }
        resource "files_note" "a" { name = "a" }
        "#,
    );
    let plan = workspace.run(&["plan", "-no-color"]);
    let text = plan.failed_with("directory").text();
    assert!(text.contains("not known"), "{text}");
}

#[test]
fn c41_aliases_are_configured_apart() {
    let workspace = Workspace::new("");
    let other = workspace.path("other");
    std::fs::create_dir(&other).unwrap();
    workspace.configure_all(&format!(
        r#"
        provider "files" {{ directory = "{}" }}
        provider "files" {{
          alias     = "other"
          directory = "{}"
        }}
        resource "files_note" "a" {{ name = "a" }}
        resource "files_note" "b" {{
          provider = files.other
          name     = "b"
        }}
        "#,
        workspace.path("store").display(),
        other.display()
    ));
    workspace.apply().succeeded();
    assert!(workspace.note("a").is_some() && workspace.note("b").is_none());
    assert!(other.join("b.json").exists() && !other.join("a.json").exists());
}

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

#[tokio::test]
async fn c42_unknown_is_unknown_inside_and_out() {
    let core = unruly().await;
    let plan = core
        .plan(
            "unruly_thing",
            None,
            Some(&thing(json!({})).unknown("pools").unknown("note")),
        )
        .await
        .unwrap();
    assert!(plan.after("pools").is_unknown() && plan.after("note").is_unknown());
    assert!(plan.after("word").is_null());
    let known = thing(json!({ "pools": { "x": { "plan": "p" } }, "note": "" }));
    let applied = core.apply(plan, Some(&known)).await.into_result().unwrap();
    assert_eq!(applied.unwrap().get("note"), "");
}

/// A thing with a set and a secret, applied and applied again in another order.
fn things() -> &'static (Json, String, Option<i32>) {
    static THINGS: OnceLock<(Json, String, Option<i32>)> = OnceLock::new();
    THINGS.get_or_init(|| {
        let with = |tags: &str| {
            format!("resource \"unruly_thing\" \"a\" {{\n  name = \"a\"\n  pin  = \"canary-1234\"\n  tags = {tags}\n}}\n")
        };
        let workspace = Workspace::new(&with(r#"["b", "a", "b"]"#));
        let applied = workspace.apply().succeeded().text();
        workspace.configure(&with(r#"["a", "b"]"#));
        let code = workspace.plan_code();
        (workspace.attributes("unruly_thing", "a"), applied, code)
    })
}

#[test]
fn c43_sets_have_no_order_and_no_duplicates() {
    let (state, _, code) = things();
    assert_eq!(state["tags"], json!(["a", "b"]));
    assert_eq!(*code, Some(0), "another order is no change");
}

#[test]
fn c44_sensitive_hides_from_the_eye_and_not_from_the_state() {
    let (state, applied, _) = things();
    assert!(applied.contains("(sensitive value)") && !applied.contains("canary-1234"));
    assert_eq!(state["pin"], "canary-1234");
}

#[test]
fn c45_ephemeral_values_are_for_write_only_attributes_and_may_differ_in_apply() {
    let note = |seal: &str| {
        format!(
            r#"
            variable "seal" {{
              type      = string
              ephemeral = true
            }}
            resource "files_note" "a" {{
              name            = "a"
              seal_wo_version = 1
              {seal}
            }}
            "#
        )
    };
    let workspace = Workspace::new(&note("lines = [var.seal]"));
    let run = |arguments: &[&str], seal: &str| {
        let mut command = workspace.command(arguments);
        command.env("TF_VAR_seal", seal);
        finish(command)
    };
    run(&["plan", "-no-color"], "abcd").failed_with("Invalid use of ephemeral value");
    workspace.configure(&note("seal_wo = var.seal"));
    run(&["plan", "-no-color", "-out=plan"], "in the plan").succeeded();
    run(&["apply", "-no-color", "plan"], "another").succeeded();
    assert_eq!(workspace.note("a").unwrap()["sealed"], "another".len());
}

#[tokio::test]
async fn c46_write_only_values_need_a_core_that_knows_them() {
    let core = unruly_as(Features::TERRAFORM_1_10).await;
    let secret = thing(json!({ "key_wo": "secret" }));
    let refused = core.validate("unruly_thing", &secret).await.unwrap_err();
    assert_refused(&refused, "key_wo is write-only, which needs Terraform 1.11");
    core.validate("unruly_thing", &thing(json!({})))
        .await
        .unwrap();
}
