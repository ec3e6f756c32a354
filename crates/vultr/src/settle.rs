//! Finding out what is true after an error: adopting what a lost answer made, and re-reading after a failed change.

use std::future::Future;

use tokio::time::sleep;
use tracing::{info, warn};

use crate::{Client, Error, Result};

/// How often a creation is sent when each answer is lost and each look finds nothing.
const CREATIONS: u32 = 3;
/// How often the account is looked through after a lost answer; listings may trail.
const LOOKS: u32 = 4;

/// An object with an id.
pub trait Identified {
    /// The id.
    fn id(&self) -> &str;
}

/// An object that exists now, and whether it did before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ensured<T> {
    /// It carried the mark already.
    Adopted(T),
    /// It was made.
    Created(T),
}

impl<T> Ensured<T> {
    /// The object.
    pub fn into_inner(self) -> T {
        match self {
            Self::Adopted(object) | Self::Created(object) => object,
        }
    }

    /// Whether the object was made by this call.
    pub fn is_created(&self) -> bool {
        matches!(self, Self::Created(_))
    }
}

/// What is being ensured: one object of a kind that carries a mark exactly.
pub(crate) struct Wanted<'a> {
    pub(crate) kind: &'static str,
    pub(crate) mark: &'a str,
}

impl Client {
    /// Finds the one object that carries a mark, or makes it. `look` gives every object that carries the mark exactly,
    /// from a complete listing; `create` makes one.
    pub(crate) async fn ensure<T, L, C>(
        &self,
        wanted: Wanted<'_>,
        look: impl Fn() -> L,
        create: impl Fn() -> C,
    ) -> Result<Ensured<T>>
    where
        T: Identified,
        L: Future<Output = Result<Vec<T>>>,
        C: Future<Output = Result<T>>,
    {
        if let Some(found) = wanted.only(look().await?)? {
            info!(kind = wanted.kind, id = found.id(), "adopted by its mark");
            return Ok(Ensured::Adopted(found));
        }
        let mut creations = 0;
        loop {
            creations += 1;
            let error = match create().await {
                Ok(made) if creations == 1 => return Ok(Ensured::Created(made)),
                Ok(made) => return wanted.only_made(made, look().await?),
                // Nothing was made, now or before.
                Err(error) if creations == 1 && !is_lost(&error) => return Err(error),
                Err(error) => error,
            };
            warn!(kind = wanted.kind, mark = wanted.mark, %error, "looking for what a lost answer made");
            if let Some(found) = self.look_again(&wanted, &look).await? {
                return Ok(Ensured::Created(found));
            }
            if creations == CREATIONS || !is_lost(&error) {
                return Err(error);
            }
        }
    }

    async fn look_again<T, L>(
        &self,
        wanted: &Wanted<'_>,
        look: &impl Fn() -> L,
    ) -> Result<Option<T>>
    where
        T: Identified,
        L: Future<Output = Result<Vec<T>>>,
    {
        for round in 0..LOOKS {
            if round > 0 {
                let pause = self.pace().first / 2 * (1 << (round - 1));
                sleep(self.jitter().spread(pause)).await;
            }
            if let Some(found) = wanted.only(look().await?)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

fn is_lost(error: &Error) -> bool {
    matches!(error, Error::Unanswered { .. })
}

impl Wanted<'_> {
    fn only<T: Identified>(&self, mut found: Vec<T>) -> Result<Option<T>> {
        if found.len() > 1 {
            return Err(self.ambiguous(&found));
        }
        Ok(found.pop())
    }

    /// After a lost answer the first creation may still have come through late: two objects are an error that names both.
    fn only_made<T: Identified>(&self, made: T, found: Vec<T>) -> Result<Ensured<T>> {
        let mut all: Vec<T> = found
            .into_iter()
            .filter(|one| one.id() != made.id())
            .collect();
        if all.is_empty() {
            return Ok(Ensured::Created(made));
        }
        all.push(made);
        Err(self.ambiguous(&all))
    }

    fn ambiguous<T: Identified>(&self, found: &[T]) -> Error {
        Error::Ambiguous {
            kind: self.kind,
            mark: self.mark.to_owned(),
            ids: found.iter().map(|one| one.id().to_owned()).collect(),
        }
    }
}

/// The outcome of a deletion: what is gone is deleted, whatever the answer said.
pub(crate) async fn deleted<T>(
    answer: Result<()>,
    reread: impl Future<Output = Result<Option<T>>>,
) -> Result<()> {
    match answer {
        Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
        Err(error) if error.is_transient() => match reread.await {
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(_) => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// The outcome of a change: what holds was changed, whatever the answer said.
pub(crate) async fn changed<T>(
    answer: Result<()>,
    reread: impl Future<Output = Result<Option<T>>>,
    holds: impl FnOnce(&T) -> bool,
) -> Result<()> {
    match answer {
        Err(error) if error.is_transient() => match reread.await {
            Ok(Some(object)) if holds(&object) => Ok(()),
            Ok(_) | Err(_) => Err(error),
        },
        settled => settled,
    }
}
