//! The index with a real engine, and with engines that fail.

mod agree;
mod converge;
mod documents;
mod node;
mod outage;
mod rebuild;
