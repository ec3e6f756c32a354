//! The platform's private network: which ranges it may have.

use ipnet::Ipv4Net;
use thiserror::Error;

/// The private ranges of RFC 1918.
const PRIVATE: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/// Ranges that every VKE cluster uses for itself and that cannot be chosen.
const CLUSTER_RANGES: [(&str, &str); 2] = [
    ("10.244.0.0/16", "the pods of every VKE cluster"),
    ("10.96.0.0/12", "the services of every VKE cluster"),
];

/// Prefixes that hold a platform's nodes without wasting a region's address plan.
const PREFIXES: std::ops::RangeInclusive<u8> = 16..=26;

/// Why a range cannot be the platform's network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum BadNetwork {
    /// Not a CIDR at all.
    #[error("{0:?} is not an IPv4 range such as 10.20.0.0/20")]
    NotARange(String),
    /// Host bits are set.
    #[error("{given} has host bits set; the range that holds it is {range}")]
    HostBits {
        /// What was written.
        given: String,
        /// The range with its host bits cleared.
        range: Ipv4Net,
    },
    /// Outside RFC 1918.
    #[error(
        "{0} is not private; allowed are parts of 10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16"
    )]
    Public(Ipv4Net),
    /// Too small or too large.
    #[error("{0} has the wrong size; allowed are prefixes from /16 to /26")]
    Size(Ipv4Net),
    /// Shares addresses with another range.
    #[error("{network} overlaps {other}, used by {user}")]
    Overlap {
        /// The range that was asked for.
        network: Ipv4Net,
        /// The range that stands in the way.
        other: Ipv4Net,
        /// Who uses it.
        user: String,
    },
}

/// Reads a network and checks everything that needs no account.
pub(crate) fn parse(text: &str) -> Result<Ipv4Net, BadNetwork> {
    let network: Ipv4Net = text
        .parse()
        .map_err(|_| BadNetwork::NotARange(text.to_owned()))?;
    if network.trunc() != network {
        return Err(BadNetwork::HostBits {
            given: text.to_owned(),
            range: network.trunc(),
        });
    }
    if !PRIVATE.iter().any(|range| contains(range, network)) {
        return Err(BadNetwork::Public(network));
    }
    if !PREFIXES.contains(&network.prefix_len()) {
        return Err(BadNetwork::Size(network));
    }
    for (range, user) in CLUSTER_RANGES {
        if let Ok(other) = range.parse::<Ipv4Net>() {
            refuse_overlap(network, other, user)?;
        }
    }
    Ok(network)
}

/// Refuses a network that shares addresses with one in use.
pub(crate) fn refuse_overlap(
    network: Ipv4Net,
    other: Ipv4Net,
    user: &str,
) -> Result<(), BadNetwork> {
    if network.contains(&other) || other.contains(&network) {
        return Err(BadNetwork::Overlap {
            network,
            other,
            user: user.to_owned(),
        });
    }
    Ok(())
}

fn contains(range: &str, network: Ipv4Net) -> bool {
    range
        .parse::<Ipv4Net>()
        .is_ok_and(|range| range.contains(&network))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_ranges_of_a_useful_size_pass() {
        for good in ["10.20.0.0/20", "172.16.0.0/16", "192.168.1.0/24"] {
            assert!(parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn everything_else_says_why() {
        let cases = [
            ("ten", "not an IPv4 range"),
            (
                "10.20.0.1/20",
                "host bits set; the range that holds it is 10.20.0.0/20",
            ),
            ("8.8.8.0/24", "not private"),
            ("10.20.0.0/28", "wrong size"),
            ("10.244.16.0/20", "the pods of every VKE cluster"),
            ("10.100.0.0/20", "the services of every VKE cluster"),
        ];
        for (text, why) in cases {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn neighbours_do_not_overlap() {
        let net = |text: &str| text.parse::<Ipv4Net>().unwrap();
        assert!(refuse_overlap(net("10.20.0.0/20"), net("10.20.16.0/20"), "x").is_ok());
        assert!(refuse_overlap(net("10.20.0.0/20"), net("10.20.0.0/16"), "x").is_err());
        assert!(refuse_overlap(net("10.20.0.0/16"), net("10.20.8.0/24"), "x").is_err());
    }
}
