//! The wire's messages and the client's calls, generated from the protocol's files.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    rust_2018_idioms,
    clippy::pedantic
)]

/// Terraform's provider service.
pub(crate) mod tfplugin6 {
    tonic::include_proto!("tfplugin6");
}

/// go-plugin's controller.
pub(crate) mod plugin {
    tonic::include_proto!("plugin");
}
