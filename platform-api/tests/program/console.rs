//! The page for people, in a real browser: signed in at an issuer, with the real program and a real store behind it.

mod accessible;
mod browser;
mod keyboard;
mod person;
pub(crate) mod sign_in;
mod world;
