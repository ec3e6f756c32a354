//! The registry: what it is asked and how.

use crate::answer::About;
use crate::challenge::Challenge;
use crate::error::RegistryError;
use crate::listing::{Listing, Listings};
use crate::paging::{MOST_PAGES, next_page};
use crate::settings::Settings;
use claims::Digest;
use reqwest::header::{ACCEPT, LINK, WWW_AUTHENTICATE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use url::Url;

/// Every kind of manifest: a registry converts, or refuses, when the right one is not asked for.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";
const TAGS_A_PAGE: &str = "1000";

/// One registry, shared by everybody who asks.
pub struct Registry {
    settings: Settings,
    http: Client,
    listings: Listings,
    /// Tokens by repository.
    tokens: Mutex<HashMap<String, SecretString>>,
}

#[derive(Deserialize)]
struct Page {
    /// `null` for a repository without tags.
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Token {
    token: Option<SecretString>,
    access_token: Option<SecretString>,
}

impl Registry {
    /// A client; nothing is asked yet.
    pub fn new(mut settings: Settings) -> Result<Self, RegistryError> {
        let refuse = |why: String| RegistryError::Address {
            address: settings.address.to_string(),
            why,
        };
        if !matches!(settings.address.scheme(), "http" | "https") {
            return Err(refuse(format!(
                "the scheme is {}",
                settings.address.scheme()
            )));
        }
        let http = Client::builder()
            .timeout(settings.request_timeout)
            .redirect(reqwest::redirect::Policy::limited(5))
            .build()
            .map_err(|error| refuse(error.to_string()))?;
        if !settings.address.path().ends_with('/') {
            let path = format!("{}/", settings.address.path());
            settings.address.set_path(&path);
        }
        Ok(Self {
            settings,
            http,
            listings: Listings::default(),
            tokens: Mutex::default(),
        })
    }

    /// Every tag of a repository, complete or not at all.
    pub async fn tags(&self, repository: &str) -> Result<Listing, RegistryError> {
        self.listings
            .get(&self.settings, repository, || self.fetch_tags(repository))
            .await
    }

    /// Drops the cached listing of a repository; the next one who asks fetches it.
    pub fn forget(&self, repository: &str) {
        self.listings.forget(repository);
    }

    /// The digest behind a tag, `None` if the registry has no such tag.
    pub async fn digest(
        &self,
        repository: &str,
        tag: &str,
    ) -> Result<Option<Digest>, RegistryError> {
        let address = self.address(repository, &format!("manifests/{tag}"))?;
        let head = self.send(Method::HEAD, &address, repository).await?;
        if head.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if let Some(digest) = said_digest(&head) {
            return Ok(Some(digest));
        }
        // Not every registry answers HEAD, or names the digest; the manifest's own bytes always do.
        let response = self.send(Method::GET, &address, repository).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let about = self.about(repository);
        if !response.status().is_success() {
            return Err(about.refusal(response).await);
        }
        let manifest = response
            .bytes()
            .await
            .map_err(|error| about.unavailable(plain(&error)))?;
        Ok(Some(Digest::of_sha256(Sha256::digest(&manifest).into())))
    }

    async fn fetch_tags(&self, repository: &str) -> Result<BTreeSet<String>, RegistryError> {
        let about = self.about(repository);
        let mut address = self.address(repository, "tags/list")?;
        address.query_pairs_mut().append_pair("n", TAGS_A_PAGE);
        let mut tags = BTreeSet::new();
        let mut visited = HashSet::new();
        while visited.insert(address.clone()) {
            if visited.len() > MOST_PAGES {
                return Err(about.malformed(format!("more than {MOST_PAGES} pages of tags")));
            }
            let response = self.send(Method::GET, &address, repository).await?;
            if !response.status().is_success() {
                return Err(about.refusal(response).await);
            }
            let link = response
                .headers()
                .get(LINK)
                .and_then(|link| link.to_str().ok());
            let next = next_page(&address, link);
            let body = response
                .bytes()
                .await
                .map_err(|error| about.unavailable(plain(&error)))?;
            let page: Page = serde_json::from_slice(&body)
                .map_err(|error| about.malformed(format!("a page of tags: {error}")))?;
            tags.extend(page.tags.unwrap_or_default());
            match next {
                Some(next) => address = next,
                None => return Ok(tags),
            }
        }
        Err(about.malformed("its pages of tags lead in a circle"))
    }

    /// Sends one request, and once more with a token if the registry asks for one.
    async fn send(
        &self,
        method: Method,
        address: &Url,
        repository: &str,
    ) -> Result<Response, RegistryError> {
        let request = || {
            self.http
                .request(method.clone(), address.clone())
                .header(ACCEPT, MANIFESTS)
        };
        let first = match self.token(repository) {
            Some(token) => request().bearer_auth(token.expose_secret()),
            None => self.signed(request()),
        };
        let response = self.answer(first, repository).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let challenge = response
            .headers()
            .get(WWW_AUTHENTICATE)
            .and_then(|header| header.to_str().ok())
            .and_then(Challenge::read);
        let Some(challenge) = challenge else {
            return Ok(response);
        };
        let token = self.fetch_token(&challenge, repository).await?;
        let again = request().bearer_auth(token.expose_secret());
        self.lock_tokens().insert(repository.to_owned(), token);
        self.answer(again, repository).await
    }

    async fn fetch_token(
        &self,
        challenge: &Challenge,
        repository: &str,
    ) -> Result<SecretString, RegistryError> {
        let about = self.about(repository);
        let mut request = self.http.get(challenge.address());
        if challenge.may_have_password_of(&self.settings.address) {
            request = self.signed(request);
        }
        let response = self.answer(request, repository).await?;
        if !response.status().is_success() {
            return Err(about.refusal(response).await);
        }
        let body = response
            .bytes()
            .await
            .map_err(|error| about.unavailable(plain(&error)))?;
        // The error of the parser could quote the token.
        let token: Token = serde_json::from_slice(&body)
            .map_err(|_| about.malformed("its token service sent no token"))?;
        token
            .token
            .or(token.access_token)
            .ok_or_else(|| about.malformed("its token service sent no token"))
    }

    async fn answer(
        &self,
        request: RequestBuilder,
        repository: &str,
    ) -> Result<Response, RegistryError> {
        request
            .send()
            .await
            .map_err(|error| self.about(repository).unavailable(plain(&error)))
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.settings.credentials {
            Some(own) => request.basic_auth(&own.user, Some(own.password.expose_secret())),
            None => request,
        }
    }

    fn token(&self, repository: &str) -> Option<SecretString> {
        self.lock_tokens().get(repository).cloned()
    }

    fn lock_tokens(&self) -> std::sync::MutexGuard<'_, HashMap<String, SecretString>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn address(&self, repository: &str, below: &str) -> Result<Url, RegistryError> {
        let odd = repository.is_empty()
            || repository
                .split('/')
                .any(|part| matches!(part, "" | "." | ".."));
        if odd {
            return Err(self
                .about(repository)
                .malformed("that is no name of a repository"));
        }
        self.settings
            .address
            .join(&format!("v2/{repository}/{below}"))
            .map_err(|error| self.about(repository).malformed(error.to_string()))
    }

    fn about<'a>(&'a self, repository: &'a str) -> About<'a> {
        About {
            registry: self.settings.address.as_str(),
            repository,
        }
    }
}

fn said_digest(response: &Response) -> Option<Digest> {
    let said = response
        .headers()
        .get("docker-content-digest")?
        .to_str()
        .ok()?;
    response
        .status()
        .is_success()
        .then(|| Digest::read(said))
        .flatten()
}

/// The error without the address, which stands in ours already.
fn plain(error: &reqwest::Error) -> String {
    let mut causes = vec![];
    let mut next: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.pop().unwrap_or_else(|| {
        if error.is_timeout() {
            "it took too long".to_owned()
        } else {
            error.to_string()
        }
    })
}
