//! Actions, lists, generated configurations, and what Terraform 1.16 adds.

use futures::{StreamExt, TryStreamExt};

use super::*;
use crate::proto::tfplugin6::invoke_action::event::Type as Said;
use crate::{Action, Block, Found, Invoke, List, ListResource, PlanAction};

pub(super) struct Poke;

#[async_trait]
impl Action<()> for Poke {
    fn type_name(&self) -> &'static str {
        "unruly_poke"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .attribute("how", Attribute::string().required())
            .attribute("times", Attribute::number().default(2))
            .attribute("key_wo", Attribute::string().optional().write_only())
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        let mut problems = Diagnostics::new();
        if config.value("how").as_str() == Some("never") {
            problems.error_at("how", "Not so", "It cannot be poked like that.");
        }
        problems
    }

    async fn plan(&self, op: &mut PlanAction<()>) -> Result<(), Diagnostics> {
        let times: u32 = op.config.get("times")?;
        op.warnings.warning("Careful", format!("{times} times"));
        Ok(())
    }

    async fn invoke(&self, op: &mut Invoke<()>) -> Result<(), Diagnostics> {
        for turn in 0..op.config.get::<u32>("times")? {
            op.progress.say(format!("turn {turn}"));
        }
        let progress = op.progress.clone();
        tokio::spawn(async move {
            std::future::pending::<()>().await;
            progress.say("never");
        });
        op.warnings.warning("Sore", "It has been poked.");
        let how: String = op.config.get("how")?;
        Thing::misbehave(&how, &op.stop, Object::new())
            .await
            .map(drop)
    }
}

pub(super) struct Things;

#[async_trait]
impl ListResource<()> for Things {
    fn type_name(&self) -> &'static str {
        "unruly_thing"
    }

    fn schema(&self) -> Schema {
        Schema::new().attribute("how", Attribute::string().default("well"))
    }

    async fn list(&self, op: &mut List<()>) -> Result<(), Diagnostics> {
        let how: String = op.config.get("how")?;
        op.warnings.warning("Old", "Some may be gone.");
        for number in 0..5 {
            let identity = match how.as_str() {
                MISSHAPEN if number == 2 => Object::new().with("no such attribute", 1),
                _ => Object::new().with("id", number.to_string()),
            };
            let found = Found::new(identity, format!("thing {number}"));
            let found = found.with_object(made("well").with("key_wo", "secret"));
            if op.push(found).is_break() {
                return Ok(());
            }
            if number == 2 {
                Thing::misbehave(&how, &op.stop, Object::new()).await?;
            }
        }
        Ok(())
    }
}

#[allow(clippy::unnecessary_wraps, reason = "the messages want it so")]
fn config_of(schema: &Schema, object: Object) -> Option<pb::DynamicValue> {
    let ty = schema.implied_type();
    let value = shape(object.into_value(), &ty, &crate::AttributePath::root()).unwrap();
    Some(wire::encode(&ty, &value).unwrap())
}

impl Core {
    async fn invoke(&self, how: &str) -> Vec<Said> {
        let request = pb::invoke_action::Request {
            action_type: "unruly_poke".to_owned(),
            config: config_of(&Poke.schema(), Object::new().with("how", how)),
            client_capabilities: None,
        };
        let stream = self.0.invoke_action(Request::new(request)).await.unwrap();
        let events: Vec<_> = stream.into_inner().try_collect().await.unwrap();
        events.into_iter().map(|e| e.r#type.unwrap()).collect()
    }

    async fn list(&self, how: &str, limit: i64, objects: bool) -> Vec<pb::list_resource::Event> {
        let request = pb::list_resource::Request {
            type_name: "unruly_thing".to_owned(),
            config: config_of(&Things.schema(), Object::new().with("how", how)),
            include_resource_object: objects,
            limit,
        };
        let stream = self.0.list_resource(Request::new(request)).await.unwrap();
        stream.into_inner().try_collect().await.unwrap()
    }
}

fn completed(said: &[Said]) -> Vec<&str> {
    let ends: Vec<_> = said
        .iter()
        .filter_map(|said| match said {
            Said::Completed(completed) => Some(&completed.diagnostics),
            Said::Progress(_) => None,
        })
        .collect();
    assert_eq!(ends.len(), 1, "exactly one end");
    assert!(
        matches!(said.last(), Some(Said::Completed(_))),
        "at the end"
    );
    ends[0].iter().map(|d| d.detail.as_str()).collect()
}

#[tokio::test]
async fn actions_tell_how_far_they_are_and_end_once() {
    let core = Core::configured().await;
    let said = core.invoke("well").await;
    let turns = said.iter().filter_map(|said| match said {
        Said::Progress(progress) => Some(progress.message.as_str()),
        Said::Completed(_) => None,
    });
    assert_eq!(turns.collect::<Vec<_>>(), ["turn 0", "turn 1"]);
    assert_eq!(completed(&said), ["It has been poked."]);
}

#[tokio::test]
async fn actions_end_once_whatever_goes_wrong() {
    let core = Core::configured().await;
    let failed = core.invoke(FAIL).await;
    assert_eq!(completed(&failed), ["It has been poked.", "Try again."]);
    let panicked = core.invoke(PANIC).await;
    assert!(completed(&panicked)[0].contains("panicked: in the middle"));
    let (stopped, ()) = tokio::join!(core.invoke(STOP), async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
            let stop = pb::stop_provider::Request {};
            core.0.stop_provider(Request::new(stop)).await.unwrap();
        }
    });
    assert!(completed(&stopped)[1].contains("stopped on request"));
    let unconfigured = Core(Service::new(Unruly, Arc::new(Operations::default())));
    let said = unconfigured.invoke("well").await;
    assert!(completed(&said)[0].contains("before it was configured"));
}

#[tokio::test]
async fn an_action_that_core_hangs_up_on_is_stopped() {
    let core = Core::configured().await;
    let request = pb::invoke_action::Request {
        action_type: "unruly_poke".to_owned(),
        config: config_of(&Poke.schema(), Object::new().with("how", STOP)),
        client_capabilities: None,
    };
    let stream = core.0.invoke_action(Request::new(request)).await.unwrap();
    let mut stream = stream.into_inner();
    assert!(stream.next().await.is_some());
    drop(stream);
    core.0.0.operations.idle().await;
}

#[tokio::test]
async fn actions_are_validated_and_planned() {
    let core = Core::configured().await;
    let validate = |how: &str| pb::validate_action_config::Request {
        action_type: "unruly_poke".to_owned(),
        config: config_of(&Poke.schema(), Object::new().with("how", how)),
    };
    for (how, problems) in [("well", 0), ("never", 1)] {
        let request = Request::new(validate(how));
        let answer = core.0.validate_action_config(request).await.unwrap();
        assert_eq!(answer.into_inner().diagnostics.len(), problems, "{how}");
    }
    let request = pb::plan_action::Request {
        action_type: "unruly_poke".to_owned(),
        config: validate("well").config,
        client_capabilities: None,
    };
    let answer = core.0.plan_action(Request::new(request)).await.unwrap();
    assert_eq!(answer.into_inner().diagnostics[0].detail, "2 times");
}

#[tokio::test]
async fn lists_name_each_object_and_carry_its_state_if_asked() {
    let core = Core::configured().await;
    let events = core.list("well", 0, false).await;
    let (warning, objects) = events.split_last().unwrap();
    assert_eq!((objects.len(), warning.diagnostic.len()), (5, 1));
    assert!(warning.identity.is_none());
    for event in objects {
        assert!(event.identity.is_some() && event.resource_object.is_none());
    }
    assert_eq!(objects[4].display_name, "thing 4");
    let events = core.list("well", 0, true).await;
    let object = state(events[0].resource_object.as_ref()).unwrap();
    assert_eq!(object.get::<String>("id").unwrap(), "1");
    assert!(object.is_null("key_wo"));
}

#[tokio::test]
async fn lists_stop_at_the_limit_and_at_the_first_error() {
    let core = Core::configured().await;
    let named = |events: &[pb::list_resource::Event]| {
        events.iter().filter(|e| e.identity.is_some()).count()
    };
    assert_eq!(named(&core.list("well", 2, false).await), 2);
    for (how, before, text) in [
        (FAIL, 3, "Try again."),
        (PANIC, 3, "panicked: in the middle"),
        (MISSHAPEN, 2, "no such attribute"),
    ] {
        let events = core.list(how, 0, false).await;
        assert_eq!(named(&events), before, "{how}");
        let last = &events.last().unwrap().diagnostic;
        assert!(last.last().unwrap().detail.contains(text), "{last:?}");
    }
}

#[tokio::test]
async fn metadata_and_schemas_list_everything_and_nothing_of_a_list_or_action_is_computed() {
    let core = Core::configured().await;
    let metadata = core
        .0
        .get_metadata(Request::new(pb::get_metadata::Request {}))
        .await
        .unwrap();
    let metadata = metadata.into_inner();
    assert_eq!(metadata.actions[0].type_name, "unruly_poke");
    assert_eq!(metadata.list_resources[0].type_name, "unruly_thing");
    let schemas = core
        .0
        .get_provider_schema(Request::new(pb::get_provider_schema::Request {}))
        .await;
    let schemas = schemas.unwrap().into_inner();
    assert_eq!(schemas.diagnostics, []);
    assert!(
        schemas
            .server_capabilities
            .unwrap()
            .generate_resource_config
    );
    let poke = schemas.action_schemas["unruly_poke"].schema.as_ref();
    let things = &schemas.list_resource_schemas["unruly_thing"];
    for schema in [poke.unwrap(), things] {
        let attributes = &schema.block.as_ref().unwrap().attributes;
        assert!(
            attributes
                .iter()
                .all(|a| !a.computed && (a.required || a.optional))
        );
    }
}

#[tokio::test]
async fn c36_a_generated_configuration_holds_what_may_be_configured() {
    let core = Core::configured().await;
    let request = pb::generate_resource_config::Request {
        type_name: "unruly_thing".to_owned(),
        state: Core::write(Some(made("well"))),
    };
    let answer = core.0.generate_resource_config(Request::new(request)).await;
    let config = state(answer.unwrap().into_inner().config.as_ref()).unwrap();
    assert_eq!(config.get::<String>("name").unwrap(), "a");
    assert!(config.is_null("id") && config.is_null("size"));
}

#[tokio::test]
async fn c09_what_a_plan_chose_comes_back_where_core_keeps_it() {
    let core = Core::configured().await;
    let config = thing("random");
    let ask = |client, planned_private| pb::plan_resource_change::Request {
        type_name: "unruly_thing".to_owned(),
        proposed_new_state: Core::write(Some(config.clone())),
        config: Core::write(Some(config.clone())),
        client_capabilities: client,
        planned_private,
        ..Default::default()
    };
    let newer = Some(pb::ClientCapabilities {
        store_planned_private: true,
        ..Default::default()
    });
    let plan = async |request| {
        let planned = core.0.plan_resource_change(Request::new(request)).await;
        let planned = planned.unwrap().into_inner();
        assert_eq!(planned.diagnostics, []);
        (
            state(planned.planned_state.as_ref()).unwrap(),
            planned.planned_private,
        )
    };
    let (first, private) = plan(ask(newer, Vec::new())).await;
    let (second, _) = plan(ask(newer, private.clone())).await;
    let (another, _) = plan(ask(newer, Vec::new())).await;
    assert!(first.is_known("size"));
    assert_eq!(first, second);
    assert_ne!(first, another);
    let (older, _) = plan(ask(None, private)).await;
    assert!(older.is_unknown("size"));
}

#[test]
fn c16_computed_blocks_are_planned_only_where_core_accepts_them() {
    use crate::checks::check_plan;
    use crate::planning::{Fields, apply_rules};
    let block = Block::list([("at", Attribute::string().optional())]);
    let schema = Schema::new().block("zone", block.computed());
    let config: Fields = [("zone".to_owned(), Value::List(Vec::new()))].into();
    let planned = |allowed| {
        let mut planned = config.clone();
        apply_rules(schema.body(), &mut planned, &config, None, allowed);
        planned
    };
    assert!(planned(true)["zone"].is_unknown());
    assert_eq!(planned(false), config);
    let refused =
        |allowed| !check_plan(schema.body(), &planned(true), &config, None, allowed).is_empty();
    assert!(refused(false) && !refused(true));
}
