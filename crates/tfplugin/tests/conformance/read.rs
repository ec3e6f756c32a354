//! Read, import, move, upgrade: C30 to C39.

use std::sync::OnceLock;

use serde_json::{Value as Json, json};
use tfcore::{Config, CoreError, ImportBy, Instance, Source};

use crate::driver::{assert_refused, files, thing, unruly};
use crate::workspace::{Finished, Workspace};

/// A note that somebody else changed and then removed: what Terraform makes of it.
struct Drift {
    planned: Json,
    refreshed: Finished,
    unreadable: Finished,
    gone: Json,
}

fn drift() -> &'static Drift {
    static DRIFT: OnceLock<Drift> = OnceLock::new();
    DRIFT.get_or_init(|| {
        let workspace = Workspace::new(r#"resource "files_note" "a" { name = "a" }"#);
        workspace.apply().succeeded();
        let change = |plan: Json| plan["resource_changes"][0]["change"].clone();
        let mut drifted = workspace.note("a").unwrap();
        drifted["folder"] = "trash".into();
        let file = workspace.path("store/a.json");
        std::fs::write(&file, drifted.to_string()).unwrap();
        let planned = change(workspace.planned());
        let refreshed = workspace.run(&["plan", "-refresh-only", "-no-color"]);
        std::fs::write(&file, "not a note").unwrap();
        let unreadable = workspace.run(&["plan", "-no-color"]);
        std::fs::remove_file(&file).unwrap();
        let gone = change(workspace.planned());
        Drift {
            planned,
            refreshed,
            unreadable,
            gone,
        }
    })
}

#[test]
fn c30_gone_is_planned_anew_and_an_error_is_not_gone() {
    assert_eq!(drift().gone["actions"], json!(["create"]));
    assert_ne!(drift().unreadable.code, Some(0));
    assert!(drift().unreadable.text().contains("is no note"));
}

#[tokio::test]
async fn c30_a_read_that_breaks_rules_keeps_the_old_state() {
    let core = unruly().await;
    for (note, sentence) in [
        ("dim", "size is unknown in a state"),
        ("denied", "The token is refused"),
    ] {
        let mut slot = None;
        let config = thing(json!({ "note": note }));
        core.converge("unruly_thing", &mut slot, &config)
            .await
            .unwrap();
        let read = core.refresh(&slot.unwrap()).await;
        assert_refused(&read.unwrap_err(), sentence);
    }
    let mut slot = None;
    let gone = thing(json!({ "note": "gone" }));
    core.converge("unruly_thing", &mut slot, &gone)
        .await
        .unwrap();
    assert!(core.refresh(&slot.unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn c31_what_cannot_be_read_is_as_it_was_and_drift_is_what_it_is() {
    let store = tempfile::tempdir().unwrap();
    let core = files(store.path()).await;
    let config = Config::from(json!({ "name": "a", "meta": { "priority": 2 } }));
    let mut slot = None;
    core.converge("files_note", &mut slot, &config)
        .await
        .unwrap();
    let file = store.path().join("a.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("anonymous", "somebody")).unwrap();
    let read = core.refresh(&slot.unwrap()).await.unwrap().unwrap();
    let expected = json!({ "author": "somebody", "priority": 2 });
    assert_eq!(read.get("meta"), &expected, "the store knows no priority");
}

#[test]
fn c32_drift_shows_where_it_causes_a_change() {
    assert_eq!(drift().planned["actions"], json!(["update"]));
    assert_eq!(drift().planned["before"]["folder"], "trash");
    let text = drift().refreshed.text();
    assert!(
        text.contains("Objects have changed outside of Terraform"),
        "{text}"
    );
}

const NOTE: &str = r#"
    resource "files_note" "a" {
      name   = "a"
      lines  = ["x"]
      folder = "archive"
    }
    "#;

/// A note whose state was lost, imported by command.
fn imported() -> &'static (Json, Option<i32>, Finished) {
    static IMPORTED: OnceLock<(Json, Option<i32>, Finished)> = OnceLock::new();
    IMPORTED.get_or_init(|| {
        let workspace = Workspace::new(&format!(
            "{NOTE}\nresource \"files_note\" \"b\" {{ name = \"none\" }}"
        ));
        let lost = r#"{"name":"a","folder":"archive","lines":["x"],"labels":null,"sections":null,"reminders":[],"author":null,"sealed":0}"#;
        std::fs::write(workspace.path("store/a.json"), lost).unwrap();
        workspace
            .run(&["import", "-no-color", "files_note.a", "a"])
            .succeeded();
        let missing = workspace.run(&["import", "-no-color", "files_note.b", "none"]);
        workspace.configure(NOTE);
        let code = workspace.plan_code();
        (workspace.attributes("files_note", "a"), code, missing)
    })
}

#[test]
fn c33_read_fills_in_what_import_did_not_know() {
    let (state, ..) = imported();
    assert_eq!(state["lines"], json!(["x"]));
    assert_eq!(state["folder"], "archive");
    assert_eq!(state["id"], "note:a");
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

#[tokio::test]
async fn c34_answers_that_core_would_refuse_are_errors() {
    let core = unruly().await;
    for (name, sentence) in [
        (
            "another",
            "name is neither the configured nor the prior value",
        ),
        ("unknown", "size is unknown in a state"),
        ("missing", "It is missing"),
    ] {
        let read = core
            .read_data("unruly_data", &thing(json!({ "name": name })))
            .await;
        assert_refused(&read.unwrap_err(), sentence);
    }
    let read = core
        .read_data("unruly_data", &thing(json!({})))
        .await
        .unwrap();
    assert_eq!(read, json!({ "name": "a", "size": 1 }));
}

#[tokio::test]
async fn c35_import_takes_an_id_or_an_identity_and_yields_one_object() {
    let store = tempfile::tempdir().unwrap();
    let core = files(store.path()).await;
    let config = Config::from(json!({ "name": "a" }));
    core.converge("files_note", &mut None, &config)
        .await
        .unwrap();
    let by_id = ImportBy::Id("a".to_owned());
    let by_identity = ImportBy::Identity(json!({ "name": "a" }));
    for by in [by_id, by_identity] {
        let imported = core.import("files_note", &by).await.unwrap();
        assert_eq!(imported.get("id"), "note:a");
        assert_eq!(imported.identity(), Some(&json!({ "name": "a" })));
    }
    let missing = core
        .import("files_note", &ImportBy::Id("none".to_owned()))
        .await;
    assert!(matches!(missing, Err(CoreError::NothingToImport(_))));
    let (.., missing) = imported();
    let sentence = "Cannot import non-existent remote object";
    assert!(missing.text().contains(sentence), "{}", missing.text());
}

#[test]
fn c36_after_an_import_there_is_nothing_to_do() {
    assert_eq!(imported().1, Some(0));
    let workspace = Workspace::new(&format!(
        "{NOTE}\nimport {{\n  to = files_note.a\n  id = \"a\"\n}}\n"
    ));
    let lost = r#"{"name":"a","folder":"archive","lines":["x"],"labels":null,"sections":null,"reminders":[],"author":null,"sealed":0}"#;
    std::fs::write(workspace.path("store/a.json"), lost).unwrap();
    let plan = workspace.apply().succeeded();
    assert!(plan.text().contains("1 imported, 0 added, 0 changed"));
}

#[tokio::test]
async fn c36_a_generated_configuration_leaves_nothing_to_do_either() {
    let store = tempfile::tempdir().unwrap();
    let core = files(store.path()).await;
    let config = json!({ "name": "a", "lines": ["x"], "meta": { "priority": 1 } });
    let mut slot = None;
    core.converge("files_note", &mut slot, &config.into())
        .await
        .unwrap();
    let generated = core.generate_config(slot.as_ref().unwrap()).await.unwrap();
    assert_eq!(generated["lines"], json!(["x"]));
    for left_out in ["id", "folder", "sealed"] {
        assert_eq!(generated[left_out], json!(null), "computed, or its default");
    }
    core.settled("files_note", slot.as_ref(), &generated.into())
        .await
        .unwrap();
}

#[test]
fn c37_an_object_of_another_provider_is_taken_over() {
    let workspace = Workspace::new(
        r#"
        resource "terraform_data" "old" { input = "a" }
        resource "files_note" "other" { name = "a" }
        "#,
    );
    workspace.apply().succeeded();
    workspace
        .run(&["state", "rm", "files_note.other"])
        .succeeded();
    workspace.configure(
        r#"
        moved {
          from = terraform_data.old
          to   = files_note.new
        }
        resource "files_note" "new" { name = "a" }
        "#,
    );
    workspace.apply().succeeded();
    assert_eq!(workspace.attributes("files_note", "new")["id"], "note:a");
    assert_eq!(workspace.plan_code(), Some(0));
}

#[tokio::test]
async fn c37_unknown_sources_are_refused() {
    let core = unruly().await;
    let from = |type_name: &str| Source {
        provider: "registry.terraform.io/other/other".to_owned(),
        instance: Instance::stored(type_name, 3, json!({ "name": "x", "huge": 1e300 })),
    };
    let moved = core.move_state("unruly_thing", &from("other_thing")).await;
    assert_eq!(moved.unwrap().unwrap().get("id"), "thing:x");
    let refused = core.move_state("unruly_thing", &from("other_typo")).await;
    assert_refused(
        &refused.unwrap_err(),
        "cannot take over an object of type other_typo",
    );
}

#[tokio::test]
async fn c38_a_state_of_today_comes_back_with_every_digit() {
    let core = unruly().await;
    let huge: Json = serde_json::from_str("18446744073709551617").unwrap();
    let stored = json!({ "name": "a", "number": huge, "zone": [], "spare": [] });
    let stored = Instance::stored("unruly_thing", 0, stored);
    let upgraded = core.upgrade_state(&stored).await.unwrap();
    assert_eq!(upgraded.get("number").to_string(), "18446744073709551617");
    assert_eq!(
        upgraded.get("size"),
        &json!(null),
        "what is missing is null"
    );
}

#[test]
fn c39_states_of_older_schemas_are_upgraded_and_newer_ones_refused() {
    let workspace = Workspace::new(r#"resource "files_note" "a" { name = "a" }"#);
    workspace.apply().succeeded();
    let write = |state: &Json| {
        let file = workspace.path("config/terraform.tfstate");
        std::fs::write(file, state.to_string()).unwrap();
    };
    let mut state = workspace.state();
    let instance = &mut state["resources"][0]["instances"][0];
    instance["schema_version"] = 0.into();
    let attributes = instance["attributes"].as_object_mut().unwrap();
    let folder = attributes.remove("folder").unwrap();
    attributes.insert("dir".to_owned(), folder);
    write(&state);
    assert_eq!(workspace.plan_code(), Some(0));
    workspace
        .run(&["apply", "-refresh-only", "-auto-approve"])
        .succeeded();
    assert_eq!(workspace.attributes("files_note", "a")["folder"], "inbox");
    let mut state = workspace.state();
    state["resources"][0]["instances"][0]["schema_version"] = 7.into();
    write(&state);
    assert_eq!(workspace.plan_code(), Some(1));
}
