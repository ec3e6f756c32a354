//! Apply: C21 to C29.

use std::sync::OnceLock;

use serde_json::{Value as Json, json};
use tfcore::Change;

use crate::driver::{assert_refused, files, thing, unruly};
use crate::workspace::Workspace;

/// One apply of creates that break rules: what the user sees, and the state that is left.
fn broken() -> &'static (String, Json) {
    static RUN: OnceLock<(String, Json)> = OnceLock::new();
    RUN.get_or_init(|| {
        let rules = ["c17", "c21", "c22", "c23", "c24", "c25"];
        let things = rules.map(|rule| {
            format!("resource \"unruly_thing\" \"{rule}\" {{\n  name   = \"{rule}\"\n  breaks = \"{rule}\"\n  key_wo = \"secret\"\n}}\n")
        });
        let workspace = Workspace::new(&things.concat());
        let text = workspace.apply().failed_with("Provider bug").text();
        for complaint in ["Provider produced", "Provider returned invalid"] {
            assert!(!text.contains(complaint), "core saw it first:\n{text}");
        }
        (text, workspace.state())
    })
}

/// The only instance of a broken thing, as it is stored.
#[track_caller]
fn stored(rule: &str) -> &'static Json {
    let (_, state) = broken();
    let resources = state["resources"].as_array().unwrap();
    let found = resources.iter().find(|r| r["name"] == rule);
    &found.unwrap_or_else(|| panic!("{rule} is lost: {state:#}"))["instances"][0]
}

#[track_caller]
fn assert_kept_tainted(rule: &str, sentence: &str) {
    let (text, _) = broken();
    assert!(text.contains(sentence), "{sentence:?} is not in:\n{text}");
    let stored = stored(rule);
    assert_eq!(stored["status"], "tainted", "{rule}");
    assert_eq!(stored["attributes"]["id"], format!("thing:{rule}"));
    assert_eq!(stored["attributes"]["key_wo"], json!(null));
}

#[test]
fn c21_known_in_plan_equals_new_state() {
    assert_kept_tainted("c21", "After apply, name is not what was planned.");
    assert_eq!(stored("c21")["attributes"]["name"], "another");
}

#[test]
fn c22_nothing_is_unknown_after_apply() {
    assert_kept_tainted("c22", "After apply, size is not known still.");
    assert_eq!(stored("c22")["attributes"]["size"], json!(null));
}

#[test]
fn c23_an_error_of_a_create_keeps_what_exists() {
    assert_kept_tainted("c23", "The cloud said no");
}

#[test]
fn c23_an_error_of_a_create_that_made_nothing_stores_nothing() {
    let workspace = Workspace::new(
        r#"
        resource "files_note" "a" { name = "a" }
        resource "files_note" "again" {
          name       = "a"
          depends_on = [files_note.a]
        }
        "#,
    );
    workspace
        .apply()
        .failed_with(r#"A note named "a" is there already."#);
    assert_eq!(workspace.state()["resources"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn c23_a_failed_update_or_delete_keeps_the_object() {
    let core = unruly().await;
    let mut slot = None;
    let stuck = thing(json!({ "note": "stuck" }));
    core.converge("unruly_thing", &mut slot, &stuck)
        .await
        .unwrap();
    let before = slot.clone();
    let failing = thing(json!({ "note": "stuck", "breaks": "c23" }));
    let failed = core.converge("unruly_thing", &mut slot, &failing).await;
    assert_refused(&failed.unwrap_err(), "The cloud said no");
    let attributes = |slot: &Option<tfcore::Instance>| slot.as_ref().unwrap().attributes().clone();
    assert_eq!(attributes(&slot), attributes(&before));
    assert_refused(&core.destroy(&mut slot).await.unwrap_err(), "Pull harder");
    assert_eq!(attributes(&slot), attributes(&before));
}

#[test]
fn c24_a_state_that_does_not_fit_degrades_and_is_not_lost() {
    assert_kept_tainted("c24", "size: expected number, found a string");
    let (text, _) = broken();
    assert!(text.contains(r#"the schema has no attribute "extra""#));
}

/// Core would remove the object of such an update from the state.
#[tokio::test]
async fn c24_an_update_that_does_not_fit_keeps_the_object() {
    let core = unruly().await;
    let mut slot = None;
    core.converge("unruly_thing", &mut slot, &thing(json!({})))
        .await
        .unwrap();
    let misshapen = thing(json!({ "breaks": "c24" }));
    let failed = core.converge("unruly_thing", &mut slot, &misshapen).await;
    assert_refused(
        &failed.unwrap_err(),
        "size: expected number, found a string",
    );
    let kept = slot.unwrap();
    assert_eq!(kept.get("id"), "thing:a");
    assert!(!kept.is_tainted());
}

#[test]
fn c25_a_panic_in_mid_create_keeps_the_object() {
    assert_kept_tainted("c25", "The provider panicked: in the middle of it.");
}

#[tokio::test]
async fn c26_to_delete_what_is_gone_is_success() {
    let store = tempfile::tempdir().unwrap();
    let core = files(store.path()).await;
    let mut slot = None;
    let note = json!({ "name": "a" }).into();
    core.converge("files_note", &mut slot, &note).await.unwrap();
    let plan = core.plan("files_note", slot.as_ref(), None).await.unwrap();
    assert_eq!(plan.change, Change::Delete);
    std::fs::remove_file(store.path().join("a.json")).unwrap();
    let applied = core.apply(plan, None).await.into_result().unwrap();
    assert!(applied.is_none());
}

#[test]
fn c27_the_delete_half_of_a_replace_knows_what_it_is() {
    let workspace = Workspace::new(r#"resource "files_note" "a" { name = "a" }"#);
    workspace.apply().succeeded();
    workspace.configure(r#"resource "files_note" "a" { name = "b" }"#);
    let change = workspace.planned()["resource_changes"][0]["change"].clone();
    assert_eq!(change["actions"], json!(["delete", "create"]));
    assert_eq!(change["replace_paths"], json!([["name"]]));
    workspace.run(&["apply", "-no-color", "plan"]).succeeded();
    assert_eq!(workspace.journal(), ["replaced a"]);
    assert!(workspace.note("a").is_none() && workspace.note("b").is_some());
}

#[tokio::test]
async fn c28_private_data_is_kept_by_read_and_apply() {
    let core = unruly().await;
    let mut slot = None;
    core.converge("unruly_thing", &mut slot, &thing(json!({})))
        .await
        .unwrap();
    let made = slot.clone().unwrap();
    assert_eq!(made.private(), br#"{"plans":1}"#);
    let read = core.refresh(&made).await.unwrap().unwrap();
    assert_eq!(read.private(), made.private());
    let changed = thing(json!({ "note": "x" }));
    core.converge("unruly_thing", &mut slot, &changed)
        .await
        .unwrap();
    assert_eq!(slot.unwrap().private(), br#"{"plans":2}"#);
}

#[test]
fn c29_a_change_of_sensitivity_alone_calls_nobody() {
    let note = |lines: &str| {
        format!("resource \"files_note\" \"a\" {{\n  name  = \"a\"\n  lines = {lines}\n}}\n")
    };
    let workspace = Workspace::new(&note("[\"x\"]"));
    workspace.apply().succeeded();
    let file = workspace.path("store/a.json");
    let mut permissions = std::fs::metadata(&file).unwrap().permissions();
    let written = std::fs::metadata(&file).unwrap().modified().unwrap();
    permissions.set_readonly(true);
    std::fs::set_permissions(&file, permissions).unwrap();
    workspace.configure(&note("[sensitive(\"x\")]"));
    workspace.apply().succeeded();
    let again = std::fs::metadata(&file).unwrap().modified().unwrap();
    assert_eq!(written, again, "the provider wrote nothing");
    let instance = workspace.instance("files_note", "a");
    assert_ne!(instance["sensitive_attributes"], json!([]));
}
