//! `files_key`: an ephemeral resource.

use tfplugin::{
    Attribute, Close, Diagnostic, Diagnostics, EphemeralResource, Object, Open, Schema, async_trait,
};

use crate::store::Store;

pub(crate) struct Key;

#[async_trait]
impl EphemeralResource<Store> for Key {
    fn type_name(&self) -> &'static str {
        "files_key"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .describe("A key to a note, for the time of one run.")
            .attribute(
                "note",
                Attribute::string().required().describe("The note's name."),
            )
            .attribute(
                "key",
                Attribute::string()
                    .computed()
                    .sensitive()
                    .describe("The key."),
            )
    }

    async fn open(&self, op: &mut Open<Store>) -> Result<Object, Diagnostics> {
        let note: String = op.config.get("note")?;
        op.client.journal(&format!("opened {note}"))?;
        let kept = op.private.set("note", &note);
        kept.map_err(|error| Diagnostic::bug(format!("A name has no JSON form: {error}.")))?;
        Ok(op
            .config
            .clone()
            .with("key", format!("ephemeral-key-of-{note}")))
    }

    async fn close(&self, op: &mut Close<Store>) -> Result<(), Diagnostics> {
        let note: String = op.private.get("note").unwrap_or_default();
        Ok(op.client.journal(&format!("closed {note}"))?)
    }
}
