//! The Python of the playbooks, tested by its own tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use run_report::Catalog;

#[test]
fn the_modules_pass_their_tests() {
    let output = Command::new("python3")
        .args(["-B", "-m", "unittest", "discover", "-s", "tests/playbooks"])
        .current_dir(slipway_tests::workspace())
        .output()
        .expect("python3 is on the PATH");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A setting that nobody can find is none; and one that is told of must exist.
#[test]
fn the_page_of_components_tells_every_setting_and_no_other() {
    let root = slipway_tests::workspace();
    let page = std::fs::read_to_string(root.join("docs/components.md")).unwrap();
    let (_, table) = page.split_once("| component | under `slipway` |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let names = |cell: &str| -> Vec<String> {
        let quoted = cell.split('`').skip(1).step_by(2);
        quoted.map(str::to_owned).collect()
    };
    let mut told = Vec::new();
    for row in table
        .lines()
        .skip(2)
        .filter(|row| !row.starts_with("| all |"))
    {
        let cells: Vec<&str> = row.split('|').collect();
        for component in names(cells[1]) {
            told.extend(
                names(cells[2])
                    .into_iter()
                    .map(|setting| (component.clone(), setting)),
            );
        }
    }
    let mut known = Vec::new();
    for (name, _) in Catalog::embedded().unwrap().iter() {
        let role = name.replace('-', "_");
        let folder = root.join("playbooks/roles").join(&role).join("vars");
        let files = ["main.yml", "main/main.yml"].map(|file| folder.join(file));
        let texts = files
            .iter()
            .filter_map(|file| std::fs::read_to_string(file).ok());
        let prefix = format!("{role}_settings: [");
        for text in texts {
            let settings = text
                .lines()
                .filter_map(|line| line.strip_prefix(&prefix)?.strip_suffix(']'));
            let settings = settings.flat_map(|settings| settings.split(", "));
            known.extend(settings.map(|setting| (name.to_owned(), setting.to_owned())));
        }
    }
    told.sort();
    known.sort();
    assert_eq!(told, known);
}
