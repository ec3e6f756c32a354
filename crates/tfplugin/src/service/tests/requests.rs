//! Plans, reads, and what goes with them.

use super::*;

#[tokio::test]
async fn c27_delete_knows_a_destroy_from_a_replace_and_gets_the_right_private_data() {
    let core = Core::configured().await;
    let destroy = core
        .plan(Some(made("well")), None, br#"{"made":true}"#.to_vec())
        .await;
    let applied = core.apply(Some(made("well")), None, destroy).await;
    assert_eq!(
        (
            &*applied.diagnostics[0].summary,
            &*applied.diagnostics[0].detail
        ),
        ("Destroyed", "Some(true)")
    );
    assert_eq!(outcome(&applied), (None, vec![]));

    let config = Some(thing("well").with("name", "b"));
    let first = core
        .plan(Some(made("well")), config.clone(), Vec::new())
        .await;
    assert_eq!(first.requires_replace.len(), 1);
    let mut second = core.plan(None, config, first.planned_private).await;
    second.planned_state = Core::write(None);
    let applied = core.apply(Some(made("well")), None, second).await;
    assert_eq!(
        (
            &*applied.diagnostics[0].summary,
            &*applied.diagnostics[0].detail
        ),
        ("Replaced", "plans: Some(2)")
    );
}

#[tokio::test]
async fn c28_private_data_is_echoed_and_a_plan_without_changes_leaves_it() {
    let core = Core::configured().await;
    let private = br#"{"made":true}"#.to_vec();
    let request = pb::read_resource::Request {
        type_name: "unruly_thing".to_owned(),
        current_state: Core::write(Some(made("well"))),
        private: private.clone(),
        ..Default::default()
    };
    let read = core
        .0
        .read_resource(Request::new(request))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(read.private, private);
    let planned = core
        .plan(Some(made("well")), Some(thing("well")), private.clone())
        .await;
    assert_eq!(planned.planned_private, private);
}

#[tokio::test]
async fn c11_a_plan_that_core_would_refuse_is_an_error_with_its_place() {
    let core = Core::configured().await;
    let planned = core.plan(None, Some(thing("bad plan")), Vec::new()).await;
    assert!(
        planned.diagnostics[0]
            .detail
            .contains("neither the configured nor the prior value")
    );
    assert!(planned.diagnostics[0].attribute.is_some());
}

#[tokio::test]
async fn c30_a_read_that_fails_keeps_the_old_state() {
    let core = Core::configured().await;
    for how in [FAIL, PANIC, MISSHAPEN] {
        let request = pb::read_resource::Request {
            type_name: "unruly_thing".to_owned(),
            current_state: Core::write(Some(made(how))),
            ..Default::default()
        };
        let read = core
            .0
            .read_resource(Request::new(request))
            .await
            .unwrap()
            .into_inner();
        assert!(
            read.new_state.is_none() && !read.diagnostics.is_empty(),
            "{how}"
        );
    }
}

#[tokio::test]
async fn w14_work_before_configuration_is_a_diagnostic() {
    let core = Core(Service::new(Unruly, Arc::new(Operations::default())));
    let planned = core.plan(None, Some(thing("well")), Vec::new()).await;
    assert_eq!(planned.diagnostics[0].summary, "Provider is not configured");
}

#[tokio::test]
async fn c46_write_only_values_are_refused_where_core_would_store_them() {
    let core = Core::configured().await;
    let mut request = pb::validate_resource_config::Request {
        type_name: "unruly_thing".to_owned(),
        config: Core::write(Some(thing("well").with("key_wo", "secret"))),
        client_capabilities: None,
    };
    let refused = core
        .0
        .validate_resource_config(Request::new(request.clone()))
        .await
        .unwrap();
    assert_eq!(refused.into_inner().diagnostics.len(), 1);
    request.client_capabilities = Some(pb::ClientCapabilities {
        write_only_attributes_allowed: true,
        ..Default::default()
    });
    let accepted = core
        .0
        .validate_resource_config(Request::new(request))
        .await
        .unwrap();
    assert_eq!(accepted.into_inner().diagnostics, []);
}

fn identity(id: &str) -> pb::ResourceIdentityData {
    let ty = Thing.identity().unwrap().implied_type();
    let value = Object::new().with("id", id).into_value();
    let msgpack = encode_msgpack(&ty, &value).unwrap().into();
    pb::ResourceIdentityData {
        identity_data: Some(pb::DynamicValue {
            msgpack,
            ..Default::default()
        }),
    }
}

#[tokio::test]
async fn c35_imports_by_id_and_by_identity() {
    let core = Core::configured().await;
    let by_id = pb::import_resource_state::Request {
        type_name: "unruly_thing".to_owned(),
        id: "7".to_owned(),
        ..Default::default()
    };
    let by_identity = pb::import_resource_state::Request {
        id: String::new(),
        identity: Some(identity("7")),
        ..by_id.clone()
    };
    for request in [by_id, by_identity] {
        let answer = core
            .0
            .import_resource_state(Request::new(request))
            .await
            .unwrap()
            .into_inner();
        let imported = &answer.imported_resources[0];
        let found = state(imported.state.as_ref()).unwrap();
        assert_eq!(found.get::<String>("id").unwrap(), "7");
        assert_eq!(imported.identity, Some(identity("7")));
    }
}

#[tokio::test]
async fn identities_of_the_same_version_come_back_as_they_are() {
    let core = Core::configured().await;
    let mut request = pb::upgrade_resource_identity::Request {
        type_name: "unruly_thing".to_owned(),
        version: 0,
        raw_identity: Some(pb::RawState {
            json: br#"{"id":"7"}"#.to_vec(),
            ..Default::default()
        }),
    };
    let same = core
        .0
        .upgrade_resource_identity(Request::new(request.clone()))
        .await
        .unwrap();
    assert_eq!(same.into_inner().upgraded_identity, Some(identity("7")));
    request.version = 3;
    let newer = core
        .0
        .upgrade_resource_identity(Request::new(request))
        .await
        .unwrap();
    assert_eq!(
        newer.into_inner().diagnostics[0].summary,
        "Identity cannot be upgraded"
    );
}

#[tokio::test]
async fn c37_unknown_sources_of_a_move_are_refused_and_numbers_keep_every_digit() {
    let core = Core::configured().await;
    let moved = |type_name: &str| pb::move_resource_state::Request {
        source_provider_address: "registry.terraform.io/other/unruly".to_owned(),
        source_type_name: type_name.to_owned(),
        source_state: Some(pb::RawState {
            json: br#"{"number":18446744073709551617}"#.to_vec(),
            ..Default::default()
        }),
        target_type_name: "unruly_thing".to_owned(),
        ..Default::default()
    };
    let known = core
        .0
        .move_resource_state(Request::new(moved("unruly_item")))
        .await
        .unwrap()
        .into_inner();
    let taken = state(known.target_state.as_ref()).unwrap();
    assert_eq!(taken.get::<String>("id").unwrap(), "18446744073709551617");
    let unknown = core
        .0
        .move_resource_state(Request::new(moved("other_item")))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(unknown.diagnostics[0].summary, "Move is not supported");
    assert!(unknown.target_state.is_none());
}

#[tokio::test]
async fn w14_unknown_names_are_diagnostics() {
    let core = Core::configured().await;
    let request = pb::read_resource::Request {
        type_name: "unruly_typo".to_owned(),
        ..Default::default()
    };
    let answer = core
        .0
        .read_resource(Request::new(request))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.diagnostics[0].summary, "Unknown type");
}
