//! Who somebody is, with a real OIDC provider on the other side.
#![allow(clippy::expect_used, clippy::panic)]

mod oidc;
mod programs;
