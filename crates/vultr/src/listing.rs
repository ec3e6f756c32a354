//! Complete listings: every page, or an error.

use std::collections::HashSet;

use reqwest::Method;

use crate::decode::{Page, Unpaged, Wrapped};
use crate::{Client, Error, Result};

const PER_PAGE: &str = "500";
/// How often a listing that stays shorter than it says is begun anew: objects may vanish while it is read.
const READINGS: u32 = 3;

impl Client {
    /// Every object below a path.
    pub(crate) async fn list<T: Wrapped>(&self, segments: &[&str]) -> Result<Vec<T>> {
        self.list_where(segments, &[]).await
    }

    /// Every object below a path that the API finds by these query parameters.
    pub(crate) async fn list_where<T: Wrapped>(
        &self,
        segments: &[&str],
        filters: &[(&str, &str)],
    ) -> Result<Vec<T>> {
        let mut readings = 0;
        loop {
            readings += 1;
            let (items, total) = self.read_pages(segments, filters).await?;
            // What `total` counts under a filter is documented nowhere, so it is held to its word only without one.
            if items.len() >= total || !filters.is_empty() {
                return Ok(items);
            }
            if readings == READINGS {
                return Err(Error::Incomplete {
                    call: self.request(Method::GET, segments)?.call,
                    reason: format!("{} of {total} objects came", items.len()),
                });
            }
        }
    }

    /// A list that the API gives whole.
    pub(crate) async fn list_unpaged<T: Wrapped>(&self, segments: &[&str]) -> Result<Vec<T>> {
        let Unpaged(items) = self.fetch(self.request(Method::GET, segments)?).await?;
        Ok(items)
    }

    async fn read_pages<T: Wrapped>(
        &self,
        segments: &[&str],
        filters: &[(&str, &str)],
    ) -> Result<(Vec<T>, usize)> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        let mut seen = HashSet::new();
        loop {
            let mut request = self
                .request(Method::GET, segments)?
                .query("per_page", PER_PAGE);
            for (name, value) in filters {
                request = request.query(name, value);
            }
            if !cursor.is_empty() {
                request = request.query("cursor", &cursor);
            }
            let call = request.call.clone();
            let page: Page<T> = self.fetch(request).await?;
            items.extend(page.items);
            cursor = page.meta.links.next;
            if cursor.is_empty() {
                return Ok((items, page.meta.total));
            }
            if !seen.insert(cursor.clone()) {
                return Err(Error::Incomplete {
                    call,
                    reason: "its pages lead back to one that was read already".into(),
                });
            }
        }
    }
}
