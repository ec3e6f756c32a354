//! `platform-api policy check`: whether policies are valid, and what they permit.

use super::folder;
use authz::rights;
use std::io::{self, Write};
use std::path::PathBuf;

/// Checks a folder of policies as the service would, and prints what they permit.
#[derive(Clone, Debug, clap::Args)]
pub struct Check {
    /// Folder of `.cedar` files, with the entities in `data.json` beside them.
    pub folder: PathBuf,
    /// Print nothing but faults and warnings.
    #[arg(long)]
    pub quiet: bool,
}

impl Check {
    /// Checks and prints. What the service would refuse is an error, with a line for every fault.
    pub fn run(&self, out: &mut impl Write, remarks: &mut impl Write) -> anyhow::Result<()> {
        let set = match folder::read(&self.folder)?.build() {
            Ok(set) => set,
            Err(error) => {
                for fault in &error.faults {
                    writeln!(remarks, "{fault}")?;
                }
                anyhow::bail!(
                    "SLW-578: {} has {} fault(s), so it would be refused as a whole",
                    self.folder.display(),
                    error.faults.len()
                );
            }
        };
        for warning in set.warnings() {
            writeln!(remarks, "warning: {warning}")?;
        }
        if self.quiet {
            return Ok(());
        }
        let (policies, entities) = (set.policy_ids().len(), set.entity_count());
        writeln!(
            out,
            "valid: {policies} policies with those of the floor, {entities} entities"
        )?;
        write!(out, "{}", rights::table(&set))?;
        Ok(())
    }

    /// [`Self::run`] on a terminal.
    pub fn run_on_terminal(&self) -> anyhow::Result<()> {
        self.run(&mut io::stdout().lock(), &mut io::stderr().lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn check(files: &[(&str, &str)]) -> (anyhow::Result<()>, String, String) {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        let (mut out, mut remarks) = (Vec::new(), Vec::new());
        let command = Check {
            folder: folder.path().to_path_buf(),
            quiet: false,
        };
        let result = command.run(&mut out, &mut remarks);
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (result, text(out), text(remarks))
    }

    #[test]
    fn what_is_valid_is_shown_as_a_table_for_the_pools_of_the_data() {
        let readers = r#"@id("readers") permit (principal in Slipway::Team::"retail", action in Slipway::Action::"Read", resource);"#;
        let data = r#"[{"uid": {"type": "Slipway::Pool", "id": "till"}, "parents": [],
            "attrs": {"team": {"__entity": {"type": "Slipway::Team", "id": "retail"}}}}]"#;
        let (result, out, remarks) = check(&[("deep/readers.cedar", readers), ("data.json", data)]);
        result.expect("valid");
        assert_eq!(remarks, "");
        assert!(out.contains("Pool `till` of team `retail`"), "{out}");
        let member = out
            .split("A member of the team: a dynamic environment\n")
            .nth(1);
        let rows: Vec<&str> = member.expect("a table").lines().take(2).collect();
        assert!(rows[0].contains("api none") && rows[0].contains("CreateEnvironment"));
        assert!(rows[1].contains("api all") && rows[1].contains("ReadEnvironment"));
    }

    #[test]
    fn every_fault_has_a_line_and_the_whole_is_refused() {
        let unknown = "permit (principal, action, resource is Slipway::Environment) when { resource.typ == 1 };";
        let (result, out, remarks) = check(&[("a.cedar", unknown), ("b.cedar", "permit (")]);
        let error = result.expect_err("broken").to_string();
        assert!(
            error.starts_with("SLW-578") && error.contains("2 fault(s)"),
            "{error}"
        );
        assert_eq!(
            (out.as_str(), remarks.lines().count()),
            ("", 2),
            "{remarks}"
        );
        assert!(remarks.contains("a.cedar: ") && remarks.contains("b.cedar: "));
    }

    #[test]
    fn an_empty_folder_is_no_set_of_policies() {
        let error = check(&[]).0.expect_err("nothing there").to_string();
        assert!(error.starts_with("SLW-581"), "{error}");
    }
}
