//! Tokens against an issuer that lives in the test.

mod issuer;
mod keys;
mod subjects;
mod token;
