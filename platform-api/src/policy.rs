//! What they may do: the policies in force, and how new ones come.
//!
//! Policies come from one of three places ([`Settings`]): the program itself, a folder, or OPAL. OPAL's client is made to
//! feed a cedar-agent; [`router`] answers its calls, so that an unmodified client feeds us. What it writes is only laid
//! ready. When it has been quiet for a moment, all of it is checked as one set: a valid one takes the place of the old one
//! at once and as a whole, an invalid one is refused and reported, and the last good one stays ([`Policies::state`]).
//!
//! Before a first valid set, or when the feed has been silent for longer than it may be, there are no policies
//! ([`Policies::current`] fails): then everything is refused with 503, because nobody can say what is allowed.

pub mod check;
mod error;
mod feed;
mod folder;
mod holder;
mod kept;
mod routes;
mod settings;
mod stage;

#[cfg(test)]
mod tests;

pub use error::{LoadError, PolicyUnavailable};
pub use holder::{Policies, Refusal, State};
pub use routes::router;
pub use settings::{Feed, Settings};
