//! Who asks: bearer tokens of OIDC issuers.
//!
//! A token is believed when an issuer that the settings name has signed it with a key that it publishes, for us, and for
//! now. What the token says about its subject becomes an [`authz::Principal`] by the rules of the settings.
//!
//! Keys are fetched by discovery and kept. A token that names a key we do not know makes us look again, but only so often:
//! whoever sends nonsense cannot make us call the issuer for each request. When the issuer is down, kept keys serve until
//! [`Settings::keys_serve_for`]; after that nobody can be recognised, which is our failure (503) and not the caller's (401).

mod error;
mod issuer;
mod keys;
mod mapping;
mod settings;
mod token;
mod verifier;

#[cfg(test)]
mod tests;

pub use error::IdentityError;
pub use mapping::{AccountRule, People, Pipelines};
pub use settings::{IssuerSettings, Settings, SettingsError, SigningAlgorithm};
pub use verifier::Verifier;
