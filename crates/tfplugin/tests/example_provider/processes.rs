//! Processes: how they start under load, speak, and serve a debugger.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::binary::provider_binary;
use crate::workspace::{Workspace, eventually, finish};

#[test]
fn starts_under_load() {
    let workspaces: Vec<Workspace> = (0..8)
        .map(|n| {
            Workspace::new(&format!(
                "resource \"files_note\" \"many\" {{\n  count = 20\n  name  = \"n{n}-${{count.index}}\"\n}}\n"
            ))
        })
        .collect();
    std::thread::scope(|scope| {
        for workspace in &workspaces {
            scope.spawn(|| {
                workspace.apply().succeeded();
                assert_eq!(workspace.plan_code(), Some(0));
            });
        }
    });
}

#[test]
fn w15_w16_log_lines_keep_their_level_and_fields() {
    let workspace = Workspace::new(r#"resource "files_note" "a" { name = "a" }"#);
    let mut command = workspace.command(&["plan", "-no-color"]);
    command.env("TF_LOG", "JSON");
    let plan = finish(command).succeeded();
    let entries = plan
        .stderr
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let configured = entries
        .into_iter()
        .find(|entry| entry["@message"] == "configured");
    let configured = configured.expect("the provider's line is among core's");
    assert_eq!(configured["@level"], "info");
    assert!(configured["terraform"].as_str().unwrap().starts_with('1'));
}

#[test]
fn serves_a_debugger_across_commands() {
    let workspace = Workspace::new(r#"resource "files_note" "a" { name = "a" }"#);
    let mut provider = Command::new(provider_binary())
        .arg("--debug")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(provider.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let line = line
        .trim()
        .strip_prefix("TF_REATTACH_PROVIDERS='")
        .unwrap()
        .strip_suffix('\'')
        .unwrap();
    for arguments in [&["plan"][..], &["apply", "-auto-approve"]] {
        let mut command = workspace.command(arguments);
        command.env("TF_REATTACH_PROVIDERS", line);
        finish(command).succeeded();
    }
    assert!(workspace.note("a").is_some());
    kill(
        Pid::from_raw(provider.id().try_into().unwrap()),
        Signal::SIGINT,
    )
    .unwrap();
    assert!(provider.wait().unwrap().success());
    eventually("its socket is gone", || {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        let socket = json["registry.terraform.io/tfplugin/files"]["Addr"]["String"].clone();
        !std::path::Path::new(socket.as_str().unwrap()).exists()
    });
}
