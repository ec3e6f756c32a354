//! Stops and sudden ends in the middle of a create.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

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
fn providers(workspace: &Workspace) -> Vec<Pid> {
    let binary = workspace.path("bin/terraform-provider-files");
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
fn w19_w21_ctrl_c_in_mid_create_keeps_the_object() {
    let workspace = Workspace::new(SLOW);
    let apply = waiting_apply(&workspace);
    // A terminal sends it to the whole group, the provider included.
    killpg(pid(&apply), Signal::SIGINT).unwrap();
    end(apply).failed_with("stopped on request before it was done");
    assert_kept_tainted(&workspace);
    eventually("the provider is gone", || providers(&workspace).is_empty());
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
    for provider in providers(&workspace) {
        kill(provider, Signal::SIGTERM).unwrap();
    }
    end(apply).failed_with("stopped on request before it was done");
    assert_kept_tainted(&workspace);
}

#[test]
fn w23_an_orphan_goes_by_itself() {
    let workspace = Workspace::new(SLOW);
    let mut apply = waiting_apply(&workspace);
    assert!(!providers(&workspace).is_empty());
    kill(pid(&apply), Signal::SIGKILL).unwrap();
    apply.wait().unwrap();
    eventually("the orphan is gone", || providers(&workspace).is_empty());
}
