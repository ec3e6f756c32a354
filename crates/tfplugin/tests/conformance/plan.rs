//! Plans: C9 to C20.

use std::sync::OnceLock;

use serde_json::{Value as Json, json};
use tfcore::{Change, Features, Rule};
use tfplugin::Value;

use crate::driver::{assert_refused, thing, unruly, unruly_as};
use crate::workspace::Workspace;

/// What a user sees of plans that break rules: the server's own words, not core's "invalid plan".
fn refused() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let broken = ["c11", "c12", "c15", "c16"].map(|rule| {
            format!("resource \"unruly_thing\" \"{rule}\" {{\n  name   = \"a\"\n  breaks = \"{rule}\"\n  pools  = {{ x = {{ plan = \"p\" }} }}\n}}\n")
        });
        let workspace = Workspace::new(&broken.concat());
        let text = workspace.run(&["plan", "-no-color"]).failed_with("Provider bug").text();
        assert!(!text.contains("Provider produced invalid plan"), "{text}");
        text
    })
}

#[track_caller]
fn assert_plan_refused(sentence: &str) {
    let text = refused();
    assert!(text.contains(sentence), "{sentence:?} is not in:\n{text}");
}

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

/// The server has no memory between two plans, so only core can see this one: `Plan::choose` is the way to keep it.
#[tokio::test]
async fn c09_a_value_that_differs_each_time_is_caught_and_a_chosen_one_is_kept() {
    let core = unruly().await;
    let error = core
        .converge(
            "unruly_thing",
            &mut None,
            &thing(json!({ "breaks": "c09" })),
        )
        .await
        .unwrap_err();
    assert_eq!(error.broken()[0].rule, Rule::C9);
    let chosen = thing(json!({ "breaks": "chosen" }));
    for features in [Features::TERRAFORM_1_16, Features::TERRAFORM_1_14] {
        let core = unruly_as(features).await;
        let plan = core
            .plan("unruly_thing", None, Some(&chosen))
            .await
            .unwrap();
        assert_eq!(plan.after("size").is_unknown(), !features.planned_private);
        let applied = core.apply(plan, Some(&chosen)).await.into_result().unwrap();
        assert!(applied.unwrap().get("size").is_number());
    }
}

/// What core proposes is what the provider plans from; both cores agree on it.
#[tokio::test]
async fn c10_what_the_configuration_leaves_out_stays_as_it_was() {
    let core = unruly().await;
    let mut slot = None;
    let full = thing(json!({ "loose": "mine", "pools": { "x": { "plan": "p" } } }));
    core.converge("unruly_thing", &mut slot, &full)
        .await
        .unwrap();
    let less = thing(json!({ "pools": { "x": { "plan": "q" } } }));
    let plan = core
        .plan("unruly_thing", slot.as_ref(), Some(&less))
        .await
        .unwrap();
    assert_eq!(plan.after("loose").as_str(), Some("mine"));
    let Value::Map(pools) = plan.after("pools") else {
        panic!("a map");
    };
    let expected = tfplugin::Object::new()
        .with("plan", "q")
        .with("id", "pool:x");
    assert_eq!(pools["x"], Value::Object(expected.into_fields()));
}

#[test]
fn c11_what_is_configured_is_planned() {
    assert_plan_refused("The value for name is neither the configured nor the prior value.");
}

/// The other half of the rule: the prior value may stay if it means the same.
#[tokio::test]
async fn c11_the_prior_text_may_stay() {
    let core = unruly().await;
    let mut slot = None;
    let config = |word: &str| thing(json!({ "word": word }));
    core.converge("unruly_thing", &mut slot, &config("Hello"))
        .await
        .unwrap();
    core.settled("unruly_thing", slot.as_ref(), &config("hello"))
        .await
        .unwrap();
    let plan = core
        .plan("unruly_thing", slot.as_ref(), Some(&config("bye")))
        .await
        .unwrap();
    assert_eq!(plan.change, Change::Update);
}

#[test]
fn c12_what_is_neither_configured_nor_computed_is_planned_null() {
    assert_plan_refused("The value for note sets an attribute that the configuration leaves unset");
}

/// A note that is made, and changed: what Terraform shows.
fn note_plans() -> &'static (Json, Json) {
    static PLANS: OnceLock<(Json, Json)> = OnceLock::new();
    PLANS.get_or_init(|| {
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
        let made = workspace.planned()["resource_changes"][0]["change"].clone();
        workspace.run(&["apply", "-no-color", "plan"]).succeeded();
        workspace.configure(&note("x y z"));
        let changed = workspace.planned()["resource_changes"][0]["change"].clone();
        workspace.run(&["apply", "-no-color", "plan"]).succeeded();
        assert_eq!(workspace.plan_code(), Some(0));
        let state = workspace.attributes("files_note", "a");
        assert_eq!(state["sections"]["body"]["words"], 3);
        (made, changed)
    })
}

#[test]
fn c13_everything_computed_is_unknown_on_create() {
    let (made, _) = note_plans();
    let unknown = &made["after_unknown"];
    for name in ["id", "sealed"] {
        assert_eq!(unknown[name], true, "{name}");
    }
    assert_eq!(made["after"]["folder"], "inbox", "a default is known");
    assert_eq!(made["after"]["location"], "inbox/a", "the hook knows it");
}

#[test]
fn c14_what_is_computed_is_kept_unless_its_sources_change() {
    let (_, changed) = note_plans();
    assert_eq!(changed["actions"], json!(["update"]));
    for name in ["id", "location", "sealed"] {
        assert_eq!(changed["after"][name], changed["before"][name], "{name}");
        assert_eq!(changed["after_unknown"].get(name), None, "{name}");
    }
}

#[test]
fn c15_nested_objects_are_those_of_the_configuration_and_unknown_inside() {
    let (_, changed) = note_plans();
    let unknown = &changed["after_unknown"]["sections"];
    assert_eq!(unknown, &json!({ "intro": {}, "body": { "words": true } }));
    assert_plan_refused("The value for pools has other elements than the configuration.");
}

#[test]
fn c16_blocks_are_what_is_configured_and_never_null() {
    assert_plan_refused("The value for zone has other elements than the configuration.");
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

#[tokio::test]
async fn c16_blocks_are_computed_only_where_core_accepts_it() {
    for (features, expected) in [
        (Features::TERRAFORM_1_16, json!([{ "at": "there" }])),
        (Features::TERRAFORM_1_14, json!([])),
    ] {
        let core = unruly_as(features).await;
        let mut slot = None;
        let config = thing(json!({}));
        core.converge("unruly_thing", &mut slot, &config)
            .await
            .unwrap();
        assert_eq!(slot.as_ref().unwrap().get("spare"), &expected);
        core.settled("unruly_thing", slot.as_ref(), &config)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn c17_write_only_values_are_null_in_every_answer() {
    let core = unruly().await;
    let config = thing(json!({ "key_wo": "secret", "breaks": "c17" }));
    let mut slot = None;
    // The resource puts it into plan, new state, read and import; the server takes it out.
    core.converge("unruly_thing", &mut slot, &config)
        .await
        .unwrap();
    assert_eq!(slot.as_ref().unwrap().get("key_wo"), &json!(null));
    let leaky = thing(json!({ "key_wo": "secret", "note": "leaky" }));
    core.converge("unruly_thing", &mut slot, &leaky)
        .await
        .unwrap();
    core.settled("unruly_thing", slot.as_ref(), &leaky)
        .await
        .unwrap();
    let by = tfcore::ImportBy::Id("thing:a".to_owned());
    let imported = core.import("unruly_thing", &by).await.unwrap();
    assert_eq!(imported.get("key_wo"), &json!(null));
}

#[tokio::test]
async fn c18_paths_that_force_a_replacement_exist_and_changed() {
    let core = unruly().await;
    let mut slot = None;
    core.converge("unruly_thing", &mut slot, &thing(json!({})))
        .await
        .unwrap();
    let renamed = thing(json!({ "name": "b" }));
    let plan = core
        .plan("unruly_thing", slot.as_ref(), Some(&renamed))
        .await
        .unwrap();
    assert_eq!(plan.change, Change::Replace);
    assert_eq!(plan.replaces, ["name"]);
    let nowhere = thing(json!({ "breaks": "c18" }));
    let refused = core
        .plan("unruly_thing", slot.as_ref(), Some(&nowhere))
        .await;
    assert_refused(
        &refused.unwrap_err(),
        "pools[\"nowhere\"].plan is to force a replacement, and there is no such value",
    );
}

#[tokio::test]
async fn c19_a_replace_is_planned_twice_and_private_data_goes_from_plan_to_plan() {
    let core = unruly().await;
    let mut slot = None;
    core.converge("unruly_thing", &mut slot, &thing(json!({})))
        .await
        .unwrap();
    assert_eq!(slot.as_ref().unwrap().private(), br#"{"plans":1}"#);
    let renamed = thing(json!({ "name": "b" }));
    let plan = core
        .plan("unruly_thing", slot.as_ref(), Some(&renamed))
        .await
        .unwrap();
    let applied = core.apply(plan, Some(&renamed)).await;
    let said: Vec<_> = applied
        .diagnostics
        .iter()
        .map(|d| d.detail.as_str())
        .collect();
    assert_eq!(said, ["plans: 3"], "one with the prior state, one without");
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
