//! From a bearer token to a principal.

use super::error::IdentityError;
use super::issuer::Source;
use super::keys::{Keys, Times};
use super::mapping::{Pipelines, authenticated_at};
use super::settings::{IssuerSettings, Settings, SettingsError};
use super::token::{Unverified, shortened};
use authz::Principal;
use jiff::Timestamp;
use serde_json::Value;

/// Recognises who sends a token. Share one: it keeps the keys.
#[derive(Debug)]
pub struct Verifier {
    issuers: Vec<Issuer>,
    leeway: i64,
}

#[derive(Debug)]
struct Issuer {
    settings: IssuerSettings,
    keys: Keys,
}

impl Verifier {
    /// Believes the issuers of the settings. Asks none of them yet.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let (times, leeway) = (Times::of(&settings), settings.leeway_seconds.into());
        let issuers = settings.issuers.into_iter().map(|settings| {
            let source = Source::new(&settings)?;
            let keys = Keys::new(&settings.issuer, source, times);
            Ok(Issuer { settings, keys })
        });
        Ok(Self {
            issuers: issuers.collect::<Result<_, _>>()?,
            leeway,
        })
    }

    /// Who sends this token, now.
    pub async fn verify(&self, bearer: &str) -> Result<Principal, IdentityError> {
        self.verify_at(bearer, Timestamp::now()).await
    }

    /// Who sends this token at a time.
    pub async fn verify_at(
        &self,
        bearer: &str,
        now: Timestamp,
    ) -> Result<Principal, IdentityError> {
        let token = Unverified::read(bearer)?;
        let issuer = self
            .issuers
            .iter()
            .find(|issuer| issuer.settings.issuer == token.issuer)
            .ok_or_else(|| {
                IdentityError::refused(format!(
                    "its issuer `{}` is not believed here",
                    shortened(&token.issuer)
                ))
            })?;
        let algorithm = token.algorithm(&issuer.settings)?;
        let key = issuer.keys.find(token.key_id(), algorithm, now).await?;
        let claims = token.verify(&key, algorithm, &issuer.settings, self.leeway, now)?;
        issuer.settings.principal(&claims)
    }
}

impl IssuerSettings {
    /// The principal that verified claims speak of: a program that the settings name, a pipeline, or a person.
    fn principal(&self, claims: &Value) -> Result<Principal, IdentityError> {
        let principal = if let Some((name, rule)) = self.program(claims) {
            rule.principal(name)
        } else if let Some(pipelines) = self
            .pipelines
            .as_ref()
            .filter(|_| Pipelines::concerns(claims))
        {
            pipelines.read(claims)?
        } else if let Some(people) = &self.people {
            people.read(claims)?
        } else {
            return Err(IdentityError::Unknown {
                why: "its subject is no program or pipeline that the settings name".to_owned(),
            });
        };
        Ok(match authenticated_at(claims) {
            Some(at) => principal.authenticated(at),
            None => principal,
        })
    }

    /// The program that a token was made for. A token that a person got through a program's client is that person's: the
    /// client counts only where the token has no subject.
    fn program(&self, claims: &Value) -> Option<(&str, &super::mapping::AccountRule)> {
        let subject = claims["sub"].as_str();
        let client = claims["client_id"]
            .as_str()
            .or_else(|| claims["azp"].as_str());
        let name = match (subject, client) {
            (Some(subject), _) => subject,
            (None, Some(client)) => client,
            (None, None) => return None,
        };
        self.service_accounts
            .get_key_value(name)
            .map(|(name, rule)| (name.as_str(), rule))
    }
}
