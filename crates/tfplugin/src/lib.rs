#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod action;
mod checks;
mod data_source;
mod diagnostic;
mod ephemeral;
mod function;
mod list_resource;
mod partial;
mod path;
mod planning;
mod private;
mod proto;
mod provider;
mod resource;
pub mod schema;
mod server;
mod service;
mod stop;
pub mod value;

pub use async_trait::async_trait;

pub use action::{Action, Invoke, PlanAction, Progress};
pub use data_source::{DataSource, ReadData};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use ephemeral::{Close, EphemeralResource, Open, Renew};
pub use function::{Arguments, Function, FunctionError, Parameter, Signature};
pub use list_resource::{Found, List, ListResource};
pub use partial::PartialState;
pub use path::{AttributePath, Step};
pub use private::Private;
pub use provider::{Configure, Provider};
pub use resource::{
    Change, Create, Delete, DeleteReason, Import, ImportBy, MoveSource, Plan, PlanDestroy, Read,
    Resource, Update,
};
pub use schema::{Attribute, Block, IdentitySchema, Schema};
pub use server::{HclogLayer, Options, ServeError, run, serve};
pub use service::check_schemas;
pub use stop::{Stop, Stopped};
pub use value::{Attr, FromValue, IntoValue, Number, Object, Type, Value, ValueError};
