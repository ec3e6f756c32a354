//! `provider::slipway::resolve_version`: which tag a version constraint of a claim means.

use claims::{Constraint, resolve};
use tfplugin::{Arguments, Function, FunctionError, IntoValue, Parameter, Signature, Type, Value};

/// The function.
pub(crate) struct ResolveVersion;

impl Function for ResolveVersion {
    fn name(&self) -> &'static str {
        "resolve_version"
    }

    fn signature(&self) -> Signature {
        Signature::returning(Type::String)
            .parameter(Parameter::new(
                "constraint",
                Type::String,
                "A version constraint as claims have it: `v1.2.3`, `^1.0.0.0` (at least), `1.x.x.x`, `>=1.2.0, <2.0.0`, `latest` or `*`.",
            ))
            .parameter(Parameter::new("available", Type::list(Type::String), "The tags that exist, in any order."))
            .describe(
                "Resolves a version constraint to a tag",
                "Chooses the newest of the tags that satisfy a constraint, by the same rules as the platform does for the services of a claim. \
                 Tags that are no versions are chosen by their own name only, pre-releases only by a constraint that names one.",
            )
    }

    fn call(&self, arguments: &Arguments) -> Result<Value, FunctionError> {
        let text: String = arguments.get(0)?;
        let available: Vec<String> = arguments.get(1)?;
        let constraint: Constraint = text
            .parse()
            .map_err(|error| FunctionError::argument(0, format!("{error}")))?;
        let chosen = resolve(&constraint, &available)
            .map_err(|error| FunctionError::argument(1, error.to_string()))?;
        Ok(chosen.tag.into_value())
    }
}
