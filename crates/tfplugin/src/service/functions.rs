//! Functions are called.

use std::sync::Arc;

use super::{Inner, wire};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::function::{Arguments, FunctionError};
use crate::path::AttributePath;
use crate::proto::tfplugin6 as pb;
use crate::provider::Provider;
use crate::stop::Stop;
use crate::value::shape;

use pb::call_function::{Request, Response};

impl<P: Provider> Inner<P> {
    pub(super) async fn call_function(
        self: Arc<Self>,
        request: Request,
        _: Stop,
    ) -> Result<Response, Diagnostics> {
        let Some(function) = self.catalog().functions.get(&request.name) else {
            let detail = format!("This provider has no function {:?}.", request.name);
            return Err(Diagnostic::error("Unknown function", detail).into());
        };
        let mut arguments = Vec::new();
        for (position, argument) in request.arguments.iter().enumerate() {
            let Some(parameter) = function.signature.parameter_at(position) else {
                return Err(Diagnostic::bug(format!("There is no parameter {position}.")).into());
            };
            let value = wire::decode(&parameter.ty, Some(argument))?;
            arguments.push((parameter.name.clone(), value));
        }
        let result = match function.handler.call(&Arguments(arguments)) {
            Ok(value) => value,
            Err(error) => return Ok(refused(error)),
        };
        let result = shape(
            result,
            &function.signature.returns,
            &AttributePath::from("the result"),
        )?;
        Ok(Response {
            result: Some(wire::encode(&function.signature.returns, &result)?),
            error: None,
        })
    }
}

fn refused(error: FunctionError) -> Response {
    let position = error
        .argument
        .and_then(|position| i64::try_from(position).ok());
    Response {
        result: None,
        error: Some(pb::FunctionError {
            text: error.text,
            function_argument: position,
        }),
    }
}
