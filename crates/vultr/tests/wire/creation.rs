//! Nothing is made twice, whatever happens to the answer.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use vultr::{CreateInstance, CreateVpc, Ensured, Error, Taint};

use crate::server::{Reply, Server, error, page, vpc};

const MARK: &str = "slipway:acme (creating)";

fn wanted() -> CreateVpc {
    CreateVpc {
        region: "ams".into(),
        description: MARK.into(),
        subnet: None,
    }
}

/// An account that makes a VPC at each POST that takes effect, and answers the POSTs by a script.
async fn account(answers: Vec<Answer>) -> (Server, Arc<Mutex<Vec<Value>>>) {
    let vpcs = Arc::new(Mutex::new(vec![
        vpc("foreign", "slipway:acme2"),
        vpc("finished", "slipway:acme"),
    ]));
    let objects = Arc::clone(&vpcs);
    let answers = Mutex::new(answers.into_iter());
    let server = Server::start(move |seen| {
        let mut objects = objects.lock().unwrap();
        if seen.line.starts_with("GET") {
            return page("vpcs", &objects, objects.len(), "");
        }
        let made = vpc(
            &format!("made{}", seen.n),
            seen.body["description"].as_str().unwrap(),
        );
        let answer = answers.lock().unwrap().next().expect("a POST too many");
        if answer.effect {
            objects.push(made.clone());
        }
        (answer.reply)(&made)
    })
    .await;
    (server, vpcs)
}

struct Answer {
    effect: bool,
    reply: fn(&Value) -> Reply,
}

fn good(effect: bool) -> Answer {
    Answer {
        effect,
        reply: |made| Reply::Json(201, json!({"vpc": made})),
    }
}

/// Every way to lose the answer of a POST.
const LOSSES: [fn(&Value) -> Reply; 4] = [
    |_| Reply::Silence,
    |_| Reply::Cut(201, r#"{"vpc":{"id":"#),
    |_| error(500, "Internal server error."),
    |_| error(504, "Gateway timeout"),
];

#[tokio::test]
async fn a_lost_answer_is_its_own_error_and_is_sent_once() {
    for reply in LOSSES {
        let (server, _) = account(vec![Answer {
            effect: true,
            reply,
        }])
        .await;
        let failed = server.client().create_vpc(&wanted()).await.unwrap_err();
        assert!(matches!(failed, Error::Unanswered { .. }), "{failed}");
        assert_eq!(server.lines(), ["POST /v2/vpcs"]);
    }
}

#[tokio::test]
async fn what_a_lost_answer_made_is_adopted() {
    for reply in LOSSES {
        let (server, vpcs) = account(vec![Answer {
            effect: true,
            reply,
        }])
        .await;
        let made = server.client().ensure_vpc(&wanted()).await.unwrap();
        assert!(made.is_created());
        assert_eq!(made.into_inner().description, MARK);
        assert_eq!(vpcs.lock().unwrap().len(), 3);
    }
}

#[tokio::test]
async fn what_a_lost_request_did_not_make_is_made() {
    for reply in LOSSES {
        let (server, vpcs) = account(vec![
            Answer {
                effect: false,
                reply,
            },
            good(true),
        ])
        .await;
        server.client().ensure_vpc(&wanted()).await.unwrap();
        assert_eq!(vpcs.lock().unwrap().len(), 3);
    }
}

#[tokio::test]
async fn what_exists_is_adopted_without_a_write() {
    let (server, vpcs) = account(vec![]).await;
    vpcs.lock().unwrap().push(vpc("mine", MARK));
    let found = server.client().ensure_vpc(&wanted()).await.unwrap();
    assert!(matches!(found, Ensured::Adopted(vpc) if vpc.id == "mine"));
}

#[tokio::test]
async fn two_of_one_mark_are_an_error_that_names_both() {
    let (server, vpcs) = account(vec![]).await;
    vpcs.lock().unwrap().push(vpc("one", MARK));
    vpcs.lock().unwrap().push(vpc("two", MARK));
    let failed = server.client().ensure_vpc(&wanted()).await.unwrap_err();
    assert_eq!(failed.code(), "SLW-213");
    assert!(failed.to_string().contains("one, two"), "{failed}");
}

#[tokio::test]
async fn a_first_creation_that_comes_through_late_is_not_overlooked() {
    // The listing trails: the object of the lost POST is shown only after the second POST.
    let hidden = Mutex::new(Vec::new());
    let server = Server::start(move |seen| {
        let mut hidden = hidden.lock().unwrap();
        if seen.line.starts_with("GET") {
            let shown: &[Value] = if hidden.len() < 2 { &[] } else { &hidden };
            return page("vpcs", shown, shown.len(), "");
        }
        let made = vpc(&format!("made{}", hidden.len()), MARK);
        hidden.push(made.clone());
        if hidden.len() == 1 {
            error(500, "Internal server error.")
        } else {
            Reply::Json(201, json!({"vpc": made}))
        }
    })
    .await;
    let failed = server.client().ensure_vpc(&wanted()).await.unwrap_err();
    assert!(failed.to_string().contains("made0, made1"), "{failed}");
}

#[tokio::test]
async fn creations_are_bounded() {
    let lost = || Answer {
        effect: false,
        reply: LOSSES[2],
    };
    let (server, _) = account(vec![lost(), lost(), lost()]).await;
    let failed = server.client().ensure_vpc(&wanted()).await.unwrap_err();
    assert!(matches!(failed, Error::Unanswered { .. }), "{failed}");
}

#[tokio::test]
async fn a_refusal_is_final_and_a_rate_limit_is_not() {
    let refused = Answer {
        effect: false,
        reply: |_| error(400, "Invalid subnet"),
    };
    let (server, _) = account(vec![refused]).await;
    let failed = server.client().ensure_vpc(&wanted()).await.unwrap_err();
    assert_eq!(failed.code(), "SLW-204");

    let limited = Answer {
        effect: false,
        reply: |_| error(429, "rate limit exceeded"),
    };
    let (server, vpcs) = account(vec![limited, good(true)]).await;
    server.client().ensure_vpc(&wanted()).await.unwrap();
    assert_eq!(vpcs.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_failing_look_makes_nothing() {
    let server = Server::start(|seen| {
        assert!(seen.line.starts_with("GET"), "{}", seen.line);
        error(500, "Internal server error.")
    })
    .await;
    let failed = server.client().ensure_vpc(&wanted()).await.unwrap_err();
    assert_eq!(failed.code(), "SLW-207");
}

#[tokio::test]
async fn an_instance_is_adopted_only_with_label_and_tags() {
    let instance = |id: &str, label: &str, tags: Value| {
        json!({
            "id": id, "label": label, "tags": tags, "region": "ams", "plan": "vc2-1c-2gb", "main_ip": "0.0.0.0",
            "internal_ip": "", "date_created": "2026-07-07T22:57:01+00:00", "status": "pending",
            "power_status": "running", "server_status": "none", "os_id": 2136,
        })
    };
    let server = Server::start(move |seen| {
        assert_eq!(
            seen.line,
            "GET /v2/instances?per_page=500&label=slipway%3Aacme%3Abootstrap"
        );
        let found = [
            instance("prefix", "slipway:acme:bootstrap2", json!(["slipway:acme"])),
            instance("untagged", "slipway:acme:bootstrap", json!([])),
            instance(
                "mine",
                "slipway:acme:bootstrap",
                json!(["x", "slipway:acme"]),
            ),
        ];
        page("instances", &found, 3, "")
    })
    .await;
    let wanted = CreateInstance {
        region: "ams".into(),
        plan: "vc2-1c-2gb".into(),
        os_id: 2136,
        label: "slipway:acme:bootstrap".into(),
        hostname: "bootstrap".into(),
        tags: vec!["slipway:acme".into()],
        user_data: None,
        sshkey_id: vec![],
        attach_vpc: vec![],
        enable_ipv6: false,
        backups: false,
        activation_email: false,
    };
    let found = server.client().ensure_instance(&wanted).await.unwrap();
    assert_eq!(found.into_inner().id, "mine");
}

#[tokio::test]
async fn labels_and_taints_of_a_pool_are_given_once() {
    let server = Server::start(|seen| match seen.line.as_str() {
        "GET /v2/kubernetes/clusters/c/node-pools/p/labels" => Reply::Json(
            200,
            json!({"labels": [{"id": "l1", "key": "a", "value": "b"}]}),
        ),
        "GET /v2/kubernetes/clusters/c/node-pools/p/taints" => {
            Reply::Json(200, json!({"taints": []}))
        }
        "POST /v2/kubernetes/clusters/c/node-pools/p/taints" => {
            assert_eq!(
                seen.body,
                json!({"key": "k", "value": "v", "effect": "NoSchedule"})
            );
            Reply::Json(
                201,
                json!({"taint": {"id": "t1", "key": "k", "value": "v", "effect": "NoSchedule"}}),
            )
        }
        other => panic!("{other}"),
    })
    .await;
    let client = server.client();
    let label = client.ensure_pool_label("c", "p", "a", "b").await.unwrap();
    assert!(!label.is_created());
    let taint = Taint {
        key: "k".into(),
        value: "v".into(),
        effect: vultr::Effect::NoSchedule,
    };
    let taint = client.ensure_pool_taint("c", "p", &taint).await.unwrap();
    assert_eq!(taint.into_inner().id, "t1");
}
