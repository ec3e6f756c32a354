//! Stops and sudden ends in the middle of a create: W19 to W24.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use serde_json::json;
use tfcore::Config;

use crate::driver::{assert_refused, files};
use crate::workspace::{Finished, Workspace, eventually};

const SLOW: &str = r#"
    resource "files_note" "slow" {
      name     = "slow"
      wait_for = "gate"
    }
    resource "files_note" "after" {
      name       = "after"
      depends_on = [files_note.slow]
    }
    "#;

/// An apply that waits in the middle of a create, in a process group of its own, as a shell would start it.
fn waiting_apply(workspace: &Workspace) -> Child {
    let mut command = workspace.command(&["apply", "-auto-approve", "-no-color"]);
    command.process_group(0);
    let child = command
        .spawn()
        .expect("Terraform 1.11 or newer is needed in PATH or in TERRAFORM for this test");
    eventually("the note is written", || workspace.note("slow").is_some());
    child
}

fn end(child: Child) -> Finished {
    let output = child.wait_with_output().unwrap();
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap())
}

/// The processes that this workspace's provider runs in. Its path is this workspace's alone.
fn providers(workspace: &Workspace, name: &str) -> Vec<Pid> {
    let binary = workspace.path(&format!("bin/terraform-provider-{name}"));
    let listed = Command::new("ps")
        .args(["-eo", "pid=,args="])
        .output()
        .unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let ours = listed
        .lines()
        .filter(|line| line.contains(&*binary.to_string_lossy()));
    ours.map(|line| Pid::from_raw(line.split_whitespace().next().unwrap().parse().unwrap()))
        .collect()
}

fn assert_kept_tainted(workspace: &Workspace) {
    let slow = workspace.instance("files_note", "slow");
    assert_eq!(slow["status"], "tainted");
    assert_eq!(slow["attributes"]["id"], "note:slow");
    assert_eq!(slow["attributes"]["sealed"], serde_json::Value::Null);
    assert_eq!(workspace.state()["resources"].as_array().unwrap().len(), 1);
}

#[test]
fn w19_ctrl_c_in_mid_create_keeps_the_object() {
    let workspace = Workspace::new(SLOW);
    let apply = waiting_apply(&workspace);
    // A terminal sends it to the whole group, the provider included.
    killpg(pid(&apply), Signal::SIGINT).unwrap();
    end(apply).failed_with("stopped on request before it was done");
    assert_kept_tainted(&workspace);
    eventually("the provider is gone", || {
        providers(&workspace, "files").is_empty()
    });
    std::fs::write(workspace.path("config/gate"), "").unwrap();
    workspace.apply().succeeded();
    assert_eq!(workspace.plan_code(), Some(0));
}

#[test]
fn w20_sigterm_to_core_in_mid_create_keeps_the_object() {
    let workspace = Workspace::new(SLOW);
    let apply = waiting_apply(&workspace);
    kill(pid(&apply), Signal::SIGTERM).unwrap();
    end(apply).failed_with("stopped on request before it was done");
    assert_kept_tainted(&workspace);
}

#[test]
fn w19_sigterm_to_the_provider_stops_what_it_does_and_not_itself() {
    let workspace = Workspace::new(SLOW);
    let apply = waiting_apply(&workspace);
    for provider in providers(&workspace, "files") {
        kill(provider, Signal::SIGTERM).unwrap();
    }
    end(apply).failed_with("stopped on request before it was done");
    assert_kept_tainted(&workspace);
}

#[test]
fn w23_an_orphan_goes_by_itself() {
    let workspace = Workspace::new(SLOW);
    let mut apply = waiting_apply(&workspace);
    assert!(!providers(&workspace, "files").is_empty());
    kill(pid(&apply), Signal::SIGKILL).unwrap();
    apply.wait().unwrap();
    eventually("the orphan is gone", || {
        providers(&workspace, "files").is_empty()
    });
}

#[tokio::test]
async fn w21_a_stopped_create_keeps_what_exists_and_the_provider_goes_on() {
    let store = tempfile::tempdir().unwrap();
    let core = files(store.path()).await;
    let config = Config::from(json!({ "name": "slow", "wait_for": store.path().join("gate") }));
    let mut slot = None;
    let stopped = {
        let mut create = std::pin::pin!(core.converge("files_note", &mut slot, &config));
        loop {
            match tokio::time::timeout(Duration::from_millis(20), &mut create).await {
                Ok(stopped) => break stopped,
                Err(_) if store.path().join("slow.json").exists() => core.stop().await.unwrap(),
                Err(_) => {}
            }
        }
    };
    assert_refused(&stopped.unwrap_err(), "stopped on request");
    let kept = slot.as_ref().unwrap();
    assert!(kept.is_tainted());
    assert_eq!(kept.get("id"), "note:slow");
    std::fs::write(store.path().join("gate"), "").unwrap();
    core.converge("files_note", &mut slot, &config)
        .await
        .unwrap();
    core.settled("files_note", slot.as_ref(), &config)
        .await
        .unwrap();
}

/// A create that does not listen: core gives it up on the second interrupt, and the process does not outlive it.
#[test]
fn w22_after_a_second_interrupt_nothing_is_left_running() {
    let workspace = Workspace::new(
        "resource \"unruly_thing\" \"deaf\" {\n  name   = \"deaf\"\n  breaks = \"deaf\"\n}\n",
    );
    let mut command = workspace.command(&["apply", "-auto-approve", "-no-color"]);
    command.process_group(0).stdout(std::process::Stdio::null());
    command.stderr(std::process::Stdio::null());
    command
        .env("TF_LOG", "JSON")
        .env("TF_LOG_PATH", workspace.path("log"));
    let mut apply = command.spawn().unwrap();
    let logged = |sentence: &str| {
        let log = std::fs::read_to_string(workspace.path("log")).unwrap_or_default();
        log.contains(sentence)
    };
    eventually("the create is going on", || {
        logged("applying the planned Create change")
    });
    killpg(pid(&apply), Signal::SIGINT).unwrap();
    eventually("core has asked to stop", || {
        logged("StopProvider") || logged("Stop")
    });
    killpg(pid(&apply), Signal::SIGINT).unwrap();
    assert!(!apply.wait().unwrap().success());
    eventually("the provider is gone", || {
        providers(&workspace, "unruly").is_empty()
    });
}

/// Nobody but the provider limits the time of an operation, and a slow one holds up no other.
#[tokio::test]
async fn w24_a_slow_operation_is_neither_cut_off_nor_in_the_way() {
    let store = tempfile::tempdir().unwrap();
    let core = files(store.path()).await;
    let gate = store.path().join("gate");
    let waiting = Config::from(json!({ "name": "slow", "wait_for": &gate }));
    let mut kept = None;
    let slow = core.converge("files_note", &mut kept, &waiting);
    let others = async {
        while !store.path().join("slow.json").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for number in 0..50 {
            let config = Config::from(json!({ "name": format!("n{number}") }));
            core.converge("files_note", &mut None, &config)
                .await
                .unwrap();
        }
        std::fs::write(&gate, "").unwrap();
    };
    let (slow, ()) = tokio::join!(slow, others);
    slow.unwrap();
}
