use super::*;
use crate::graph::tests::catalog;
use serde_json::{Value, json};

fn sample() -> Value {
    json!({
        "v": 1, "run": "6f2c8a0e-3c5b-4d8e-9a51-0d6a4d1f2b3c",
        "platform": {"id": "acme", "name": "acme", "region": "ams", "domain": "platform.acme.example"},
        "host": {"connection": "ssh", "address": "127.64.0.2", "port": 22, "user": "root", "host_key": "ssh-ed25519 AAAA",
                 "login_key": "canary-login"},
        "kubeconfig": "canary-kubeconfig", "chart_mirror": null,
        "components": [{"name": "kong", "enabled": true, "version": null, "size": "ha", "values": "a: 1"}],
        "secrets": {"token": "canary-token"}, "secrets_version": 3,
        "connect_timeout_s": 300, "component_timeout_s": 1800
    })
}

fn read(value: &Value) -> Result<Request, RequestError> {
    let graph = catalog(&[("kong", &[], &[]), ("opal", &[], &["kong"])]);
    Request::read(value.to_string().as_bytes(), &graph)
}

#[test]
fn what_is_written_is_what_was_read() {
    let mut written = Vec::new();
    read(&sample()).unwrap().write_to(&mut written).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), sample());
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", read(&sample()).unwrap());
    assert!(shown.contains("platform.acme.example"));
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn unknown_fields_missing_fields_and_other_versions_are_refused() {
    let mut more = sample();
    more["colour"] = json!("red");
    assert!(
        read(&more)
            .unwrap_err()
            .to_string()
            .contains("unknown field `colour`")
    );
    let mut less = sample();
    less.as_object_mut().unwrap().remove("kubeconfig");
    assert!(
        read(&less)
            .unwrap_err()
            .to_string()
            .contains("missing field `kubeconfig`")
    );
    let mut later = sample();
    later["v"] = json!(2);
    assert!(matches!(read(&later), Err(RequestError::Version(2))));
}

#[test]
fn an_error_never_quotes_a_value() {
    for pointer in ["/secrets", "/secrets_version", "/host/port", "/components"] {
        let mut wrong = sample();
        *wrong.pointer_mut(pointer).unwrap() = json!("canary \"quoted\" text");
        let error = read(&wrong).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}

#[test]
fn every_fault_is_reported_at_once_with_its_place() {
    let mut wrong = sample();
    wrong["components"] = json!([
        {"name": "kongg", "enabled": true, "version": null, "size": "dev", "values": null},
        {"name": "opal", "enabled": true, "version": " ", "size": "dev", "values": "- 1"},
        {"name": "opal", "enabled": false, "version": null, "size": "dev", "values": null}
    ]);
    wrong["connect_timeout_s"] = json!(0);
    let RequestError::Faults(faults) = read(&wrong).unwrap_err() else {
        panic!("not faults")
    };
    let paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "components[0].name",
            "components[1].version",
            "components[1].values",
            "components[1].enabled",
            "components[2].name",
            "connect_timeout_s"
        ]
    );
    assert!(
        faults[0].message.contains("did you mean `kong`?"),
        "{}",
        faults[0].message
    );
}

#[test]
fn a_backend_must_be_one_that_the_component_has() {
    let mut graph = catalog(&[("minio", &[], &[])]);
    graph.components.get_mut("minio").unwrap().backends = vec!["seaweedfs".into(), "minio".into()];
    let component = |values: &str| ComponentRequest {
        name: "minio".into(),
        enabled: true,
        version: None,
        size: Size::Dev,
        values: Some(values.into()),
    };
    let faults = |values: &str| {
        let mut faults = Vec::new();
        component(values).check(&graph, &["minio"].into(), &mut |_, message| {
            faults.push(message);
        });
        faults
    };
    assert!(faults("slipway: {backend: minio}").is_empty());
    assert_eq!(
        faults("slipway: {backend: gluster}"),
        [r#"slipway.backend "gluster" is not one of seaweedfs, minio"#]
    );
}
