//! The program as a whole: started for real, with a real object store, killed, flooded and asked what nobody would ask.

#![allow(clippy::expect_used, clippy::panic)]

mod console;
mod corpus;
mod crash;
mod door;
mod events;
mod gitlab;
mod issuer;
mod lifecycle;
mod lists;
mod opal;
mod program;
mod race;
mod scene;
mod schemathesis;
mod searched;
mod static_environments;
mod statuses;
mod store;
mod terraform;
mod traced;
