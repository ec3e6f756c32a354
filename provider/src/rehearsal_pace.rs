//! How fast a rehearsal goes. A sandbox whose clock runs faster than life is polled as much faster, and has no rate limit
//! to keep to: `SLIPWAY_SANDBOX_SPEED` says how much, and counts for loopback addresses alone.

use std::time::Duration;

use url::{Host, Url};
use vultr::{Budget, Builder, Pace, Retry};

use crate::fault::{self, Fault};

/// How many times faster than life the sandbox's clock runs.
pub(crate) const VARIABLE: &str = "SLIPWAY_SANDBOX_SPEED";
/// No wait becomes shorter: a poll costs the machine more than that.
const SHORTEST: Duration = Duration::from_millis(5);
/// Requests a second at speed 1, and how many of them at once.
const REQUESTS: (u32, u32) = (20, 5);
const FASTEST: f64 = 100_000.0;

/// Adapts a client of `address` to the speed in the environment, if there is one.
pub(crate) fn adapt(
    builder: Builder,
    address: Option<&str>,
    wanted: Option<&str>,
) -> Result<Builder, Fault> {
    let Some(text) = wanted.filter(|text| !text.is_empty()) else {
        return Ok(builder);
    };
    let refused = |why: &str| {
        Fault::new(
            fault::PROVIDER_SETTINGS,
            format!("{VARIABLE} is {text:?}: {why}."),
        )
    };
    let speed: f64 = text
        .parse()
        .ok()
        .filter(|speed| (1.0..=FASTEST).contains(speed))
        .ok_or_else(|| refused("it must be a number from 1 to 100000"))?;
    if !address.is_some_and(is_loopback) {
        return Err(refused(
            "it is for a sandbox on this machine, and the API's address is none. Unset it",
        ));
    }
    let shorter = |usual: Duration| usual.div_f64(speed).max(SHORTEST.min(usual));
    let more = |usual: u32| {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 20 times 100,000"
        )]
        let more = (f64::from(usual) * speed) as u32;
        more
    };
    let (pace, retry) = (Pace::default(), Retry::default());
    Ok(builder
        .pace(Pace {
            first: shorter(pace.first),
            longest: shorter(pace.longest),
        })
        .retry(Retry {
            first: shorter(retry.first),
            longest: shorter(retry.longest),
            ..retry
        })
        .budget(Budget::new(more(REQUESTS.0), more(REQUESTS.1))))
}

fn is_loopback(address: &str) -> bool {
    match Url::parse(address)
        .ok()
        .and_then(|url| url.host().map(|host| host.to_owned()))
    {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(address: Option<&str>, speed: &str) -> Result<Builder, Fault> {
        adapt(
            vultr::Client::builder("key".to_owned().into()),
            address,
            Some(speed),
        )
    }

    #[test]
    fn only_a_sandbox_of_this_machine_is_hurried() {
        assert!(with(Some("http://127.0.0.1:8080"), "600").is_ok());
        assert!(with(Some("http://localhost:8080"), "1").is_ok());
        for (address, speed) in [
            (None, "600"),
            (Some("https://api.vultr.com"), "600"),
            (Some("http://127.0.0.1:8080"), "0"),
            (Some("http://127.0.0.1:8080"), "fast"),
        ] {
            assert!(with(address, speed).is_err(), "{address:?} {speed}");
        }
    }
}
