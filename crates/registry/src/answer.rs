//! From an HTTP answer to what it means for the one who asked.

use crate::error::RegistryError;
use reqwest::{Response, StatusCode};
use serde::Deserialize;

/// Which registry and which repository a request is about, for its errors.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) registry: &'a str,
    pub(crate) repository: &'a str,
}

impl About<'_> {
    pub(crate) fn unavailable(self, why: impl Into<String>) -> RegistryError {
        RegistryError::Unavailable {
            registry: self.registry.to_owned(),
            repository: self.repository.to_owned(),
            why: why.into(),
        }
    }

    pub(crate) fn malformed(self, why: impl Into<String>) -> RegistryError {
        RegistryError::Malformed {
            registry: self.registry.to_owned(),
            repository: self.repository.to_owned(),
            why: why.into(),
        }
    }

    /// The error behind a status that is no success; `NotFound` is the caller's to judge before.
    pub(crate) async fn refusal(self, response: Response) -> RegistryError {
        let status = response.status();
        let why = reason(status, &response.text().await.unwrap_or_default());
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => RegistryError::Denied {
                registry: self.registry.to_owned(),
                repository: self.repository.to_owned(),
                why,
            },
            StatusCode::NOT_FOUND => RegistryError::NoRepository {
                registry: self.registry.to_owned(),
                repository: self.repository.to_owned(),
            },
            StatusCode::TOO_MANY_REQUESTS => self.unavailable(why),
            status if status.is_server_error() => self.unavailable(why),
            _ => self.malformed(why),
        }
    }
}

#[derive(Deserialize)]
struct Refusal {
    errors: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    code: String,
    #[serde(default)]
    message: String,
}

/// The registry's own words, if it said some in the form of the specification.
fn reason(status: StatusCode, body: &str) -> String {
    let said = serde_json::from_str::<Refusal>(body)
        .ok()
        .and_then(|refusal| refusal.errors.into_iter().next());
    match said {
        Some(Reason { code, message }) => format!("{status}, {code}: {message}"),
        None => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registrys_words_are_kept_and_a_page_of_html_is_not() {
        let words = r#"{"errors":[{"code":"DENIED","message":"access is denied","detail":{}}]}"#;
        assert_eq!(
            reason(StatusCode::FORBIDDEN, words),
            "403 Forbidden, DENIED: access is denied"
        );
        assert_eq!(reason(StatusCode::BAD_GATEWAY, "<html>"), "502 Bad Gateway");
    }
}
