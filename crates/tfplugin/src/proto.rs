//! The wire's messages, generated from `proto/`.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    rust_2018_idioms,
    clippy::pedantic
)]

use std::fmt;

/// Terraform's provider service.
pub(crate) mod tfplugin6 {
    tonic::include_proto!("tfplugin6");
}

/// go-plugin's own services.
pub(crate) mod plugin {
    tonic::include_proto!("plugin");
}

/// Shows sizes only: values may be secret.
impl fmt::Debug for tfplugin6::DynamicValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "DynamicValue({} bytes)",
            self.msgpack.len() + self.json.len()
        )
    }
}

/// Shows sizes only: values may be secret.
impl fmt::Debug for tfplugin6::RawState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawState({} bytes)", self.json.len())
    }
}
