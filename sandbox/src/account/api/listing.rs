//! Lists: pages, cursors, totals.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::Answer;
use crate::account::refusal::Refusal;

const DEFAULT_PER_PAGE: usize = 100;
const MOST_PER_PAGE: usize = 500;

/// Put into a request's extensions when a fault makes its list stale.
#[derive(Clone, Copy)]
pub(super) struct Stale;

/// Which page of a list is wanted.
pub(super) struct Listing {
    per_page: usize,
    /// Place of the first object of the page.
    from: u64,
    /// Whether the newest creation or deletion is to be left out.
    pub(super) stale: bool,
}

#[derive(Deserialize)]
struct Wanted {
    per_page: Option<String>,
    cursor: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Listing {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Query(wanted) = Query::<Wanted>::from_request_parts(parts, state)
            .await
            .map_err(|_| Refusal::invalid("Invalid query"))?;
        let per_page = match wanted.per_page.as_deref() {
            None | Some("") => DEFAULT_PER_PAGE,
            Some(text) => text
                .parse()
                .ok()
                .filter(|count| *count > 0)
                .ok_or_else(|| Refusal::invalid("Invalid per_page"))?,
        };
        let from = match wanted.cursor.as_deref() {
            None | Some("") => 0,
            Some(cursor) => place_of(cursor).ok_or_else(|| Refusal::invalid("Invalid cursor"))?,
        };
        Ok(Self {
            per_page: per_page.min(MOST_PER_PAGE),
            from,
            stale: parts.extensions.get::<Stale>().is_some(),
        })
    }
}

fn cursor_of(place: u64) -> String {
    STANDARD.encode(format!("next__{place}"))
}

fn place_of(cursor: &str) -> Option<u64> {
    String::from_utf8(STANDARD.decode(cursor).ok()?)
        .ok()?
        .strip_prefix("next__")?
        .parse()
        .ok()
}

impl Listing {
    /// The wanted page of these objects, under `key`, with `meta`.
    pub(super) fn page<'a, T: 'a>(
        &self,
        key: &str,
        rows: impl Iterator<Item = (u64, &'a T)>,
        show: impl Fn(&T) -> Value,
    ) -> Answer {
        let rows: Vec<(u64, &T)> = rows.collect();
        let start = rows.partition_point(|(place, _)| *place < self.from);
        let end = rows.len().min(start + self.per_page);
        let next = rows
            .get(end)
            .map_or_else(String::new, |(place, _)| cursor_of(*place));
        let before = start.saturating_sub(self.per_page);
        let prev = rows
            .get(before)
            .filter(|_| start > 0)
            .map_or_else(String::new, |(place, _)| cursor_of(*place));
        let items: Vec<Value> = rows[start..end].iter().map(|(_, row)| show(row)).collect();
        Answer::ok(
            json!({key: items, "meta": {"total": rows.len(), "links": {"next": next, "prev": prev}}}),
        )
    }

    /// A page of objects that have no place of their own.
    pub(super) fn page_of<'a, T: 'a>(
        &self,
        key: &str,
        rows: impl Iterator<Item = &'a T>,
        show: impl Fn(&T) -> Value,
    ) -> Answer {
        self.page(key, (1_u64..).zip(rows), show)
    }
}
