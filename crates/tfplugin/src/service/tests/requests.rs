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
