//! The token itself: its form, its signature, its validity.

use super::error::IdentityError;
use super::settings::IssuerSettings;
use jiff::Timestamp;
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde_json::Value;

/// Tokens with many groups have some kilobytes.
const LONGEST: usize = 16 * 1024;

/// A token before anything of it is believed.
#[derive(Debug)]
pub(super) struct Unverified<'token> {
    token: &'token str,
    header: Header,
    /// Who it says has made it: chooses the keys, proves nothing.
    pub(super) issuer: String,
}

impl<'token> Unverified<'token> {
    /// Reads the form of a token.
    pub(super) fn read(token: &'token str) -> Result<Self, IdentityError> {
        let malformed = |why: &str| IdentityError::Malformed {
            why: why.to_owned(),
        };
        if token.len() > LONGEST {
            return Err(malformed("it is longer than 16 KiB"));
        }
        let header = decode_header(token)
            .map_err(|_| malformed("its header cannot be read, or names no known algorithm"))?;
        if header.crit.is_some() {
            return Err(malformed("its header demands extensions"));
        }
        let claims: Value =
            insecure_decode_claims(token).map_err(|_| malformed("its claims cannot be read"))?;
        let issuer = claims["iss"]
            .as_str()
            .ok_or_else(|| malformed("it names no issuer"))?;
        Ok(Self {
            token,
            header,
            issuer: issuer.to_owned(),
        })
    }

    /// The algorithm, if the issuer may use it.
    pub(super) fn algorithm(&self, issuer: &IssuerSettings) -> Result<Algorithm, IdentityError> {
        let algorithm = self.header.alg;
        if issuer
            .algorithms
            .iter()
            .any(|allowed| allowed.known() == algorithm)
        {
            Ok(algorithm)
        } else {
            Err(IdentityError::refused(format!(
                "it is signed by {algorithm:?}, which is not accepted from its issuer"
            )))
        }
    }

    /// The name of the key that it is signed with.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// Its claims, if the key has signed them and they are for us and for now.
    pub(super) fn verify(
        &self,
        key: &DecodingKey,
        algorithm: Algorithm,
        issuer: &IssuerSettings,
        leeway: i64,
        now: Timestamp,
    ) -> Result<Value, IdentityError> {
        // The library checks the signature alone: times are held against the clock that is handed in.
        let mut signature_only = Validation::new(algorithm);
        signature_only.required_spec_claims.clear();
        signature_only.validate_exp = false;
        signature_only.validate_aud = false;
        let claims: Value = decode(self.token, key, &signature_only)
            .map_err(|_| IdentityError::refused("its signature is wrong"))?
            .claims;
        if claims["iss"] != *issuer.issuer {
            return Err(IdentityError::refused("it comes from another issuer"));
        }
        if !names_audience(&claims["aud"], &issuer.audiences) {
            return Err(IdentityError::refused(format!(
                "it is for another audience than {}",
                issuer.audiences.join(" or ")
            )));
        }
        check_times(&claims, leeway, now.as_second())?;
        Ok(claims)
    }
}

fn names_audience(named: &Value, ours: &[String]) -> bool {
    match named {
        Value::String(name) => ours.contains(name),
        Value::Array(several) => several
            .iter()
            .any(|name| ours.iter().any(|our| name == our.as_str())),
        _ => false,
    }
}

fn check_times(claims: &Value, leeway: i64, now: i64) -> Result<(), IdentityError> {
    let expires = seconds(&claims["exp"])
        .ok_or_else(|| IdentityError::refused("it does not say when it ends"))?;
    if now >= expires.saturating_add(leeway) {
        return Err(IdentityError::refused(format!(
            "it ended {} seconds ago",
            now.saturating_sub(expires)
        )));
    }
    for (name, what) in [("nbf", "is valid only in"), ("iat", "is made in")] {
        match (&claims[name], seconds(&claims[name])) {
            (Value::Null, _) => {}
            (_, Some(begins)) if begins <= now.saturating_add(leeway) => {}
            (_, Some(begins)) => {
                return Err(IdentityError::refused(format!(
                    "it {what} the future, by {} seconds; see whether the clocks agree",
                    begins.saturating_sub(now)
                )));
            }
            (_, None) => return Err(IdentityError::refused(format!("its `{name}` is no time"))),
        }
    }
    Ok(())
}

/// A time of a token; some issuers write fractions.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a fraction of a second and numbers beyond all time do not matter"
)]
fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        value
            .as_f64()
            .filter(|seconds| seconds.is_finite())
            .map(|seconds| seconds as i64)
    })
}

/// A word of a token, short and plain enough for a message.
pub(super) fn shortened(word: &str) -> String {
    word.chars()
        .filter(|letter| !letter.is_control())
        .take(80)
        .collect()
}
