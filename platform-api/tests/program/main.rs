//! The program as a whole: started for real, with a real object store, killed, flooded and asked what nobody would ask.

mod crash;
mod door;
mod issuer;
mod program;
mod race;
mod schemathesis;
mod store;
mod terraform;
