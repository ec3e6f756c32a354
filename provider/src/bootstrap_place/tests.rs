use tfplugin::{IntoValue, Object};

use super::*;
use crate::host_keys::KeyPair;

fn existing() -> Object {
    Object::new()
        .with("connection", "ssh")
        .with("address", "203.0.113.7")
        .with("user", "deploy")
        .with("host_key", KeyPair::generate("host").unwrap().public())
}

fn config(bootstrap: Object) -> Object {
    Object::new().with("bootstrap", bootstrap.into_value())
}

fn told(bootstrap: Object) -> String {
    let mut faults = Diagnostics::new();
    check(&config(bootstrap), &mut faults);
    faults.to_string()
}

#[test]
fn a_platform_that_says_nothing_gets_a_server_for_each_run() {
    let bootstrap = Bootstrap::read(&Object::new()).unwrap();
    assert!(matches!(bootstrap.place, Place::Instance) && !bootstrap.needs_agent());
    bootstrap.require_ready().unwrap();
}

#[test]
fn a_host_of_the_users_is_reached_with_its_key_or_with_the_agent() {
    let key = KeyPair::generate("login").unwrap();
    let with_key = existing().with("private_key_wo", key.private().expose_secret());
    assert_eq!(told(with_key.clone()), "");
    let bootstrap = Bootstrap::read(&config(with_key)).unwrap();
    let Place::Standing(host) = &bootstrap.place else {
        panic!("{bootstrap:?}")
    };
    assert_eq!((host.port, host.user.as_str()), (22, "deploy"));
    assert!(host.login_key.is_some() && !bootstrap.needs_agent());
    assert!(!format!("{bootstrap:?}").contains("PRIVATE KEY"));
    assert!(Bootstrap::read(&config(existing())).unwrap().needs_agent());
}

#[test]
fn what_cannot_be_is_told_at_once_and_quotes_no_key() {
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\ncanary\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let torn = "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n";
    let cases: [(Object, &[&str]); 9] = [
        (
            existing().with("connection", "shh"),
            &["\"shh\"", "Did you mean \"ssh\"?"],
        ),
        (
            existing().with("connection", "local"),
            &[
                "address is for connection = \"ssh\"",
                "user is for",
                "host_key is for",
            ],
        ),
        (
            Object::new().with("user", "deploy"),
            &["user is for connection = \"ssh\", and connection is \"instance\""],
        ),
        (
            Object::new().with("connection", "ssh"),
            &["address is needed", "user is needed", "host_key is needed"],
        ),
        (
            existing().with("port", 70_000),
            &["port is 70000", "1 to 65535"],
        ),
        (
            existing().with("host_key", "203.0.113.7 ssh-ed25519 AAAA"),
            &["host_key is no public key", "ssh-keyscan"],
        ),
        (
            existing().with("private_key_wo", "~/.ssh/canary"),
            &["is no private key", "not its path"],
        ),
        (
            existing().with("private_key_wo", encrypted),
            &["has a passphrase"],
        ),
        (
            existing().with("private_key_wo", torn),
            &["broken private key"],
        ),
    ];
    for (bootstrap, expected) in cases {
        let text = told(bootstrap.clone());
        for words in expected {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(
            text.contains("SLW-354") && !text.contains("canary"),
            "{text}"
        );
        assert!(Bootstrap::read(&config(bootstrap)).is_err());
    }
}

#[test]
fn what_is_not_known_yet_is_not_judged() {
    for name in ["connection", "address", "host_key", "private_key_wo"] {
        let mut bootstrap = existing();
        bootstrap.set_unknown(name);
        assert_eq!(told(bootstrap), "", "{name}");
    }
    let mut config = Object::new();
    config.set_unknown("bootstrap");
    let mut faults = Diagnostics::new();
    check(&config, &mut faults);
    assert!(faults.is_empty());
}

#[test]
fn a_bundle_that_is_not_there_is_told_before_anything_is_made() {
    let missing = Object::new().with("bundle", "/nowhere/slipway.tar.gz");
    let bootstrap = Bootstrap::read(&config(missing)).unwrap();
    let fault = bootstrap.require_ready().unwrap_err();
    assert!(
        fault.detail().contains("/nowhere/slipway.tar.gz"),
        "{fault}"
    );
}
