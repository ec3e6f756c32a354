//! Schemas and configurations: C1 to C8b.

use std::sync::OnceLock;

use serde_json::Value as Json;

use crate::workspace::{Workspace, finish};

/// The schemas of both providers, as Terraform accepted and printed them.
fn accepted() -> &'static Json {
    static SCHEMAS: OnceLock<Json> = OnceLock::new();
    SCHEMAS.get_or_init(|| {
        let workspace = Workspace::new(
            "resource \"files_note\" \"a\" { name = \"a\" }\nresource \"unruly_thing\" \"a\" { name = \"a\" }\n",
        );
        let printed = workspace.run(&["providers", "schema", "-json"]).succeeded();
        serde_json::from_str(&printed.stdout).unwrap()
    })
}

fn provider(name: &str) -> &'static Json {
    &accepted()["provider_schemas"][format!("registry.terraform.io/tfplugin/{name}")]
}

/// Every attribute of a resource's schema, nested ones included.
fn attributes(schema: &Json) -> Vec<&Json> {
    let mut found = Vec::new();
    for attribute in schema["attributes"].as_object().into_iter().flatten() {
        found.push(attribute.1);
        found.extend(attributes(&attribute.1["nested_type"]));
    }
    found
}

fn thing() -> Vec<&'static Json> {
    attributes(&provider("unruly")["resource_schemas"]["unruly_thing"]["block"])
}

/// What a user sees of a provider whose schemas core would refuse.
fn refused() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let workspace = Workspace::new("resource \"unruly_thing\" \"a\" { name = \"a\" }\n");
        let mut command = workspace.command(&["validate", "-no-color"]);
        command.env("UNRULY_SCHEMAS", "wrong");
        finish(command).failed_with("Provider bug").text()
    })
}

#[track_caller]
fn assert_refused(sentences: &[&str]) {
    for sentence in sentences {
        let text = refused();
        assert!(text.contains(sentence), "{sentence:?} is not in:\n{text}");
    }
}

#[test]
fn c01_each_attribute_says_once_who_sets_it() {
    assert_refused(&[
        "unruly_wrong, nobody: is neither required, optional nor computed",
        "unruly_wrong, both: required excludes optional, computed and a default",
    ]);
    let set = |attribute: &Json, flag: &str| attribute[flag] == true;
    for attribute in thing() {
        let required = set(attribute, "required");
        let others = set(attribute, "optional") || set(attribute, "computed");
        assert!(required != others, "{attribute}");
    }
}

#[test]
fn c02_each_attribute_has_a_type_or_nested_attributes() {
    let note = &provider("files")["resource_schemas"]["files_note"]["block"];
    let all = [attributes(note), thing()].concat();
    assert!(all.iter().any(|a| a.get("nested_type").is_some()));
    for attribute in all {
        let (plain, nested) = (attribute.get("type"), attribute.get("nested_type"));
        assert!(plain.is_some() != nested.is_some(), "{attribute}");
    }
}

#[test]
fn c03_names_are_plain_unreserved_and_unique() {
    assert_refused(&[
        "unruly_wrong, Upper: names consist of a-z, 0-9 and _",
        "unruly_wrong, count: the name is reserved by the language",
        "unruly_wrong, clash: is both an attribute and a block",
    ]);
}

#[test]
fn c04_limits_hold_together_and_sets_hold_what_they_can() {
    assert_refused(&[
        "least_above_most: at least 3 and at most 1 cannot both hold",
        "any_set: a set cannot hold values of any type",
        "secrets.wo: a set cannot hold write-only attributes",
    ]);
}

#[test]
fn c05_write_only_is_for_arguments_of_managed_resources() {
    assert_refused(&[
        "made_wo: write-only excludes computed and a default",
        "read_wo: only managed resources and actions have write-only attributes",
    ]);
}

#[test]
fn c06_the_provider_schema_is_there_even_if_it_is_empty() {
    let empty = &provider("unruly")["provider"];
    assert!(empty["block"].is_object(), "{empty}");
    assert!(empty["block"].get("attributes").is_none());
}

#[test]
fn c07_unknown_values_are_not_refused_and_nothing_is_called() {
    let workspace = Workspace::new(
        r#"
        variable "folder" { type = string }
        resource "terraform_data" "later" {}
        resource "files_note" "a" {
          count    = 2
          name     = "${terraform_data.later.id}-${count.index}"
          folder   = var.folder
          sections = { intro = { text = terraform_data.later.output } }
          meta     = { priority = terraform_data.later.output }
        }
        "#,
    );
    // The store is gone: whatever asked it would fail.
    std::fs::remove_dir(workspace.path("store")).unwrap();
    workspace.run(&["validate", "-no-color"]).succeeded();
}

#[test]
fn c08_what_core_lets_through_is_refused_at_its_place() {
    let workspace = Workspace::new(
        r#"
        resource "files_note" "a" {
          name     = "a"
          folder   = "archve"
          sections = { intro = { text = null, words = 3 } }
          meta     = { priority = 9 }
        }
        "#,
    );
    let refused = workspace.run(&["validate", "-no-color"]);
    let text = refused.failed_with(r#"Did you mean "archive"?"#).text();
    for sentence in [
        r#"sections["intro"].text is required and must not be null."#,
        r#"sections["intro"].words is decided by the provider and cannot be set."#,
        "9 is out of range; 1 to 5 is allowed.",
        "Attribute: meta.priority",
        r#"folder = "archve""#,
    ] {
        assert!(text.contains(sentence), "{sentence:?} is not in:\n{text}");
    }
}

#[test]
fn c08b_a_typo_inside_a_nested_attribute_shows_if_the_name_is_required() {
    let workspace = Workspace::new(
        r#"
        resource "files_note" "a" {
          name     = "a"
          sections = { intro = { txt = "one" } }
        }
        "#,
    );
    let refused = workspace.run(&["validate", "-no-color"]);
    let refused = refused.failed_with(r#"attribute "text" is required"#);
    assert!(refused.text().contains("intro"));
    workspace.configure(
        "resource \"files_note\" \"a\" {\n  name = \"a\"\n  meta = { authr = \"b\" }\n}\n",
    );
    workspace.run(&["validate", "-no-color"]).succeeded();
    workspace.configure("resource \"files_note\" \"a\" {\n  name = \"a\"\n  reminder {\n    at   = \"noon\"\n    txet = \"b\"\n  }\n}\n");
    workspace
        .run(&["validate", "-no-color"])
        .failed_with("Unsupported argument");
}
