//! The emulated cloud account.
