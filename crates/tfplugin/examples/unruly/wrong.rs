//! Schemas that core would refuse.

use tfplugin::{
    Attribute, Block, Create, DataSource, Delete, Diagnostics, Object, Read, ReadData, Resource,
    Schema, Type, async_trait,
};

pub(crate) struct Wrong;

#[async_trait]
impl Resource<()> for Wrong {
    fn type_name(&self) -> &'static str {
        "unruly_wrong"
    }

    fn schema(&self) -> Schema {
        let text = Attribute::string;
        let inner = || [("a", Attribute::string().optional())];
        Schema::new()
            .attribute("nobody", text())
            .attribute("both", text().required().computed())
            .attribute("Upper", text().optional())
            .attribute("count", text().optional())
            .attribute("clash", text().optional())
            .block("clash", Block::list(inner()))
            .block(
                "least_above_most",
                Block::list(inner()).at_least(3).at_most(1),
            )
            .attribute("any_set", Attribute::set(Type::Dynamic).optional())
            .attribute(
                "secrets",
                Attribute::set_of([("wo", text().optional().write_only())]).optional(),
            )
            .attribute("made_wo", text().optional().computed().write_only())
    }

    async fn create(&self, op: &mut Create<()>) -> Result<Object, Diagnostics> {
        Ok(op.planned.clone())
    }

    async fn read(&self, op: &mut Read<()>) -> Result<Option<Object>, Diagnostics> {
        Ok(Some(op.state.clone()))
    }

    async fn delete(&self, _: &mut Delete<()>) -> Result<(), Diagnostics> {
        Ok(())
    }
}

#[async_trait]
impl DataSource<()> for Wrong {
    fn type_name(&self) -> &'static str {
        "unruly_wrong"
    }

    fn schema(&self) -> Schema {
        Schema::new().attribute("read_wo", Attribute::string().optional().write_only())
    }

    async fn read(&self, op: &mut ReadData<()>) -> Result<Object, Diagnostics> {
        Ok(op.config.clone())
    }
}
