//! What no rule has a number for: load, a debugger, functions, ephemeral values, secrets in complaints.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::binary::files;
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
fn serves_a_debugger_across_commands() {
    let workspace = Workspace::new(r#"resource "files_note" "a" { name = "a" }"#);
    let mut provider = Command::new(files())
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

#[test]
fn functions_compute_and_name_the_argument_they_refuse() {
    let workspace =
        Workspace::new(r#"output "slug" { value = provider::files::slug("Hello, World!") }"#);
    workspace.apply().succeeded();
    assert_eq!(workspace.state()["outputs"]["slug"]["value"], "hello-world");
    workspace.configure(r#"output "slug" { value = provider::files::slug("?!") }"#);
    workspace
        .apply()
        .failed_with("has neither letters nor digits");
}

#[test]
fn ephemeral_values_are_opened_and_closed_and_stored_nowhere() {
    let workspace = Workspace::new(
        r#"
        ephemeral "files_key" "k" { note = "a" }
        resource "files_note" "a" {
          name            = "a"
          seal_wo         = ephemeral.files_key.k.key
          seal_wo_version = 1
        }
        "#,
    );
    workspace.apply().succeeded();
    assert_eq!(
        workspace.journal(),
        ["opened a", "closed a", "opened a", "closed a"]
    );
    assert_eq!(
        workspace.note("a").unwrap()["sealed"],
        "ephemeral-key-of-a".len()
    );
    assert!(!workspace.state().to_string().contains("ephemeral-key-of"));
}

#[test]
fn g05_what_is_wrong_with_a_secret_does_not_tell_it() {
    let workspace = Workspace::new(
        r#"
        resource "files_note" "a" {
          name            = "a"
          seal_wo         = "xyz"
          seal_wo_version = 1
        }
        "#,
    );
    let refused = workspace.run(&["validate", "-no-color"]);
    assert!(
        !refused
            .failed_with("4 or more characters are allowed")
            .text()
            .contains("of xyz")
    );
}
