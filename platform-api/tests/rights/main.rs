//! Who somebody is and what they may do, with the real programs on the other side: an OIDC provider, and OPAL.
#![allow(clippy::expect_used, clippy::panic)]

mod oidc;
mod opal;
mod programs;
