//! Kinds of which the account never has any: they can be listed and not made.

use axum::Router;
use axum::routing::get;
use serde_json::Value;

use super::answer::Answered;
use super::listing::Listing;
use crate::account::service::Account;

/// Path and key of each list.
const LISTS: [(&str, &str); 3] = [
    ("/bare-metals", "bare_metals"),
    ("/blocks/snapshots", "snapshots"),
    ("/object-storage", "object_storages"),
];

pub(super) fn routes() -> Router<Account> {
    LISTS
        .into_iter()
        .fold(Router::new(), |routes, (path, key)| {
            let none = async move |listing: Listing| -> Answered {
                Ok(listing.page_of(key, std::iter::empty(), |_: &Value| Value::Null))
            };
            routes.route(path, get(none))
        })
}
