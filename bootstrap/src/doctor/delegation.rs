//! Whether the platform's domain is delegated: one NS question to the resolver of this machine, over UDP.

use crate::doctor::{Finding, Subject};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;

const CHECK: &str = "dns";
const PATIENCE: Duration = Duration::from_secs(3);
const ATTEMPTS: usize = 2;
const NS: u16 = 2;
const INTERNET: u16 = 1;
/// Recursion is wanted.
const FLAGS: u16 = 0x0100;
const NO_SUCH_NAME: u8 = 3;
const HEADER: usize = 12;

pub(super) async fn examine(subject: &Subject) -> Finding {
    let Some(domain) = &subject.domain else {
        return Finding::skipped(CHECK, "--domain, or a request");
    };
    let Some(resolver) = subject.resolver.or_else(system_resolver) else {
        return Finding::skipped(CHECK, "a nameserver in /etc/resolv.conf, or --resolver");
    };
    // The name itself may be a zone, or stand in one that is above it.
    let mut zone = domain.trim_end_matches('.');
    while zone.contains('.') {
        match servers_of(zone, resolver).await {
            Ok(0) => zone = zone.split_once('.').map_or("", |(_, above)| above),
            Ok(count) => {
                return Finding::ok(
                    CHECK,
                    format!("{domain} is in the zone {zone}, which has {count} name servers"),
                );
            }
            Err(error) => {
                return Finding::failed(
                    CHECK,
                    "SLW-392",
                    format!(
                        "{resolver} does not say who serves {zone}: {error}; check the resolver of this machine"
                    ),
                );
            }
        }
    }
    Finding::failed(
        CHECK,
        "SLW-393",
        format!(
            "{domain} is in no zone that has name servers; delegate it at its registrar, or correct the name"
        ),
    )
}

/// How many name servers a name has of its own; none for a name that is no zone.
async fn servers_of(zone: &str, resolver: SocketAddr) -> std::io::Result<usize> {
    let any: IpAddr = if resolver.is_ipv4() {
        [0, 0, 0, 0].into()
    } else {
        [0u16; 8].into()
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(resolver).await?;
    // The port is random already; an id that nobody can guess adds little to a question about public data.
    let id = socket.local_addr()?.port();
    let question =
        question(id, zone).ok_or_else(|| std::io::Error::other("the name cannot be asked for"))?;
    let mut answer = [0; 1500];
    for _ in 0..ATTEMPTS {
        socket.send(&question).await?;
        if let Ok(received) = tokio::time::timeout(PATIENCE, socket.recv(&mut answer)).await {
            let length = received?;
            return count(&answer[..length], id, question.len())
                .ok_or_else(|| std::io::Error::other("the answer cannot be read"));
        }
    }
    Err(std::io::Error::other("no answer"))
}

fn question(id: u16, zone: &str) -> Option<Vec<u8>> {
    let mut packet = Vec::new();
    for word in [id, FLAGS, 1, 0, 0, 0] {
        packet.extend(word.to_be_bytes());
    }
    for label in zone.split('.') {
        let length = u8::try_from(label.len())
            .ok()
            .filter(|length| (1..64).contains(length))?;
        packet.push(length);
        packet.extend(label.bytes());
    }
    packet.push(0);
    packet.extend(NS.to_be_bytes());
    packet.extend(INTERNET.to_be_bytes());
    Some(packet)
}

/// The NS records of the answer. An answer to another question, or a refusal, is none at all.
fn count(answer: &[u8], id: u16, question: usize) -> Option<usize> {
    let word = |at: usize| Some(u16::from_be_bytes([*answer.get(at)?, *answer.get(at + 1)?]));
    if word(0)? != id || word(4)? != 1 {
        return None;
    }
    match word(2)?.to_be_bytes()[1] & 0x0f {
        0 => {}
        NO_SUCH_NAME => return Some(0),
        _ => return None,
    }
    let (mut at, mut found) = (question, 0);
    for _ in 0..word(6)? {
        at = behind_name(answer, at)?;
        found += usize::from(word(at)? == NS);
        at += 10 + usize::from(word(at + 8)?);
    }
    Some(found)
}

/// Where a name ends: at its empty label, or at a pointer to the rest of it.
fn behind_name(answer: &[u8], mut at: usize) -> Option<usize> {
    debug_assert!(at >= HEADER);
    loop {
        match *answer.get(at)? {
            0 => return Some(at + 1),
            pointer if pointer >= 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

fn system_resolver() -> Option<SocketAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").ok()?;
    let servers = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"));
    servers
        .filter_map(|address| address.trim().parse::<IpAddr>().ok())
        .map(|address| SocketAddr::from((address, 53)))
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    /// A name server on loopback that knows one zone.
    async fn server(zone: &'static str) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let asked = &buffer[..length];
                let known =
                    question(0, zone).is_some_and(|known| known[HEADER..] == asked[HEADER..]);
                let mut answer = asked.to_vec();
                answer[2..4].copy_from_slice(&if known { 0x8180u16 } else { 0x8183 }.to_be_bytes());
                if known {
                    answer[7] = 2;
                    for _ in 0..2 {
                        // A pointer to the question's name, NS, IN, a time to live, four bytes of a name.
                        answer.extend([0xc0, 12, 0, 2, 0, 1, 0, 0, 0, 60, 0, 4, 1, b'a', 0xc0, 12]);
                    }
                }
                socket.send_to(&answer, from).await.unwrap();
            }
        });
        address
    }

    async fn found(domain: &str, resolver: SocketAddr) -> Finding {
        let subject = Subject {
            api_key: None,
            api_url: None,
            region: None,
            plan: None,
            domain: Some(domain.to_owned()),
            resolver: Some(resolver),
            request: None,
            kubeconfig: None,
        };
        examine(&subject).await
    }

    #[tokio::test]
    async fn a_zone_above_the_name_will_do_and_none_will_not() {
        let resolver = server("acme.example").await;
        let finding = found("platform.acme.example", resolver).await;
        assert_eq!(finding.verdict, Verdict::Ok);
        assert!(
            finding
                .text
                .contains("the zone acme.example, which has 2 name servers"),
            "{}",
            finding.text
        );
        let finding = found("acme.test", resolver).await;
        assert_eq!(
            (finding.verdict, finding.code.as_deref()),
            (Verdict::Failed, Some("SLW-393"))
        );
    }

    #[test]
    fn what_is_no_answer_to_the_question_counts_nothing() {
        let asked = question(7, "acme.example").unwrap();
        assert_eq!(count(&asked, 8, asked.len()), None, "another id");
        assert_eq!(count(&asked[..5], 7, asked.len()), None, "torn");
        let mut refused = asked.clone();
        refused[3] = 5;
        assert_eq!(count(&refused, 7, asked.len()), None, "refused");
        let mut lying = asked.clone();
        lying[7] = 9;
        assert_eq!(
            count(&lying, 7, asked.len()),
            None,
            "records that are not there"
        );
        assert_eq!(question(7, "a..b"), None);
    }
}
