//! A platform's own API, as the second way to a claim: for people who have rights there and no key of the account.

use std::time::Duration;

use claim_store::ETag;
use claims::status::Status;
use claims::{Claim, EnvironmentName, Fault as ClaimFault, FaultKind, Faults};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use url::Url;
use uuid::Uuid;

use crate::fault::{self, Fault};

const REQUEST_WITHIN: Duration = Duration::from_secs(30);
/// A request that got no answer is sent again: reads change nothing, and writes carry a key that makes two of them one.
const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// No server's wish for a pause keeps a user longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The API of one platform.
pub(crate) struct PlatformApi {
    http: reqwest::Client,
    environments: Url,
    token: SecretString,
}

/// An environment as the API tells it.
#[derive(Debug)]
pub(crate) struct ApiEnvironment {
    pub(crate) claim: Claim,
    /// State of the claim.
    pub(crate) etag: ETag,
    /// What the controller says; it may be about an earlier claim.
    pub(crate) status: Option<Status>,
}

/// Why the API did not do what it was asked.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The environment exists already, or is being taken down.
    Conflict(Fault),
    /// There is none that the caller may see.
    Missing(Fault),
    /// The claim has faults.
    Faults(Faults),
    /// Everything else.
    Other(Fault),
}

#[derive(Deserialize)]
struct Told {
    etag: String,
    claim: Json,
    status: Option<Json>,
    withdrawn: Option<Json>,
}

#[derive(Deserialize)]
struct Accepted {
    environment: Told,
}

/// RFC 9457, with the fields of this API.
#[derive(Deserialize)]
struct Problem {
    detail: String,
    code: String,
    action: String,
    #[serde(default)]
    faults: Vec<ToldFault>,
    #[serde(default)]
    policies: Vec<String>,
}

#[derive(Deserialize)]
struct ToldFault {
    pointer: String,
    message: String,
}

/// An answer, with what it takes to judge it.
struct Answer {
    status: u16,
    pause: Option<Duration>,
    body: Vec<u8>,
}

impl PlatformApi {
    /// Prepares a client; nothing is sent yet.
    pub(crate) fn new(address: &Url, token: SecretString) -> Result<Self, Fault> {
        let refused = |why: String| {
            Fault::new(
                fault::PROVIDER_SETTINGS,
                format!("platform_api_url is {:?}: {why}.", address.as_str()),
            )
        };
        let mut base = address.clone();
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        let environments = base
            .join("api/v1/environments")
            .map_err(|error| refused(error.to_string()))?;
        let http = reqwest::Client::builder()
            .timeout(REQUEST_WITHIN)
            // A token goes to the address that was named and to no other.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!(
                "terraform-provider-slipway/",
                env!("CARGO_PKG_VERSION")
            ))
            .build()
            .map_err(|error| refused(error.to_string()))?;
        Ok(Self {
            http,
            environments,
            token,
        })
    }

    /// The environment of that name as the store has it now; one that was taken back counts as none.
    pub(crate) async fn get(
        &self,
        name: &EnvironmentName,
    ) -> Result<Option<ApiEnvironment>, ApiError> {
        let doing = format!("reading environment {name}");
        let request = self
            .http
            .get(self.address_of(name))
            .header("cache-control", "no-cache");
        match self.told::<Told>(&doing, request).await {
            Ok(told) if told.withdrawn.is_some() => Ok(None),
            Ok(told) => self.environment(&doing, &told).map(Some),
            Err(ApiError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks for a new environment.
    pub(crate) async fn create(&self, claim: &Claim, id: Uuid) -> Result<ApiEnvironment, ApiError> {
        let doing = format!("asking for environment {}", claim.environment_name);
        let request = self.http.post(self.environments.clone());
        self.changed(&doing, with_claim(request, claim), id).await
    }

    /// Puts another claim in the place of one in exactly that state.
    pub(crate) async fn replace(
        &self,
        etag: &ETag,
        claim: &Claim,
        id: Uuid,
    ) -> Result<ApiEnvironment, ApiError> {
        let doing = format!("changing environment {}", claim.environment_name);
        let request = self
            .http
            .put(self.address_of(&claim.environment_name))
            .header("if-match", etag.as_str());
        self.changed(&doing, with_claim(request, claim), id).await
    }

    /// Takes back a claim in exactly that state. One that is gone already is fine.
    pub(crate) async fn withdraw(
        &self,
        name: &EnvironmentName,
        etag: &ETag,
        id: Uuid,
    ) -> Result<(), ApiError> {
        let doing = format!("withdrawing the claim of environment {name}");
        let request = self
            .http
            .delete(self.address_of(name))
            .header("if-match", etag.as_str());
        match self.changed(&doing, request, id).await {
            Ok(_) | Err(ApiError::Missing(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn address_of(&self, name: &EnvironmentName) -> Url {
        let mut address = self.environments.clone();
        address.set_path(&format!("{}/{name}", self.environments.path()));
        address
    }

    async fn changed(
        &self,
        doing: &str,
        request: reqwest::RequestBuilder,
        id: Uuid,
    ) -> Result<ApiEnvironment, ApiError> {
        let request = request.header("idempotency-key", id.to_string());
        let accepted: Accepted = self.told(doing, request).await?;
        self.environment(doing, &accepted.environment)
    }

    fn environment(&self, doing: &str, told: &Told) -> Result<ApiEnvironment, ApiError> {
        let odd = |why: String| ApiError::Other(self.odd(doing, &why));
        let claim = Claim::read(told.claim.to_string().as_bytes());
        let status = told.status.as_ref().map(Status::from_value).transpose();
        Ok(ApiEnvironment {
            claim: claim.map_err(|faults| odd(faults.to_string()))?,
            etag: ETag::from(format!("\"{}\"", told.etag.trim_matches('"'))),
            status: status.map_err(|faults| odd(faults.list()))?,
        })
    }

    async fn told<T: DeserializeOwned>(
        &self,
        doing: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<T, ApiError> {
        let answer = self.send(doing, request).await.map_err(ApiError::Other)?;
        if !(200..300).contains(&answer.status) {
            return Err(self.refusal(doing, &answer));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| ApiError::Other(self.odd(doing, &error.to_string())))
    }

    /// Sends a request until there is an answer that means something.
    async fn send(&self, doing: &str, request: reqwest::RequestBuilder) -> Result<Answer, Fault> {
        let request = request.bearer_auth(self.token.expose_secret());
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            // Claims are in memory, so a request can always be copied.
            let again = request.try_clone();
            let tried = match again {
                Some(copy) => answer_to(copy).await,
                None => Err("the request cannot be sent".to_owned()),
            };
            let wait = match &tried {
                Ok(answer) if !matches!(answer.status, 429 | 502..=504) => None,
                Ok(answer) => Some(answer.pause.unwrap_or(pause)),
                Err(_) => Some(pause),
            };
            match (tried, wait) {
                (Ok(answer), None) => return Ok(answer),
                (Ok(answer), Some(_)) if attempt == ATTEMPTS => return Ok(answer),
                (Err(why), _) if attempt == ATTEMPTS => {
                    return Err(Fault::new(
                        fault::API_SILENT,
                        format!(
                            "{}: {} did not answer: {why}. Check platform_api_url and the way there, and apply again: what was sent before is recognised.",
                            capital(doing),
                            self.environments
                        ),
                    ));
                }
                (_, wait) => tokio::time::sleep(wait.unwrap_or(pause).min(LONGEST_PAUSE)).await,
            }
            attempt += 1;
            pause *= 2;
        }
    }

    fn refusal(&self, doing: &str, answer: &Answer) -> ApiError {
        let Ok(problem) = serde_json::from_slice::<Problem>(&answer.body) else {
            let why = format!("HTTP {} without a word", answer.status);
            return ApiError::Other(self.odd(doing, &why));
        };
        if !problem.faults.is_empty() && problem.code == fault::BAD_CLAIM.code {
            return ApiError::Faults(Faults(
                problem.faults.into_iter().map(claim_fault).collect(),
            ));
        }
        let by = match problem.policies.as_slice() {
            [] => String::new(),
            policies => format!(" (policy {})", policies.join(", ")),
        };
        let mut faults = String::new();
        for one in &problem.faults {
            faults.extend(["; ", &one.pointer, ": ", &one.message]);
        }
        let words = format!(
            "{}: {}{by}{faults}; {}",
            problem.code, problem.detail, problem.action
        );
        let fault = Fault::told(summary(answer.status), doing, &words);
        match answer.status {
            404 | 410 => ApiError::Missing(fault),
            409 => ApiError::Conflict(fault),
            _ => ApiError::Other(fault),
        }
    }

    fn odd(&self, doing: &str, why: &str) -> Fault {
        Fault::new(
            fault::API_ODD,
            format!(
                "{}: {} answered with something else than a platform's API does: {why}. Check platform_api_url.",
                capital(doing),
                self.environments
            ),
        )
    }
}

impl ApiError {
    /// The fault, with those of a claim in one.
    pub(crate) fn into_fault(self) -> Fault {
        match self {
            Self::Conflict(fault) | Self::Missing(fault) | Self::Other(fault) => fault,
            Self::Faults(faults) => Fault::new(fault::BAD_CLAIM, format!("{}.", faults.list())),
        }
    }
}

/// The same words for the same thing as when the store is asked itself.
fn summary(status: u16) -> &'static str {
    match status {
        401 => "Platform API does not accept the token",
        403 => "Platform API does not allow it",
        404 | 410 => fault::NO_SUCH_CLAIM.summary,
        409 => "Claim exists already",
        412 => "Claim was changed by somebody else",
        _ => "Platform API refused",
    }
}

fn with_claim(request: reqwest::RequestBuilder, claim: &Claim) -> reqwest::RequestBuilder {
    request
        .header("content-type", "application/json")
        .body(claim.to_json())
}

async fn answer_to(request: reqwest::RequestBuilder) -> Result<Answer, String> {
    let answer = request.send().await.map_err(|error| causes(&error))?;
    let pause = answer
        .headers()
        .get("retry-after")
        .and_then(|seconds| seconds.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    Ok(Answer {
        status: answer.status().as_u16(),
        pause,
        body: answer.bytes().await.map_err(|error| causes(&error))?.into(),
    })
}

/// An error with what is behind it; the outermost one alone says only that sending failed.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut inner = std::error::Error::source(error);
    while let Some(cause) = inner {
        text = format!("{text}: {cause}");
        inner = cause.source();
    }
    text
}

fn claim_fault(told: ToldFault) -> ClaimFault {
    ClaimFault {
        pointer: told.pointer,
        kind: FaultKind::Invalid,
        message: told.message,
    }
}

fn capital(doing: &str) -> String {
    let mut letters = doing.chars();
    letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
        .collect()
}
