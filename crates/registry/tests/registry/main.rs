//! The client against a real registry program, and against answers that no well-behaved one gives.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod odd_answers;
mod program;
mod real;
mod script;
