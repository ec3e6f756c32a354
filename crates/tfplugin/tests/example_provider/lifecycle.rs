//! The life of an object: made, changed, replaced, imported, moved, upgraded, destroyed.

use serde_json::json;

use crate::workspace::Workspace;

#[test]
fn c09_plan_and_apply_agree_and_a_second_plan_is_empty() {
    let workspace = Workspace::new(
        r#"
        resource "terraform_data" "name" { input = "later" }
        resource "files_note" "a" {
          name   = terraform_data.name.output
          folder = "archive"
        }
        "#,
    );
    let plan = workspace.planned();
    let changes = plan["resource_changes"].as_array().unwrap();
    let note = changes
        .iter()
        .find(|c| c["address"] == "files_note.a")
        .unwrap();
    assert_eq!(note["change"]["after_unknown"]["location"], true);
    workspace.run(&["apply", "-no-color", "plan"]).succeeded();
    assert_eq!(
        workspace.attributes("files_note", "a")["location"],
        "archive/later"
    );
    assert_eq!(workspace.plan_code(), Some(0));
    workspace
        .run(&["destroy", "-auto-approve", "-no-color"])
        .succeeded();
    assert!(workspace.note("later").is_none());
}

#[test]
fn c20_a_destroy_plan_warns() {
    let workspace = Workspace::new(r#"resource "files_note" "a" { name = "a" }"#);
    workspace.apply().succeeded();
    let plan = workspace
        .run(&["plan", "-destroy", "-no-color"])
        .succeeded();
    assert!(plan.text().contains("a is not kept anywhere else."));
    workspace
        .run(&["destroy", "-auto-approve", "-no-color"])
        .succeeded();
    assert_eq!(workspace.journal(), ["destroyed a"]);
}

#[test]
fn c27_the_delete_half_of_a_replace_knows_what_it_is() {
    let workspace = Workspace::new(r#"resource "files_note" "a" { name = "a" }"#);
    workspace.apply().succeeded();
    workspace.configure(r#"resource "files_note" "a" { name = "b" }"#);
    let change = workspace.planned()["resource_changes"][0]["change"].clone();
    assert_eq!(change["actions"], json!(["delete", "create"]));
    assert_eq!(change["replace_paths"], json!([["name"]]));
    workspace.apply().succeeded();
    assert_eq!(workspace.journal(), ["replaced a"]);
    assert!(workspace.note("a").is_none() && workspace.note("b").is_some());
}

#[test]
fn c30_gone_is_planned_anew_and_drift_is_mended() {
    let workspace = Workspace::new(r#"resource "files_note" "a" { name = "a" }"#);
    workspace.apply().succeeded();
    let mut drifted = workspace.note("a").unwrap();
    drifted["folder"] = "trash".into();
    std::fs::write(workspace.path("store/a.json"), drifted.to_string()).unwrap();
    let change = workspace.planned()["resource_changes"][0]["change"].clone();
    assert_eq!(change["actions"], json!(["update"]));
    assert_eq!(change["before"]["folder"], "trash");
    std::fs::write(workspace.path("store/a.json"), "not a note").unwrap();
    workspace
        .run(&["plan", "-no-color"])
        .failed_with("is no note");
    std::fs::remove_file(workspace.path("store/a.json")).unwrap();
    let change = workspace.planned()["resource_changes"][0]["change"].clone();
    assert_eq!(change["actions"], json!(["create"]));
}

#[test]
fn c35_c36_import_by_id_leaves_nothing_to_do() {
    let configuration = r#"
        resource "files_note" "a" {
          name   = "a"
          lines  = ["x"]
          folder = "archive"
        }
        "#;
    let workspace = Workspace::new(configuration);
    workspace.apply().succeeded();
    std::fs::remove_file(workspace.path("config/terraform.tfstate")).unwrap();
    workspace
        .run(&["import", "-no-color", "files_note.a", "a"])
        .succeeded();
    assert_eq!(
        workspace.attributes("files_note", "a")["lines"],
        json!(["x"])
    );
    assert_eq!(workspace.plan_code(), Some(0));
    std::fs::remove_file(workspace.path("config/terraform.tfstate")).unwrap();
    workspace.configure(&format!(
        "{configuration}\nimport {{\n  to = files_note.a\n  id = \"a\"\n}}\n"
    ));
    workspace.apply().succeeded();
    assert_eq!(workspace.plan_code(), Some(0));
    workspace
        .run(&["import", "-no-color", "files_note.b", "none"])
        .failed_with("resource address");
    workspace.configure(&format!(
        "{configuration}\nresource \"files_note\" \"b\" {{ name = \"none\" }}"
    ));
    let missing = workspace.run(&["import", "-no-color", "files_note.b", "none"]);
    missing.failed_with("Cannot import non-existent remote object");
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

#[test]
fn c38_c39_states_of_older_schemas_are_upgraded() {
    let workspace = Workspace::new(r#"resource "files_note" "a" { name = "a" }"#);
    workspace.apply().succeeded();
    let mut state = workspace.state();
    let instance = &mut state["resources"][0]["instances"][0];
    instance["schema_version"] = 0.into();
    let attributes = instance["attributes"].as_object_mut().unwrap();
    let folder = attributes.remove("folder").unwrap();
    attributes.insert("dir".to_owned(), folder);
    attributes.remove("sealed");
    std::fs::write(
        workspace.path("config/terraform.tfstate"),
        state.to_string(),
    )
    .unwrap();
    assert_eq!(workspace.plan_code(), Some(0));
    workspace
        .run(&["apply", "-refresh-only", "-auto-approve"])
        .succeeded();
    assert_eq!(workspace.attributes("files_note", "a")["folder"], "inbox");
    let mut state = workspace.state();
    state["resources"][0]["instances"][0]["schema_version"] = 7.into();
    std::fs::write(
        workspace.path("config/terraform.tfstate"),
        state.to_string(),
    )
    .unwrap();
    assert_eq!(workspace.plan_code(), Some(1));
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
