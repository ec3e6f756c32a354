//! A directory with a configuration, the provider's store beside it, and Terraform to run on both.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::binary;

/// One configuration and what belongs to it. Everything is removed with it.
pub(crate) struct Workspace {
    root: TempDir,
}

/// How a command ended.
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// All that was printed, line breaks and frames taken out, so that wrapped sentences can be found.
    pub(crate) fn text(&self) -> String {
        let both = format!("{}\n{}", self.stdout, self.stderr);
        let words = both
            .split_whitespace()
            .filter(|word| !word.chars().all(|c| "│╷╵".contains(c)));
        words.collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self
    }

    pub(crate) fn failed_with(self, sentence: &str) -> Self {
        assert_ne!(self.code, Some(0), "{}", self.stdout);
        let text = self.text();
        assert!(text.contains(sentence), "{sentence:?} is not in:\n{text}");
        self
    }
}

fn terraform() -> OsString {
    std::env::var_os("TERRAFORM").unwrap_or_else(|| "terraform".into())
}

impl Workspace {
    /// A workspace with this configuration, which may use `files_*`, `unruly_*` and `terraform_data`.
    pub(crate) fn new(configuration: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let workspace = Self { root };
        for directory in ["bin", "store", "config"] {
            std::fs::create_dir(workspace.path(directory)).unwrap();
        }
        for (name, binary) in [("files", binary::files()), ("unruly", binary::unruly())] {
            let link = workspace.path(&format!("bin/terraform-provider-{name}"));
            std::os::unix::fs::symlink(binary, link).unwrap();
        }
        let overrides = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"tfplugin/files\" = \"{0}\"\n    \"tfplugin/unruly\" = \"{0}\"\n  }}\n  direct {{}}\n}}\n",
            workspace.path("bin").display()
        );
        std::fs::write(workspace.path("terraform.rc"), overrides).unwrap();
        workspace.configure(configuration);
        workspace
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Replaces the configuration. If it uses `files_*`, that provider keeps its notes in this workspace's store.
    pub(crate) fn configure(&self, configuration: &str) {
        let provider = format!(
            "provider \"files\" {{\n  directory = \"{}\"\n}}\n",
            self.path("store").display()
        );
        let provider = if uses("files", configuration) {
            provider
        } else {
            String::new()
        };
        self.configure_all(&(provider + configuration));
    }

    /// Replaces the configuration, the provider blocks included.
    pub(crate) fn configure_all(&self, configuration: &str) {
        let wanted = ["files", "unruly"]
            .into_iter()
            .filter(|name| uses(name, configuration));
        let source = |name| format!("    {name} = {{ source = \"tfplugin/{name}\" }}\n");
        let sources: String = wanted.map(source).collect();
        let head = format!("terraform {{\n  required_providers {{\n{sources}  }}\n}}\n");
        std::fs::write(self.path("config/main.tf"), head + configuration).unwrap();
    }

    /// A command in its own environment; the caller's Terraform settings do not reach it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(terraform());
        let own = std::env::vars_os().map(|(name, _)| name);
        for name in own.filter(|name| name.to_string_lossy().starts_with("TF_")) {
            command.env_remove(name);
        }
        command
            .current_dir(self.path("config"))
            .env("TF_CLI_CONFIG_FILE", self.path("terraform.rc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        finish(self.command(arguments))
    }

    pub(crate) fn apply(&self) -> Finished {
        self.run(&["apply", "-auto-approve", "-no-color"])
    }

    /// The exit code of a plan: 0 nothing to do, 2 changes.
    pub(crate) fn plan_code(&self) -> Option<i32> {
        self.run(&["plan", "-detailed-exitcode", "-no-color"]).code
    }

    /// The planned changes as JSON.
    pub(crate) fn planned(&self) -> Json {
        self.run(&["plan", "-no-color", "-out=plan"]).succeeded();
        let shown = self.run(&["show", "-json", "plan"]).succeeded();
        serde_json::from_str(&shown.stdout).unwrap()
    }

    /// The stored state.
    pub(crate) fn state(&self) -> Json {
        let text = std::fs::read_to_string(self.path("config/terraform.tfstate")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The stored attributes of the only instance of a resource.
    pub(crate) fn attributes(&self, type_name: &str, name: &str) -> Json {
        self.instance(type_name, name)["attributes"].clone()
    }

    pub(crate) fn instance(&self, type_name: &str, name: &str) -> Json {
        let state = self.state();
        let resources = state["resources"].as_array().unwrap();
        let found = resources
            .iter()
            .find(|r| r["type"] == type_name && r["name"] == name);
        found.unwrap_or_else(|| panic!("{type_name}.{name} is not in {state:#}"))["instances"][0]
            .clone()
    }

    /// What the store holds of a note.
    pub(crate) fn note(&self, name: &str) -> Option<Json> {
        let text = std::fs::read_to_string(self.path(&format!("store/{name}.json"))).ok()?;
        serde_json::from_str(&text).ok()
    }

    pub(crate) fn journal(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("store/journal")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

fn uses(provider: &str, configuration: &str) -> bool {
    [format!("{provider}_"), format!("provider::{provider}")]
        .iter()
        .any(|use_| configuration.contains(use_))
}

pub(crate) fn finish(mut command: Command) -> Finished {
    let output = command.output().unwrap_or_else(|error| {
        panic!("Terraform 1.11 or newer is needed in PATH or in TERRAFORM for this test: {error}")
    });
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Waits until something is so.
pub(crate) fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !so() {
        assert!(
            Instant::now() < deadline,
            "{what} did not come true in time"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
