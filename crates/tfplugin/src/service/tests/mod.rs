//! The service as core drives it, with a resource that does whatever goes wrong.

mod requests;
mod states;
mod streams;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use tonic::Request;

use super::*;
use crate::proto::tfplugin6::provider_server::Provider as Rpc;
use crate::value::{IntoValue, Object, Value, decode_msgpack, encode_msgpack, shape};
use crate::{
    Attribute, Configure, Create, Delete, DeleteReason, IdentitySchema, Import, MoveSource, Plan,
    PlanDestroy, Read, Resource, Schema, Type, Update,
};

/// What goes wrong in an operation on a thing.
const PANIC: &str = "panic";
const FAIL: &str = "fail";
const MISSHAPEN: &str = "misshapen";
const INCONSISTENT: &str = "inconsistent";
const STOP: &str = "stop";

/// What a plan chooses: another value each time.
static CHOSEN: AtomicU32 = AtomicU32::new(1);

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

    fn list_resources(&self) -> Vec<Box<dyn crate::ListResource<()>>> {
        vec![Box::new(streams::Things)]
    }

    fn actions(&self) -> Vec<Box<dyn crate::Action<()>>> {
        vec![Box::new(streams::Poke)]
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
        if op.config.value("how").as_str() == Some("random") {
            let size = op.choose("size", || CHOSEN.fetch_add(1, Ordering::Relaxed));
            if let Some(size) = size.unwrap() {
                op.planned.set("size", size);
            }
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

    async fn import(&self, op: &mut Import<()>) -> Result<Object, Diagnostics> {
        Ok(Object::new().with("id", op.text("id")?))
    }

    fn move_from(&self, source: &MoveSource) -> Result<Option<Object>, Diagnostics> {
        let known = source.type_name == "unruly_item";
        Ok(known.then(|| Object::new().with("id", source.state["number"].to_string())))
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
