//! Things that are there: a data source, and a list for queries.

use tfplugin::{
    Attribute, DataSource, Diagnostic, Diagnostics, Found, List, ListResource, Object, ReadData,
    Schema, async_trait,
};

/// `data "unruly_data"`.
pub(crate) struct Data;

#[async_trait]
impl DataSource<()> for Data {
    fn type_name(&self) -> &'static str {
        "unruly_data"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .attribute("name", Attribute::string().required())
            .attribute("size", Attribute::number().computed())
    }

    async fn read(&self, op: &mut ReadData<()>) -> Result<Object, Diagnostics> {
        let answer = op.config.clone().with("size", 1);
        match op.config.get::<String>("name")?.as_str() {
            "another" => Ok(answer.with("name", "not what was asked for")),
            "unknown" => {
                let mut answer = answer;
                answer.set_unknown("size");
                Ok(answer)
            }
            "missing" => Err(Diagnostic::error("No such thing", "It is missing.").into()),
            _ => Ok(answer),
        }
    }
}

/// `list "unruly_thing"`.
pub(crate) struct Things;

#[async_trait]
impl ListResource<()> for Things {
    fn type_name(&self) -> &'static str {
        "unruly_thing"
    }

    fn schema(&self) -> Schema {
        Schema::new().attribute("panic_at", Attribute::number().optional())
    }

    async fn list(&self, op: &mut List<()>) -> Result<(), Diagnostics> {
        let panic_at: Option<usize> = op.config.get("panic_at")?;
        for number in 0..10_usize {
            assert_ne!(Some(number), panic_at, "lost count");
            let id = number.to_string();
            let state = Object::new().with("id", &id).with("name", &id);
            let found = Found::new(Object::new().with("id", &id), format!("thing {id}"));
            if op.push(found.with_object(state)).is_break() {
                break;
            }
        }
        Ok(())
    }
}
