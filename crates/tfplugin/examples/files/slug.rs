//! `provider::files::slug`: a function.

use tfplugin::{
    Arguments, Function, FunctionError, IntoValue, Parameter, Signature, Type, value::Value,
};

pub(crate) struct Slug;

impl Function for Slug {
    fn name(&self) -> &'static str {
        "slug"
    }

    fn signature(&self) -> Signature {
        Signature::returning(Type::String)
            .parameter(Parameter::new(
                "title",
                Type::String,
                "Any text with a letter or digit in it.",
            ))
            .describe(
                "Makes a note's name of a title",
                "Lower case, and one `-` for everything else.",
            )
    }

    fn call(&self, arguments: &Arguments) -> Result<Value, FunctionError> {
        let title: String = arguments.get(0)?;
        let lower = title.to_lowercase();
        let words = lower
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty());
        let slug = words.collect::<Vec<_>>().join("-");
        if slug.is_empty() {
            return Err(FunctionError::argument(
                0,
                format!("{title:?} has neither letters nor digits"),
            ));
        }
        Ok(slug.into_value())
    }
}
