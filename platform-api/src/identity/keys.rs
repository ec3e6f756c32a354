//! The keys of an issuer, kept: fresh enough, and fetched seldom enough.

use super::error::IdentityError;
use super::issuer::Source;
use super::settings::{Settings, fits};
use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard};

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct Keys {
    issuer: String,
    source: Source,
    times: Times,
    kept: ArcSwapOption<Kept>,
    /// Held while the issuer is asked, so that it is asked once however many wait.
    asking: Mutex<Asked>,
}

/// How old keys may be, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    refresh_after: i64,
    serve_for: i64,
    pause: i64,
}

struct Kept {
    fetched: Timestamp,
    keys: Vec<Key>,
}

struct Key {
    id: Option<String>,
    algorithm: Option<String>,
    public: Arc<DecodingKey>,
}

/// When the issuer was asked last, and what went wrong.
#[derive(Debug, Default)]
struct Asked {
    last: Option<Timestamp>,
    failure: Option<String>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept")
            .field("fetched", &self.fetched)
            .field("keys", &self.keys.len())
            .finish()
    }
}

impl Times {
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            refresh_after: settings.refresh_keys_after.into(),
            serve_for: settings.keys_serve_for.into(),
            pause: settings.pause_between_fetches.into(),
        }
    }
}

impl Keys {
    pub(super) fn new(issuer: &str, source: Source, times: Times) -> Self {
        Self {
            issuer: issuer.to_owned(),
            source,
            times,
            kept: ArcSwapOption::empty(),
            asking: Mutex::default(),
        }
    }

    /// The key that a token names.
    pub(super) async fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<Arc<DecodingKey>, IdentityError> {
        let found = self.kept(id, algorithm, now);
        match found {
            Some((key, age)) if age < self.times.refresh_after => Ok(key),
            // Good enough for this request, so it does not wait for another one that asks already.
            Some((key, _)) => {
                if let Ok(asked) = self.asking.try_lock() {
                    self.ask(asked, now).await;
                }
                Ok(self
                    .kept(id, algorithm, now)
                    .map_or(key, |(newer, _)| newer))
            }
            None => {
                let failure = self.ask(self.asking.lock().await, now).await;
                match (self.kept(id, algorithm, now), failure) {
                    (Some((key, _)), _) => Ok(key),
                    (None, Some(why)) => Err(IdentityError::IssuerDown {
                        issuer: self.issuer.clone(),
                        why,
                    }),
                    (None, None) => Err(IdentityError::refused(
                        "no key that its issuer publishes has signed it",
                    )),
                }
            }
        }
    }

    /// The key with its age, while it may serve.
    fn kept(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Option<(Arc<DecodingKey>, i64)> {
        let kept = self.kept.load();
        let kept = kept.as_ref()?;
        let age = now.duration_since(kept.fetched).as_secs();
        if age >= self.times.serve_for {
            return None;
        }
        let name = format!("{algorithm:?}");
        let mut fitting = kept.keys.iter().filter(|key| {
            fits(algorithm, key.public.family())
                && key.algorithm.as_ref().is_none_or(|only| *only == name)
        });
        let key = match id {
            Some(id) => fitting.find(|key| key.id.as_deref() == Some(id))?,
            // A token that names no key can only mean the one there is.
            None => fitting.next().filter(|_| fitting.next().is_none())?,
        };
        Some((Arc::clone(&key.public), age))
    }

    /// Asks the issuer, unless it was asked a moment ago. What it returns is why the last attempt failed, if it did.
    async fn ask(&self, mut asked: MutexGuard<'_, Asked>, now: Timestamp) -> Option<String> {
        let waited = asked.last.map(|last| now.duration_since(last).as_secs());
        if waited.is_some_and(|seconds| (0..self.times.pause).contains(&seconds)) {
            return asked.failure.clone();
        }
        asked.last = Some(now);
        match self.source.keys().await {
            Ok(keys) => {
                let keys = keys.iter().filter_map(|jwk| {
                    Some(Key {
                        id: jwk.common.key_id.clone(),
                        algorithm: jwk
                            .common
                            .key_algorithm
                            .map(|algorithm| algorithm.to_string()),
                        public: Arc::new(DecodingKey::from_jwk(jwk).ok()?),
                    })
                });
                self.kept.store(Some(Arc::new(Kept {
                    fetched: now,
                    keys: keys.collect(),
                })));
                asked.failure = None;
            }
            Err(why) => {
                tracing::warn!(issuer = %self.issuer, %why, "SLW-573: the keys of an issuer cannot be fetched");
                asked.failure = Some(why);
            }
        }
        asked.failure.clone()
    }
}
