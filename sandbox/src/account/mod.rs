//! The emulated Vultr account.
//!
//! [`state`] is the account as data and knows neither HTTP nor processes; [`service`] gives it a clock and carries out what it
//! wants done outside; [`api`] speaks the vendor's `/v2`, [`control`] the sandbox's own `/_sandbox`; [`faults`] and [`journal`]
//! sit between a call and its effect.

mod api;
mod bill;
mod catalogue;
mod clock;
mod control;
mod diff;
mod faults;
mod handle;
mod http;
mod journal;
mod kubernetes;
mod refusal;
mod seeded;
mod service;
mod state;
mod table;

pub use bill::{Bill, BillLine};
pub use clock::{Clock, ClockError, ClockOrder, ClockView, Pace};
pub use diff::{Difference, diff};
pub use faults::{FaultOrder, HostFault};
pub use http::{ApiServer, serve};
pub use journal::Entry;
pub(crate) use kubernetes::PREFIX as CLUSTERS_PREFIX;
pub use refusal::Refusal;
pub use seeded::random_seed;
pub use service::{Account, AccountOptions};
pub use state::{Object, Snapshot};
