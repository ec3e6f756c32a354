//! Our own client against the emulated account, which shares no line with it: every object made and taken away again,
//! with one fault after the other at each single call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod rehearsal;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use slipway_tests::{Sandbox, SandboxOptions};

use rehearsal::Rehearsal;

/// How many objects of each kind the account holds.
fn census(sandbox: &Sandbox) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for object in sandbox.objects().unwrap() {
        let kind = object["kind"]
            .as_str()
            .expect("every object has a kind")
            .to_owned();
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// One whole life of the objects. Gives what the account held in between.
fn live(sandbox: &Sandbox, rehearsal: &Rehearsal, told: &str) -> BTreeMap<String, usize> {
    let runtime = runtime();
    runtime
        .block_on(rehearsal.build())
        .unwrap_or_else(|error| panic!("{told}: {error}"));
    let full = census(sandbox);
    runtime
        .block_on(rehearsal.destroy())
        .unwrap_or_else(|error| panic!("{told}: {error}"));
    assert_eq!(
        census(sandbox),
        BTreeMap::new(),
        "{told}: the account is not empty"
    );
    full
}

/// Records only, and an hour in 60 ms: what is waited for here is the client's doing.
fn fast_sandbox() -> Sandbox {
    let options = SandboxOptions {
        real: false,
        speed: 60_000,
    };
    Sandbox::start(options).expect("a sandbox of records starts")
}

fn every_call_survives(action: &Value) {
    let sandbox = fast_sandbox();
    let rehearsal = Rehearsal::of(&sandbox);
    let before = sandbox.mark().unwrap();
    let expected = live(&sandbox, &rehearsal, "without faults");
    let calls = sandbox.mark().unwrap() - before;
    assert!(calls > 30, "only {calls} calls were made");
    for nth in 1..=calls {
        let told = format!("{action} at call {nth} of {calls}");
        sandbox
            .fault(&json!({"nth": nth, "times": 1, "hold_ms": 10, "action": action}))
            .unwrap();
        let held = live(&sandbox, &rehearsal, &told);
        assert_eq!(
            held, expected,
            "{told}: something was made twice or not at all"
        );
        sandbox.clear_faults().unwrap();
    }
}

/// Ends the build as a kill would: in the middle of call `nth`, whose answer never comes.
fn killed_at(sandbox: &Sandbox, rehearsal: &Rehearsal, nth: u64, action: &Value) {
    sandbox
        .fault(&json!({"nth": nth, "times": 1, "hold_ms": 60_000, "action": action}))
        .unwrap();
    let url = format!("{}/_sandbox/faults", sandbox.api_url());
    runtime().block_on(async {
        let control = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        let hit = async {
            loop {
                let rules: Value = control
                    .get(&url)
                    .send()
                    .await
                    .unwrap()
                    .json()
                    .await
                    .unwrap();
                if rules["rules"][0]["hits"] == 1 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            () = hit => {}
            built = rehearsal.build() => built.unwrap(),
        }
    });
    sandbox.clear_faults().unwrap();
}

fn every_kill_survives(action: &Value) {
    let sandbox = fast_sandbox();
    let rehearsal = Rehearsal::of(&sandbox);
    let before = sandbox.mark().unwrap();
    runtime().block_on(rehearsal.build()).unwrap();
    let calls = sandbox.mark().unwrap() - before;
    runtime().block_on(rehearsal.destroy()).unwrap();
    let expected = live(&sandbox, &rehearsal, "without faults");
    for nth in 1..=calls {
        killed_at(&sandbox, &rehearsal, nth, action);
        let told = format!("killed during call {nth} of {calls}, {action}");
        let held = live(&sandbox, &rehearsal, &told);
        assert_eq!(held, expected, "{told}: something was made twice");
    }
}

#[test]
fn a_kill_before_the_effect_of_any_call_is_made_good_by_the_next_run() {
    every_kill_survives(&json!("timeout_before"));
}

#[test]
fn a_kill_after_the_effect_of_any_call_is_made_good_by_the_next_run() {
    every_kill_survives(&json!("timeout_after"));
}

#[test]
fn a_rate_limit_at_any_call_changes_nothing() {
    every_call_survives(&json!({"status": 429}));
}

#[test]
fn a_failure_before_the_effect_of_any_call_changes_nothing() {
    every_call_survives(&json!({"status": 500}));
}

#[test]
fn a_failure_after_the_effect_of_any_call_changes_nothing() {
    every_call_survives(&json!({"status": 500, "after": true}));
}

#[test]
fn a_request_lost_at_any_call_changes_nothing() {
    every_call_survives(&json!("timeout_before"));
}

#[test]
fn an_answer_lost_at_any_call_changes_nothing() {
    every_call_survives(&json!("timeout_after"));
}

#[test]
fn an_answer_cut_at_any_call_changes_nothing() {
    every_call_survives(&json!("cut_body"));
}
