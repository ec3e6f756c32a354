//! HashiCorp's acceptance harness for providers, run over our packed build.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{Core, Mirror, Sandbox, SandboxOptions, build, configuration};

/// Runs the tests of `tests/plugin_testing` that match, against a sandbox; `variables` are for them.
pub fn plugin_testing(
    core: Core,
    sandbox: &Sandbox,
    tests: &str,
    variables: &[(&str, &str)],
) -> Result<()> {
    let mirror = Mirror::of_the_build()?;
    let configuration = tempfile::NamedTempFile::new()?;
    std::fs::write(configuration.path(), mirror.command_line_configuration())?;
    let output = Command::new("go")
        .args([
            "test",
            "-count=1",
            "-timeout=10m",
            "-v",
            "-run",
            tests,
            "./...",
        ])
        .current_dir(build::workspace().join("tests/plugin_testing"))
        .env("TF_ACC", "1")
        .env("TF_ACC_TERRAFORM_PATH", core.program_path()?)
        // The host that a source without host means, for the core that runs.
        .env("TF_ACC_PROVIDER_HOST", core.registry())
        .env("TF_CLI_CONFIG_FILE", configuration.path())
        .env("CHECKPOINT_DISABLE", "1")
        .env(
            "SLIPWAY_TEST_COMPONENTS",
            configuration::COMPONENTS.join(","),
        )
        .env("SLIPWAY_API_URL", sandbox.api_url())
        .env(
            "SLIPWAY_SANDBOX_SPEED",
            SandboxOptions::records().speed.to_string(),
        )
        .env("VULTR_API_KEY", sandbox.api_key())
        .envs(variables.iter().copied())
        .output()
        .context("Go is needed to run HashiCorp's acceptance harness: https://go.dev/dl")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success() && said.contains("--- PASS") && !said.contains("--- SKIP"),
        "the acceptance harness is not content:\n{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
