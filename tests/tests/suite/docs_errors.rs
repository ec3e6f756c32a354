//! The page of errors against the sources: every code has an entry, and every entry a source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Result, ensure};
use slipway_tests::workspace;

const PREFIX: &str = "SLW-";
/// Where codes come from.
const SOURCES: [&str; 6] = [
    "provider",
    "bootstrap",
    "platform-api",
    "sandbox",
    "crates",
    "playbooks",
];

#[test]
fn every_code_has_an_entry_and_every_entry_a_source() -> Result<()> {
    let page = std::fs::read_to_string(workspace().join("docs/errors.md"))?;
    let mut entries = BTreeMap::new();
    for heading in page.lines().filter_map(|line| line.strip_prefix("### ")) {
        let Some((code, title)) = heading.split_once(": ") else {
            continue;
        };
        ensure!(
            entries.insert(code.to_owned(), title.to_owned()).is_none(),
            "{code} has two entries"
        );
    }
    let mut used = BTreeSet::new();
    for folder in SOURCES {
        codes_below(&workspace().join(folder), &mut used)?;
    }
    let documented: BTreeSet<String> = entries.into_keys().collect();
    let missing: Vec<_> = used.difference(&documented).collect();
    let stale: Vec<_> = documented.difference(&used).collect();
    ensure!(
        missing.is_empty() && stale.is_empty(),
        "without an entry in docs/errors.md: {missing:?}; entries of no source: {stale:?}"
    );
    ensure!(used.len() > 50, "only {} codes were found", used.len());
    Ok(())
}

/// Every entry tells what to do.
#[test]
fn every_entry_says_what_to_do() -> Result<()> {
    let page = std::fs::read_to_string(workspace().join("docs/errors.md"))?;
    for entry in page.split("\n### ").skip(1) {
        let code = entry.split(':').next().unwrap_or_default();
        ensure!(
            entry.contains("**What to do.** "),
            "{code} does not say what to do"
        );
    }
    Ok(())
}

fn codes_below(folder: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            // A code in a test proves nothing about the programs.
            if name != "tests" {
                codes_below(&path, found)?;
            }
        } else if name != "tests.rs"
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            // A module of tests that has a file of its own is only named here, and what follows its name counts.
            let text = text
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default();
            found.extend(text.match_indices(PREFIX).filter_map(|(at, _)| {
                let code: String = text[at..].chars().take(PREFIX.len() + 3).collect();
                let digits = &code[PREFIX.len()..];
                (digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))
                    .then_some(code)
            }));
        }
    }
    Ok(())
}
