//! The service as core drives it, with a resource that does whatever goes wrong.

use std::sync::Arc;

use async_trait::async_trait;
use tonic::Request;

use super::*;
use crate::proto::tfplugin6::provider_server::Provider as Rpc;
use crate::value::{IntoValue, Object, Value, decode_msgpack, encode_msgpack, shape};
use crate::{
    Attribute, Configure, Create, Delete, DeleteReason, IdentitySchema, Plan, PlanDestroy, Read,
    Resource, Schema, Type, Update,
};

/// What goes wrong in an operation on a thing.
const PANIC: &str = "panic";
const FAIL: &str = "fail";
const MISSHAPEN: &str = "misshapen";
const INCONSISTENT: &str = "inconsistent";
const STOP: &str = "stop";

struct Unruly;

#[async_trait]
impl Provider for Unruly {
    type Client = ();

    fn schema(&self) -> Schema {
        Schema::new()
    }

    async fn configure(&self, _: &mut Configure) -> Result<(), Diagnostics> {
        Ok(())
    }

    fn resources(&self) -> Vec<Box<dyn Resource<()>>> {
        vec![Box::new(Thing)]
    }
}

struct Thing;

impl Thing {
    async fn misbehave(how: &str, stop: &Stop, result: Object) -> Result<Object, Diagnostics> {
        match how {
            PANIC => panic!("in the middle"),
            FAIL => Err(Diagnostic::error("The cloud said no", "Try again.").into()),
            MISSHAPEN => Ok(result
                .with("size", "not a number")
                .with("no such attribute", 1)),
            INCONSISTENT => Ok(result.with("name", "another")),
            STOP => {
                stop.stopped().await;
                Err(crate::Stopped.into())
            }
            _ => Ok(result),
        }
    }
}

#[async_trait]
impl Resource<()> for Thing {
    fn type_name(&self) -> &'static str {
        "unruly_thing"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .attribute("id", Attribute::string().computed())
            .attribute("name", Attribute::string().required().requires_replace())
            .attribute("how", Attribute::string().optional())
            .attribute("size", Attribute::number().computed_from(["how"]))
            .attribute("key_wo", Attribute::string().optional().write_only())
    }

    fn identity(&self) -> Option<IdentitySchema> {
        Some(IdentitySchema::new().required("id", Type::String, "The id."))
    }

    async fn plan(&self, op: &mut Plan<()>) -> Result<(), Diagnostics> {
        if op.config.get::<Option<String>>("how")?.as_deref() == Some("bad plan") {
            op.planned.set("name", "not what was configured");
        }
        let seen = op.private.get::<u32>("plans").unwrap_or(0);
        op.private.set("plans", &(seen + 1)).unwrap();
        Ok(())
    }

    async fn plan_destroy(&self, op: &mut PlanDestroy<()>) -> Result<(), Diagnostics> {
        op.private.set("destroy", &true).unwrap();
        Ok(())
    }

    async fn create(&self, op: &mut Create<()>) -> Result<Object, Diagnostics> {
        op.partial.record(|state| {
            state.set("id", "1");
        });
        op.private.set("made", &true).unwrap();
        let done = op
            .planned
            .clone()
            .with("id", "1")
            .with("size", 3)
            .with("key_wo", "secret");
        Self::misbehave(&op.planned.get::<String>("how")?, &op.stop, done).await
    }

    async fn read(&self, op: &mut Read<()>) -> Result<Option<Object>, Diagnostics> {
        let how: String = op.state.get("how")?;
        Self::misbehave(&how, &op.stop, op.state.clone())
            .await
            .map(Some)
    }

    async fn update(&self, op: &mut Update<()>) -> Result<Object, Diagnostics> {
        let done = op.planned.clone().with("size", 4);
        Self::misbehave(&op.planned.get::<String>("how")?, &op.stop, done).await
    }

    async fn delete(&self, op: &mut Delete<()>) -> Result<(), Diagnostics> {
        if op.reason == DeleteReason::Replace {
            op.warnings.warning(
                "Replaced",
                format!("plans: {:?}", op.private.get::<u32>("plans")),
            );
        } else {
            op.warnings.warning(
                "Destroyed",
                format!("{:?}", op.private.get::<bool>("destroy")),
            );
        }
        Self::misbehave(&op.state.get::<String>("how")?, &op.stop, Object::new())
            .await
            .map(drop)
    }
}

/// A configured service, and what core would send and store.
struct Core(Service<Unruly>);

type Planned = pb::plan_resource_change::Response;
type Applied = pb::apply_resource_change::Response;

impl Core {
    async fn configured() -> Self {
        let service = Service::new(Unruly, Arc::new(Operations::default()));
        let request = pb::configure_provider::Request::default();
        service
            .configure_provider(Request::new(request))
            .await
            .unwrap();
        Self(service)
    }

    #[allow(clippy::unnecessary_wraps, reason = "the messages want it so")]
    fn write(object: Option<Object>) -> Option<pb::DynamicValue> {
        let ty = Thing.schema().implied_type();
        let value = object.map_or(Value::Null, IntoValue::into_value);
        let value = shape(value, &ty, &crate::AttributePath::root()).unwrap();
        let msgpack = encode_msgpack(&ty, &value).unwrap().into();
        Some(pb::DynamicValue {
            msgpack,
            ..Default::default()
        })
    }

    async fn plan(
        &self,
        prior: Option<Object>,
        config: Option<Object>,
        private: Vec<u8>,
    ) -> Planned {
        let proposed = config.clone().map(|mut config| {
            if let Some(prior) = &prior {
                config.copy_from(prior, &["id", "size"]);
            }
            config
        });
        let request = pb::plan_resource_change::Request {
            type_name: "unruly_thing".to_owned(),
            prior_state: Self::write(prior),
            proposed_new_state: Self::write(proposed),
            config: Self::write(config),
            prior_private: private,
            ..Default::default()
        };
        self.0
            .plan_resource_change(Request::new(request))
            .await
            .unwrap()
            .into_inner()
    }

    async fn apply(
        &self,
        prior: Option<Object>,
        config: Option<Object>,
        planned: Planned,
    ) -> Applied {
        let request = pb::apply_resource_change::Request {
            type_name: "unruly_thing".to_owned(),
            prior_state: Self::write(prior),
            planned_state: planned.planned_state,
            config: Self::write(config),
            planned_private: planned.planned_private,
            ..Default::default()
        };
        self.0
            .apply_resource_change(Request::new(request))
            .await
            .unwrap()
            .into_inner()
    }

    async fn create(&self, how: &str) -> Applied {
        let config = Some(thing(how).with("key_wo", "secret"));
        let planned = self.plan(None, config.clone(), Vec::new()).await;
        assert_eq!(planned.diagnostics, []);
        self.apply(None, config, planned).await
    }
}

fn thing(how: &str) -> Object {
    Object::new().with("name", "a").with("how", how)
}

fn made(how: &str) -> Object {
    thing(how).with("id", "1").with("size", 3)
}

fn state(value: Option<&pb::DynamicValue>) -> Option<Object> {
    let ty = Thing.schema().implied_type();
    match decode_msgpack(&ty, &value?.msgpack).unwrap() {
        Value::Object(fields) => Some(fields.into_iter().collect()),
        _ => None,
    }
}

/// The state that core would store, and the errors it would show.
fn outcome(applied: &Applied) -> (Option<Object>, Vec<&str>) {
    let severity = i32::from(pb::diagnostic::Severity::Error);
    let errors = applied
        .diagnostics
        .iter()
        .filter(|d| d.severity == severity);
    (
        state(applied.new_state.as_ref()),
        errors.map(|d| d.detail.as_str()).collect(),
    )
}

#[tokio::test]
async fn c21_what_was_planned_is_what_comes_back() {
    let core = Core::configured().await;
    let applied = core.create("well").await;
    let (state, errors) = outcome(&applied);
    assert_eq!(errors, [""; 0]);
    let mut expected = made("well");
    expected.set_null("key_wo");
    assert_eq!(state, Some(expected));
    assert_eq!(applied.private, br#"{"made":true,"plans":1}"#);
    assert!(applied.new_identity.is_some());
}

#[tokio::test]
async fn w17_c25_a_panic_in_mid_create_keeps_what_exists() {
    let applied = Core::configured().await.create(PANIC).await;
    let (state, errors) = outcome(&applied);
    assert!(errors[0].contains("panicked: in the middle"), "{errors:?}");
    let state = state.unwrap();
    assert_eq!(state.get::<String>("id").unwrap(), "1");
    assert!(state.is_null("size") && state.is_null("key_wo"));
    assert!(applied.new_identity.is_some());
}

#[tokio::test]
async fn c23_c25_a_failed_create_keeps_what_exists() {
    let applied = Core::configured().await.create(FAIL).await;
    let (state, errors) = outcome(&applied);
    assert_eq!(errors, ["Try again."]);
    assert_eq!(state.unwrap().get::<String>("id").unwrap(), "1");
}

#[tokio::test]
async fn c24_a_misshapen_state_is_mended_and_reported() {
    let applied = Core::configured().await.create(MISSHAPEN).await;
    let (state, errors) = outcome(&applied);
    assert!(
        errors
            .iter()
            .any(|e| e.contains("size: expected number, found a string")),
        "{errors:?}"
    );
    assert!(
        errors.iter().any(|e| e.contains("no such attribute")),
        "{errors:?}"
    );
    assert_eq!(state.unwrap().get::<String>("id").unwrap(), "1");
}

#[tokio::test]
async fn c21_an_inconsistent_state_is_kept_and_reported() {
    let applied = Core::configured().await.create(INCONSISTENT).await;
    let (state, errors) = outcome(&applied);
    assert!(
        errors[0].contains("name is not what was planned"),
        "{errors:?}"
    );
    assert_eq!(state.unwrap().get::<String>("name").unwrap(), "another");
}

#[tokio::test]
async fn w20_w21_a_stopped_create_keeps_what_exists_and_the_provider_stays_usable() {
    let core = Core::configured().await;
    let (applied, ()) = tokio::join!(core.create(STOP), async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
            core.0
                .stop_provider(Request::new(pb::stop_provider::Request {}))
                .await
                .unwrap();
        }
    });
    let (state, errors) = outcome(&applied);
    assert!(errors[0].contains("stopped on request"), "{errors:?}");
    assert!(state.is_some());
    assert_eq!(outcome(&core.create("well").await).1, [""; 0]);
}

#[tokio::test]
async fn c23_a_failed_update_or_delete_keeps_the_prior_state() {
    let core = Core::configured().await;
    let prior = made("well");
    for how in [FAIL, PANIC] {
        let config = Some(thing(how));
        let planned = core
            .plan(Some(prior.clone()), config.clone(), Vec::new())
            .await;
        let applied = core.apply(Some(prior.clone()), config, planned).await;
        let (state, errors) = outcome(&applied);
        assert_eq!(errors.len(), 1);
        assert_eq!(state.unwrap().get::<String>("how").unwrap(), "well");
        let planned = core.plan(Some(made(how)), None, Vec::new()).await;
        let applied = core.apply(Some(made(how)), None, planned).await;
        assert_eq!(
            outcome(&applied).0.unwrap().get::<String>("how").unwrap(),
            how
        );
    }
}

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
