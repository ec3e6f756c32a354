//! `files_notes`: a data source.

use tfplugin::{Attribute, DataSource, Diagnostics, Object, ReadData, Schema, Type, async_trait};

use crate::store::Store;

pub(crate) struct Notes;

#[async_trait]
impl DataSource<Store> for Notes {
    fn type_name(&self) -> &'static str {
        "files_notes"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .describe("The names of the notes.")
            .attribute(
                "prefix",
                Attribute::string()
                    .default("")
                    .describe("What the names begin with."),
            )
            .attribute(
                "names",
                Attribute::list(Type::String)
                    .computed()
                    .describe("The names in order."),
            )
    }

    async fn read(&self, op: &mut ReadData<Store>) -> Result<Object, Diagnostics> {
        let prefix: String = op.config.get("prefix")?;
        let mut names = op.client.names()?;
        names.retain(|name| name.starts_with(&prefix));
        Ok(op.config.clone().with("names", names))
    }
}
