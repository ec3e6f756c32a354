//! `unruly_thing`: a managed resource that breaks rules.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use tfplugin::{
    Attribute, AttributePath, Block, Create, Delete, Diagnostic, Diagnostics, IdentitySchema,
    Import, MoveSource, Object, Plan, Read, Resource, Schema, Type, Update, Value, async_trait,
};

/// Another number each time: what no plan may hold.
static NUMBER: AtomicU32 = AtomicU32::new(1);

pub(crate) struct Thing;

fn next() -> u32 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

fn same_word(a: &Value, b: &Value) -> bool {
    match (a.as_str(), b.as_str()) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => false,
    }
}

#[async_trait]
impl Resource<()> for Thing {
    fn type_name(&self) -> &'static str {
        "unruly_thing"
    }

    fn schema(&self) -> Schema {
        let text = || Attribute::string().optional();
        let pool = [
            ("plan", Attribute::string().required()),
            ("id", Attribute::string().computed()),
        ];
        let key = |name: &'static str| (name, text());
        Schema::new()
            .attribute("id", Attribute::string().computed().never_null())
            .attribute("name", Attribute::string().required().requires_replace())
            .attribute("breaks", text())
            .attribute("size", Attribute::number().computed_from(["breaks"]))
            .attribute("note", text())
            .attribute("word", text().same_when(same_word))
            .attribute("loose", text().computed())
            .attribute("pin", text().sensitive())
            .attribute("tags", Attribute::set(Type::String).optional())
            .attribute("number", Attribute::number().optional())
            .attribute("pools", Attribute::map_of(pool).optional())
            .attribute("key_wo", text().write_only())
            .block("zone", Block::list([key("at")]))
            .block("spare", Block::list([key("at")]).computed())
    }

    fn identity(&self) -> Option<IdentitySchema> {
        Some(IdentitySchema::new().required("id", Type::String, "The id."))
    }

    async fn plan(&self, op: &mut Plan<()>) -> Result<(), Diagnostics> {
        let plans: u32 = op.private.get("plans").unwrap_or(0);
        remember(op, "plans", plans + 1)?;
        match op.config.value("breaks").as_str() {
            Some("c09") => drop(op.planned.set("size", next())),
            Some("c11") => drop(op.planned.set("name", "not what was configured")),
            Some("c12") => drop(op.planned.set("note", "made up")),
            Some("c15") => {
                let pool = Object::new().with("plan", "made up");
                let pools: BTreeMap<&str, Object> = [("made_up", pool)].into();
                op.planned.set("pools", pools);
            }
            Some("c16") => {
                let zone = Object::new().with("at", "made up");
                op.planned.set("zone", vec![zone]);
            }
            Some("c17") => drop(op.planned.set("key_wo", "kept")),
            Some("c18") => {
                op.require_replace(
                    AttributePath::from("pools")
                        .key("nowhere")
                        .attribute("plan"),
                );
            }
            Some("chosen") => {
                let chosen = op.choose("size", next).map_err(|e| bug(&e))?;
                if let Some(size) = chosen {
                    op.planned.set("size", size);
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn create(&self, op: &mut Create<()>) -> Result<Object, Diagnostics> {
        let id = format!("thing:{}", op.planned.get::<String>("name")?);
        op.partial.record(|state| {
            state.set("id", &id);
        });
        let breaks: Option<String> = op.planned.get("breaks")?;
        if breaks.as_deref() == Some("deaf") {
            std::future::pending::<()>().await;
        }
        misbehave(breaks.as_deref(), made(&op.planned, &id))
    }

    async fn read(&self, op: &mut Read<()>) -> Result<Option<Object>, Diagnostics> {
        let mut state = op.state.clone();
        if state.is_null("name") {
            let id: String = state.get("id")?;
            state.set("name", id.trim_start_matches("thing:"));
        }
        match state.value("note").as_str() {
            Some("gone") => return Ok(None),
            Some("denied") => {
                return Err(Diagnostic::error("Not allowed", "The token is refused.").into());
            }
            Some("dim") => drop(state.set_unknown("size")),
            Some("leaky") => drop(state.set("key_wo", "kept")),
            _ => {}
        }
        Ok(Some(state))
    }

    async fn update(&self, op: &mut Update<()>) -> Result<Object, Diagnostics> {
        let breaks: Option<String> = op.planned.get("breaks")?;
        let id: String = op.prior.get("id")?;
        misbehave(breaks.as_deref(), made(&op.planned, &id))
    }

    async fn delete(&self, op: &mut Delete<()>) -> Result<(), Diagnostics> {
        let plans: u32 = op.private.get("plans").unwrap_or(0);
        op.warnings.warning("Deleted", format!("plans: {plans}"));
        match op.state.value("note").as_str() {
            Some("stuck") => Err(Diagnostic::error("It is stuck", "Pull harder.").into()),
            _ => Ok(()),
        }
    }

    async fn import(&self, op: &mut Import<()>) -> Result<Object, Diagnostics> {
        Ok(Object::new()
            .with("id", op.text("id")?)
            .with("key_wo", "kept"))
    }

    fn move_from(&self, source: &MoveSource) -> Result<Option<Object>, Diagnostics> {
        let name = source.state["name"].as_str().unwrap_or_default();
        let known = source.type_name == "other_thing";
        Ok(known.then(|| Object::new().with("id", format!("thing:{name}"))))
    }
}

fn remember(op: &mut Plan<()>, name: &str, value: u32) -> Result<(), Diagnostics> {
    op.private.set(name, &value).map_err(|e| bug(&e))
}

fn bug(error: &serde_json::Error) -> Diagnostics {
    Diagnostic::bug(error.to_string()).into()
}

/// A thing as it should be.
fn made(planned: &Object, id: &str) -> Object {
    let mut thing = planned.clone();
    thing.set("id", id);
    if thing.is_unknown("size") {
        thing.set("size", 3);
    }
    if thing.is_unknown("loose") {
        thing.set("loose", "made");
    }
    if thing.is_unknown("spare") {
        thing.set("spare", vec![Object::new().with("at", "there")]);
    }
    if let Value::Map(pools) = thing.value_mut("pools") {
        for (key, pool) in pools {
            if let Value::Object(pool) = pool {
                pool.insert("id".to_owned(), Value::String(format!("pool:{key}")));
            }
        }
    }
    thing
}

/// A thing as it should not be.
fn misbehave(breaks: Option<&str>, thing: Object) -> Result<Object, Diagnostics> {
    match breaks {
        Some("c17") => Ok(thing.with("key_wo", "kept")),
        Some("c21") => Ok(thing.with("name", "another")),
        Some("c22") => {
            let mut thing = thing;
            thing.set_unknown("size");
            Ok(thing)
        }
        Some("c23") => Err(Diagnostic::error("The cloud said no", "Try again.").into()),
        Some("c24") => Ok(thing.with("size", "no number").with("extra", 1)),
        Some("c25") => panic!("in the middle of it"),
        _ => Ok(thing),
    }
}
