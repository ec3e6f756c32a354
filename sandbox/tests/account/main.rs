//! The emulated account over HTTP, with its time stepped by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cloud;
mod faults;
mod hosts;
mod lesser_objects;
mod lifecycle;
mod networks;
mod nodes;
mod paging;
mod prices;
mod stand_in_cluster;
mod wording;
