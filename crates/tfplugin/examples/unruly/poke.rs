//! `unruly_poke`: an action.

use tfplugin::{Action, Attribute, Diagnostic, Diagnostics, Invoke, Schema, async_trait};

pub(crate) struct Poke;

#[async_trait]
impl Action<()> for Poke {
    fn type_name(&self) -> &'static str {
        "unruly_poke"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .describe("Pokes.")
            .attribute(
                "times",
                Attribute::number().default(1).describe("How often."),
            )
            .attribute(
                "breaks",
                Attribute::string().optional().describe("What goes wrong."),
            )
    }

    async fn invoke(&self, op: &mut Invoke<()>) -> Result<(), Diagnostics> {
        for turn in 1..=op.config.get::<u32>("times")? {
            op.progress.say(format!("poked {turn}"));
        }
        match op.config.value("breaks").as_str() {
            Some("panic") => panic!("poked too hard"),
            Some("stop") => Ok(op.stop.or_stopped(std::future::pending()).await?),
            Some(how) => Err(Diagnostic::error("It does not move", how).into()),
            None => Ok(()),
        }
    }
}
