//! The real Terraform or OpenTofu in a folder of its own, with our provider from the build folder or from a mirror.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Core, Mirror, Sandbox, build};

/// What one Terraform command did.
#[derive(Debug)]
pub struct Run {
    /// Its exit code; with `plan -detailed-exitcode` 2 means "changes".
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Fails with everything that Terraform said unless the command succeeded.
    pub fn ok(self) -> Result<Self> {
        ensure!(
            self.code == 0,
            "terraform ended with {}:\n{}\n{}",
            self.code,
            self.stdout,
            self.stderr
        );
        Ok(self)
    }

    /// Fails unless the command failed; a test that wants an error reads it from here.
    pub fn failed(self) -> Result<Self> {
        ensure!(
            self.code != 0,
            "terraform succeeded, an error was due:\n{}",
            self.stdout
        );
        Ok(self)
    }

    /// Output and errors in one text, its line breaks and box characters folded, to search for words in.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
            .replace(['│', '╷', '╵'], " ")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// A working folder for Terraform.
#[derive(Debug)]
pub struct Terraform {
    folder: TempDir,
    environment: Vec<(String, String)>,
    program: PathBuf,
}

impl Terraform {
    /// A folder whose configuration is `main.tf` with the given text, pointed at the sandbox.
    pub fn new(sandbox: &Sandbox, configuration: &str) -> Result<Self> {
        Self::with_core(Core::chosen()?, sandbox, configuration)
    }

    /// The same with one core, whichever the run of the tests is about.
    pub fn with_core(core: Core, sandbox: &Sandbox, configuration: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("main.tf"), configuration)?;
        Self::over(core, sandbox, folder)
    }

    /// The same with the provider installed by `init` from a mirror, as users install it.
    pub fn installed(
        core: Core,
        sandbox: &Sandbox,
        mirror: &Mirror,
        configuration: &str,
    ) -> Result<Self> {
        let terraform = Self::with_core(core, sandbox, configuration)?;
        std::fs::write(
            terraform.folder().join("terraform.rc"),
            mirror.command_line_configuration(),
        )?;
        terraform
            .run(&["init", "-input=false", "-no-color"])?
            .ok()?;
        Ok(terraform)
    }

    /// A copy of one of the examples, pointed at the sandbox; `modules` of the checkout stay where they are.
    pub fn example(sandbox: &Sandbox, name: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let source = build::workspace().join("examples").join(name);
        for entry in std::fs::read_dir(&source)
            .with_context(|| format!("no example in {}", source.display()))?
        {
            let path = entry?.path();
            if path.extension() == Some(OsStr::new("tf")) {
                let text = std::fs::read_to_string(&path)?.replace(
                    "../../terraform/",
                    &format!("{}/terraform/", build::workspace().display()),
                );
                let name = path.file_name().context("an example file without a name")?;
                std::fs::write(folder.path().join(name), text)?;
            }
        }
        Self::over(Core::chosen()?, sandbox, folder)
    }

    fn over(core: Core, sandbox: &Sandbox, folder: TempDir) -> Result<Self> {
        build::binary("terraform-provider-slipway")?;
        let configuration = folder.path().join("terraform.rc");
        std::fs::write(
            &configuration,
            format!(
                "provider_installation {{\n  dev_overrides {{\n    \"slipway/slipway\" = \"{}\"\n  }}\n  direct {{}}\n}}\n",
                build::binary_folder().display()
            ),
        )?;
        let mut environment = vec![
            (
                "TF_CLI_CONFIG_FILE".to_owned(),
                configuration.display().to_string(),
            ),
            ("VULTR_API_KEY".to_owned(), sandbox.api_key().to_owned()),
            ("SLIPWAY_API_URL".to_owned(), sandbox.api_url().to_owned()),
            (
                "SLIPWAY_SANDBOX_SPEED".to_owned(),
                sandbox.pace().to_string(),
            ),
            (
                "XDG_STATE_HOME".to_owned(),
                folder.path().join("state-home").display().to_string(),
            ),
            ("TF_IN_AUTOMATION".to_owned(), "1".to_owned()),
            ("CHECKPOINT_DISABLE".to_owned(), "1".to_owned()),
        ];
        if let Some(mirror) = sandbox.chart_mirror() {
            environment.push(("SLIPWAY_CHART_MIRROR".to_owned(), mirror.to_owned()));
        }
        let terraform = Self {
            folder,
            environment,
            program: core.program()?,
        };
        if std::fs::read_dir(terraform.folder())?
            .filter_map(Result::ok)
            .any(|entry| {
                std::fs::read_to_string(entry.path()).is_ok_and(|text| text.contains("module \""))
            })
        {
            terraform.run(&["get", "-no-color"])?.ok()?;
        }
        Ok(terraform)
    }

    /// The working folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sets a variable of the environment for every later command.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a variable out of the environment of every later command.
    pub fn unset(&mut self, name: &str) {
        self.environment.retain(|(known, _)| known != name);
    }

    /// Replaces `main.tf`.
    pub fn configure(&self, configuration: &str) -> Result<()> {
        Ok(std::fs::write(
            self.folder().join("main.tf"),
            configuration,
        )?)
    }

    /// Replaces one text in `main.tf`; the text must be there.
    pub fn edit(&self, from: &str, to: &str) -> Result<()> {
        let path = self.folder().join("main.tf");
        let text = std::fs::read_to_string(&path)?;
        ensure!(text.contains(from), "main.tf has no {from:?}");
        Ok(std::fs::write(path, text.replacen(from, to, 1))?)
    }

    /// `terraform apply` without questions.
    pub fn apply(&self) -> Result<Run> {
        self.run(&["apply", "-auto-approve", "-input=false", "-no-color"])
    }

    /// `terraform plan`; code 0 means no changes, 2 changes, 1 an error.
    pub fn plan(&self) -> Result<Run> {
        self.run(&["plan", "-detailed-exitcode", "-input=false", "-no-color"])
    }

    /// `terraform destroy` without questions.
    pub fn destroy(&self) -> Result<Run> {
        self.run(&["destroy", "-auto-approve", "-input=false", "-no-color"])
    }

    /// The state as `terraform show -json` gives it.
    pub fn state(&self) -> Result<Value> {
        let run = self.run(&["show", "-json", "-no-color"])?.ok()?;
        serde_json::from_str(run.stdout.trim()).context("terraform show -json printed no JSON")
    }

    /// The attributes of one resource in the state, by its address.
    pub fn resource(&self, address: &str) -> Result<Option<Value>> {
        let state = self.state()?;
        let mut modules = vec![state["values"]["root_module"].clone()];
        while let Some(module) = modules.pop() {
            for resource in module["resources"].as_array().into_iter().flatten() {
                if resource["address"] == address {
                    return Ok(Some(resource["values"].clone()));
                }
            }
            modules.extend(
                module["child_modules"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
        }
        Ok(None)
    }

    /// Runs one command to its end.
    pub fn run(&self, arguments: &[&str]) -> Result<Run> {
        let output = self.command(arguments).output().with_context(|| {
            format!(
                "{} does not start: install Terraform 1.11 or newer",
                self.program.display()
            )
        })?;
        Ok(outcome(&output))
    }

    /// Starts one command in a process group of its own, for tests that interrupt it.
    pub fn spawn(&self, arguments: &[&str]) -> Result<Child> {
        use std::os::unix::process::CommandExt;
        Ok(self
            .command(arguments)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?)
    }

    /// Waits for a command that `spawn` started.
    pub fn finish(child: Child) -> Result<Run> {
        Ok(outcome(&child.wait_with_output()?))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(self.folder())
            .envs(self.environment.iter().cloned());
        command
    }
}

fn outcome(output: &Output) -> Run {
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
