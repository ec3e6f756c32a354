//! Functions: pure computations for configurations, `provider::acme::name(...)`.

use crate::path::AttributePath;
use crate::value::{FromValue, Type, Value, ValueError};

/// A pure function: the same arguments give the same result, on an unconfigured provider, without I/O.
pub trait Function: Send + Sync {
    /// The name, without the provider's.
    fn name(&self) -> &str;

    /// Parameters, result and description.
    fn signature(&self) -> Signature;

    /// Computes the result.
    fn call(&self, arguments: &Arguments) -> Result<Value, FunctionError>;
}

/// One parameter of a function.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) allow_null: bool,
    pub(crate) description: String,
}

impl Parameter {
    /// A parameter that is neither null nor unknown.
    #[must_use]
    pub fn new(name: impl Into<String>, ty: Type, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ty,
            allow_null: false,
            description: description.into(),
        }
    }

    /// Takes null, too.
    #[must_use]
    pub fn or_null(mut self) -> Self {
        self.allow_null = true;
        self
    }
}

/// What a function takes and gives.
#[derive(Clone, Debug)]
pub struct Signature {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) variadic: Option<Parameter>,
    pub(crate) returns: Type,
    pub(crate) summary: String,
    pub(crate) description: String,
}

impl Signature {
    /// A function without parameters that gives this type.
    #[must_use]
    pub fn returning(ty: Type) -> Self {
        Self {
            parameters: Vec::new(),
            variadic: None,
            returns: ty,
            summary: String::new(),
            description: String::new(),
        }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Takes any number of further arguments.
    #[must_use]
    pub fn variadic(mut self, parameter: Parameter) -> Self {
        self.variadic = Some(parameter);
        self
    }

    /// One line, and the whole story in Markdown.
    #[must_use]
    pub fn describe(mut self, summary: impl Into<String>, markdown: impl Into<String>) -> Self {
        self.summary = summary.into();
        self.description = markdown.into();
        self
    }

    /// The parameter that an argument at this position belongs to.
    pub(crate) fn parameter_at(&self, position: usize) -> Option<&Parameter> {
        self.parameters.get(position).or(self.variadic.as_ref())
    }
}

/// The arguments of one call.
pub struct Arguments(pub(crate) Vec<(String, Value)>);

impl Arguments {
    /// The argument at a position, counted from 0; the error names it.
    pub fn get<T: FromValue>(&self, position: usize) -> Result<T, FunctionError> {
        let Some((name, value)) = self.0.get(position) else {
            return Err(FunctionError::new(format!(
                "argument {position} is missing"
            )));
        };
        T::from_value(value, &AttributePath::from(name.as_str()))
            .map_err(|error| FunctionError::argument(position, error.to_string()))
    }

    /// The arguments from a position on: those of a variadic parameter.
    pub fn rest<T: FromValue>(&self, from: usize) -> Result<Vec<T>, FunctionError> {
        (from..self.0.len())
            .map(|position| self.get(position))
            .collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why a function has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct FunctionError {
    /// What is wrong.
    pub text: String,
    /// The argument that is to blame, counted from 0.
    pub argument: Option<usize>,
}

impl FunctionError {
    /// An error of the call as a whole.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            argument: None,
        }
    }

    /// An error of one argument, counted from 0.
    #[must_use]
    pub fn argument(position: usize, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            argument: Some(position),
        }
    }
}

impl From<ValueError> for FunctionError {
    fn from(error: ValueError) -> Self {
        Self::new(error.to_string())
    }
}
