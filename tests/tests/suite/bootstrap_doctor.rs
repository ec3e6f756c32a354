//! The preflight page against the emulated account and a name server: each thing that would stop a run has its code before
//! anything is made.

use std::net::{SocketAddr, UdpSocket};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use slipway_tests::{Core, Sandbox, SandboxOptions, binary};

const ZONE: &str = "acme.example";
const OK: &str = "ok";

/// What the page says of a check: its code, or its verdict where it has none.
fn examine(sandbox: &Sandbox, key: &str, path: &str, words: &[&str]) -> Result<(i32, Vec<Value>)> {
    let output = Command::new(binary("slipway-bootstrap")?)
        .args(["doctor", "--json", "--api-url", sandbox.api_url()])
        .args(words)
        .env_clear()
        .env("PATH", path)
        .env("HOME", sandbox.folder())
        .env("VULTR_API_KEY", key)
        .output()?;
    let told: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let findings = told["findings"].as_array().context("no findings")?;
    Ok((
        output.status.code().context("no exit code")?,
        findings.clone(),
    ))
}

fn code_of(findings: &[Value], check: &str) -> Result<String> {
    let finding = findings.iter().find(|finding| finding["check"] == check);
    let finding = finding.with_context(|| format!("no {check} in {findings:#?}"))?;
    let code = finding["code"].as_str().or(finding["verdict"].as_str());
    Ok(code.context("no verdict")?.to_owned())
}

#[test]
fn each_thing_that_would_stop_a_run_has_its_code() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let core = Core::Terraform.program_path()?;
    let path = core
        .parent()
        .context("a core without folder")?
        .display()
        .to_string();
    let resolver = name_server()?.to_string();
    let mark = sandbox.mark()?;
    let good = [
        "--region",
        "ams",
        "--plan",
        "vc2-4c-8gb",
        "--domain",
        "platform.acme.example",
        "--resolver",
        &resolver,
    ];
    let (exit, findings) = examine(&sandbox, sandbox.api_key(), &path, &good)?;
    for check in ["api key", "rights", "account", "stock", "dns", "tools"] {
        ensure!(code_of(&findings, check)? == OK, "{check}: {findings:#?}");
    }
    ensure!(exit == 0, "{findings:#?}");

    sandbox.fault(&json!({"sold_out": ["vc2-4c-8gb"], "region": "ams"}))?;
    let other = |at: usize, word: &'static str| {
        let mut words = good;
        words[at] = word;
        words
    };
    let cases = [
        ("stock", "SLW-113", good),
        ("stock", "SLW-111", other(1, "amd")),
        ("dns", "SLW-393", other(5, "platform.acme.test")),
        ("dns", "SLW-392", other(7, "127.0.0.1:1")),
    ];
    for (check, code, words) in cases {
        let (exit, findings) = examine(&sandbox, sandbox.api_key(), &path, &words)?;
        ensure!(
            exit == 1 && code_of(&findings, check)? == code,
            "{check} {code}: {findings:#?}"
        );
    }
    let (exit, findings) = examine(&sandbox, "wrong", &path, &good)?;
    ensure!(
        exit == 1 && code_of(&findings, "api key")? == "SLW-201",
        "{findings:#?}"
    );
    let (_, findings) = examine(&sandbox, sandbox.api_key(), "/nowhere", &good)?;
    ensure!(code_of(&findings, "tools")? == "SLW-395", "{findings:#?}");
    let calls = sandbox.journal(mark)?;
    ensure!(
        !calls.iter().any(slipway_tests::Call::writes),
        "the doctor changed something: {calls:#?}"
    );
    Ok(())
}

/// A name server on loopback that knows two servers of one zone and denies every other name.
fn name_server() -> Result<SocketAddr> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let address = socket.local_addr()?;
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        // It ends with the program of the tests.
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&answer(&buffer[..length]), from);
        }
    });
    Ok(address)
}

fn answer(asked: &[u8]) -> Vec<u8> {
    const NAME: std::ops::RangeFrom<usize> = 12..;
    let zone: Vec<u8> = ZONE
        .split('.')
        .flat_map(|label| {
            [
                &[u8::try_from(label.len()).unwrap_or_default()],
                label.as_bytes(),
            ]
            .concat()
        })
        .chain([0])
        .collect();
    let known = asked.get(NAME).is_some_and(|name| name.starts_with(&zone));
    let mut answer = asked.to_vec();
    // A recursive answer: without an error, or "no such name".
    answer[2] = 0x81;
    answer[3] = if known { 0x80 } else { 0x83 };
    if known {
        answer[7] = 2;
        for _ in 0..2 {
            // A pointer to the question's name, NS, IN, a time to live, four bytes of a name.
            answer.extend([0xc0, 12, 0, 2, 0, 1, 0, 0, 0, 60, 0, 4, 1, b'a', 0xc0, 12]);
        }
    }
    answer
}
