//! One attribute: its type, who sets it, and how it behaves.

use std::fmt;
use std::sync::Arc;

use super::Body;
use super::rules::{Computation, Replacement, SameMeaning};
use super::validate::Validator;
use crate::value::{IntoValue, Type, Value};

/// How nested attributes are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One object.
    Single,
    /// Objects in order.
    List,
    /// Objects without order.
    Set,
    /// Objects by key.
    Map,
}

impl Nesting {
    /// The type of values that hold objects this way.
    pub(crate) fn of(self, object: Type) -> Type {
        match self {
            Self::Single => object,
            Self::List => Type::list(object),
            Self::Set => Type::set(object),
            Self::Map => Type::map(object),
        }
    }
}

/// What an attribute holds.
#[derive(Clone, Debug)]
pub(crate) enum AttributeKind {
    /// A value of a type.
    Plain(Type),
    /// Objects with attributes of their own.
    Nested(Nesting, Body),
}

/// An attribute of a schema. Say `required`, `optional`, `computed`, or the last two together; a default makes it
/// optional and computed.
#[derive(Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "the protocol's own independent flags"
)]
pub struct Attribute {
    pub(crate) kind: AttributeKind,
    pub(crate) required: bool,
    pub(crate) optional: bool,
    pub(crate) computed: bool,
    pub(crate) sensitive: bool,
    pub(crate) write_only: bool,
    pub(crate) description: String,
    pub(crate) deprecation: Option<String>,
    pub(crate) default: Option<Value>,
    pub(crate) never_null: bool,
    pub(crate) computation: Computation,
    pub(crate) replacement: Replacement,
    pub(crate) same_meaning: Option<SameMeaning>,
    pub(crate) validators: Vec<Arc<dyn Validator>>,
}

impl Attribute {
    fn new(kind: AttributeKind) -> Self {
        Self {
            kind,
            required: false,
            optional: false,
            computed: false,
            sensitive: false,
            write_only: false,
            description: String::new(),
            deprecation: None,
            default: None,
            never_null: false,
            computation: Computation::Keep,
            replacement: Replacement::Never,
            same_meaning: None,
            validators: Vec::new(),
        }
    }

    /// An attribute of any type.
    #[must_use]
    pub fn of(ty: Type) -> Self {
        Self::new(AttributeKind::Plain(ty))
    }

    /// Text.
    #[must_use]
    pub fn string() -> Self {
        Self::of(Type::String)
    }

    /// A number.
    #[must_use]
    pub fn number() -> Self {
        Self::of(Type::Number)
    }

    /// `true` or `false`.
    #[must_use]
    pub fn bool() -> Self {
        Self::of(Type::Bool)
    }

    /// A list of plain values.
    #[must_use]
    pub fn list(element: Type) -> Self {
        Self::of(Type::list(element))
    }

    /// A set of plain values.
    #[must_use]
    pub fn set(element: Type) -> Self {
        Self::of(Type::set(element))
    }

    /// A map of plain values.
    #[must_use]
    pub fn map(element: Type) -> Self {
        Self::of(Type::map(element))
    }

    fn nested<N: Into<String>>(
        nesting: Nesting,
        attributes: impl IntoIterator<Item = (N, Attribute)>,
    ) -> Self {
        Self::new(AttributeKind::Nested(
            nesting,
            Body::of_attributes(attributes),
        ))
    }

    /// One object with attributes of its own.
    #[must_use]
    pub fn single<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::nested(Nesting::Single, attributes)
    }

    /// A list of objects with attributes of their own.
    #[must_use]
    pub fn list_of<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::nested(Nesting::List, attributes)
    }

    /// A set of objects with attributes of their own. Prefer maps: the plan shows their changes better.
    #[must_use]
    pub fn set_of<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::nested(Nesting::Set, attributes)
    }

    /// A map of objects with attributes of their own.
    #[must_use]
    pub fn map_of<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::nested(Nesting::Map, attributes)
    }

    /// The user must set it.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The user may set it.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The provider sets it. Unknown until created; afterwards its value is kept in every plan.
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.computed = true;
        self
    }

    /// The provider sets it, and it may change when one of these attributes beside it does: only then is it
    /// `(known after apply)` in the plan of an update.
    #[must_use]
    pub fn computed_from<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.computation(Computation::From(names))
    }

    /// The provider sets it, and any update may change it.
    #[must_use]
    pub fn computed_on_every_change(self) -> Self {
        self.computation(Computation::OnEveryChange)
    }

    fn computation(mut self, computation: Computation) -> Self {
        self.computed = true;
        self.computation = computation;
        self
    }

    /// The provider takes this value where the user sets none. The attribute is optional and computed then.
    #[must_use]
    pub fn default(mut self, value: impl IntoValue) -> Self {
        self.optional = true;
        self.computed = true;
        self.default = Some(value.into_value());
        self
    }

    /// While unknown it is promised not to be null, so that conditions on it are decided in the plan already.
    #[must_use]
    pub fn never_null(mut self) -> Self {
        self.never_null = true;
        self
    }

    /// Its value is hidden in Terraform's output; it is stored in clear text all the same.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Its value is in the configuration only: never in plan or state. For secrets.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// What it means, in Markdown.
    #[must_use]
    pub fn describe(mut self, markdown: impl Into<String>) -> Self {
        self.description = markdown.into();
        self
    }

    /// Marks it as deprecated, with what to use instead.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecation = Some(message.into());
        self
    }

    /// A changed value needs a new object.
    #[must_use]
    pub fn requires_replace(mut self) -> Self {
        self.replacement = Replacement::OnChange;
        self
    }

    /// A changed value needs a new object if this says so of the prior and the planned value. The planned one may be
    /// unknown.
    #[must_use]
    pub fn requires_replace_if(mut self, decide: fn(&Value, &Value) -> bool) -> Self {
        self.replacement = Replacement::If(decide);
        self
    }

    /// Two values that mean the same: the plan keeps the prior text then, and shows no change.
    #[must_use]
    pub fn same_when(mut self, same: fn(&Value, &Value) -> bool) -> Self {
        self.same_meaning = Some(SameMeaning(same));
        self
    }

    /// Checks known values in the configuration.
    #[must_use]
    pub fn validate(mut self, validator: impl Validator + 'static) -> Self {
        self.validators.push(Arc::new(validator));
        self
    }

    /// True if a user may set it.
    #[must_use]
    pub fn is_configurable(&self) -> bool {
        self.required || self.optional
    }

    /// The type of its values.
    #[must_use]
    pub fn implied_type(&self) -> Type {
        match &self.kind {
            AttributeKind::Plain(ty) => ty.clone(),
            AttributeKind::Nested(nesting, body) => nesting.of(body.implied_type()),
        }
    }

    /// Its objects, if it holds objects.
    pub(crate) fn nest(&self) -> Option<(Nesting, &Body)> {
        match &self.kind {
            AttributeKind::Nested(nesting, body) => Some((*nesting, body)),
            AttributeKind::Plain(_) => None,
        }
    }

    /// Its value while nobody knows it.
    pub(crate) fn unknown_value(&self) -> Value {
        if self.never_null {
            Value::unknown_not_null()
        } else {
            Value::unknown()
        }
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attribute")
            .field("type", &self.implied_type())
            .field("required", &self.required)
            .field("optional", &self.optional)
            .field("computed", &self.computed)
            .field("sensitive", &self.sensitive)
            .field("write_only", &self.write_only)
            .finish_non_exhaustive()
    }
}
