//! Where the API is: the vendor's address, a private endpoint behind a path prefix, or a rehearsal on this machine.

use url::{Host, Url};

use crate::{Error, Result};

const VENDOR: &str = "https://api.vultr.com/v2";
const VERSION: &str = "v2";

/// The address that every path is appended to; it always ends in `/v2`.
#[derive(Debug, Clone)]
pub(crate) struct Address(Url);

impl Address {
    /// Reads an address with or without a path prefix, and appends `/v2` unless the path already ends in it.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut url = Url::parse(text.trim()).map_err(|error| refuse(text, &error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(refuse(text, "it is neither http:// nor https://"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse(text, "it has a query or a fragment"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("the address", "it holds a user name or a password"));
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(refuse(
                text,
                "the key would travel unencrypted: plain http:// is for addresses of this machine only",
            ));
        }
        let versioned = {
            let mut segments = url
                .path_segments_mut()
                .map_err(|()| refuse("the address", "it has no path"))?;
            segments.pop_if_empty();
            drop(segments);
            url.path().rsplit('/').next() == Some(VERSION)
        };
        if !versioned && let Ok(mut segments) = url.path_segments_mut() {
            segments.push(VERSION);
        }
        Ok(Self(url))
    }

    /// The vendor's own address.
    pub(crate) fn vendor() -> Result<Self> {
        Self::parse(VENDOR)
    }

    /// Whether the address is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Whether requests travel through TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The address of a path below `/v2`, each segment encoded. `None` when a segment would change which object is meant.
    pub(crate) fn join(&self, segments: &[&str]) -> Option<Url> {
        if segments.iter().any(|s| matches!(*s, "" | "." | "..")) {
            return None;
        }
        let mut url = self.0.clone();
        url.path_segments_mut().ok()?.extend(segments);
        Some(url)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn refuse(address: &str, reason: &str) -> Error {
    Error::Configuration {
        what: "the API's address",
        reason: format!("`{address}`: {reason}"),
        advice: "Give an address such as https://api.vultr.com, with or without /v2 (api_url, or SLIPWAY_API_URL)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_appended_once() {
        for (given, regions) in [
            ("https://api.vultr.com", "https://api.vultr.com/v2/regions"),
            ("https://api.vultr.com/", "https://api.vultr.com/v2/regions"),
            (
                "https://api.vultr.com/v2",
                "https://api.vultr.com/v2/regions",
            ),
            (
                "https://api.vultr.com/v2/",
                "https://api.vultr.com/v2/regions",
            ),
            (
                "https://gate.example/vultr",
                "https://gate.example/vultr/v2/regions",
            ),
            (
                "https://gate.example/vultr/v2/",
                "https://gate.example/vultr/v2/regions",
            ),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000/v2/regions"),
            ("http://[::1]:9000/x", "http://[::1]:9000/x/v2/regions"),
            (
                "http://localhost:9000/v22",
                "http://localhost:9000/v22/v2/regions",
            ),
        ] {
            let address = Address::parse(given).unwrap();
            assert_eq!(address.join(&["regions"]).unwrap().as_str(), regions);
        }
    }

    #[test]
    fn what_is_no_safe_address_is_refused() {
        for bad in [
            "",
            "api.vultr.com",
            "ftp://api.vultr.com",
            "http://api.vultr.com",
            "https://user:pw@api.vultr.com",
            "https://api.vultr.com?x=1",
            "unix:/tmp/x",
        ] {
            let error = Address::parse(bad).unwrap_err();
            assert_eq!(error.code(), "SLW-216", "{bad}");
            assert!(!error.to_string().contains("pw"));
        }
    }

    #[test]
    fn an_id_cannot_climb_out_of_its_place() {
        let address = Address::vendor().unwrap();
        for id in ["", ".", ".."] {
            assert!(address.join(&["vpcs", id]).is_none());
        }
        assert_eq!(
            address.join(&["vpcs", "a/../b?c"]).unwrap().as_str(),
            "https://api.vultr.com/v2/vpcs/a%2F..%2Fb%3Fc"
        );
    }
}
