//! What there is to build, as `tests/tools/tools.json` and the lock files beside it pin it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::recipe;
use crate::{command, hex::hex};

/// How many hex digits of a digest name a folder.
const KEY_DIGITS: usize = 16;

/// Everything that is pinned.
pub(super) struct Pins {
    pub(super) folder: PathBuf,
    pub(super) sets: Vec<Set>,
    /// Of all pins together.
    pub(super) digest: String,
}

/// What is built together.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Set {
    Go(GoPrograms),
    Java(JavaProgram),
    Node(NodePackages),
    Python(PythonEnvironment),
    Wheels(PythonWheels),
}

/// Programs of one Go module, built in one go.
#[derive(Deserialize)]
pub(super) struct GoPrograms {
    pub(super) name: String,
    pub(super) minutes: u32,
    /// Program by package.
    pub(super) programs: BTreeMap<String, String>,
    /// Variables that the linker sets; Kubernetes and Helm take their version from there.
    #[serde(default)]
    pub(super) variables: BTreeMap<String, String>,
    #[serde(default)]
    check: bool,
}

/// A Java program from the libraries of one Maven project.
#[derive(Deserialize)]
pub(super) struct JavaProgram {
    pub(super) name: String,
    pub(super) minutes: u32,
    /// The source file of the class that starts it.
    pub(super) source: String,
    #[serde(default)]
    check: bool,
}

/// Packages of Node.js, with the files that start them.
#[derive(Deserialize)]
pub(super) struct NodePackages {
    pub(super) name: String,
    pub(super) minutes: u32,
    #[serde(default)]
    check: bool,
}

/// A virtual environment of Python.
#[derive(Deserialize)]
pub(super) struct PythonEnvironment {
    pub(super) name: String,
    pub(super) minutes: u32,
    pub(super) requirements: String,
    #[serde(default)]
    check: bool,
}

/// Packages of Python as files, to be installed where there is no package index.
#[derive(Deserialize)]
pub(super) struct PythonWheels {
    pub(super) name: String,
    pub(super) minutes: u32,
    pub(super) requirements: Vec<String>,
}

impl Pins {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let file = folder.join("tools.json");
        let text = fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
        let sets: Vec<Set> = serde_json::from_str(&text)
            .with_context(|| format!("{} has another shape", file.display()))?;
        let mut pins = Self {
            folder: folder.to_path_buf(),
            sets,
            digest: String::new(),
        };
        let keys = pins
            .sets
            .iter()
            .map(|set| pins.key(set))
            .collect::<Result<Vec<_>>>()?;
        pins.digest = digest([keys.concat().as_bytes()]);
        Ok(pins)
    }

    /// Names what a set's build depends on: its pins, the way it is built, and the compiler or interpreter.
    pub(super) fn key(&self, set: &Set) -> Result<String> {
        let mut parts = vec![recipe::text(set).as_bytes().to_vec()];
        match set {
            Set::Go(go) => {
                parts.push(format!("{:?} {:?}", go.programs, go.variables).into_bytes());
                parts.extend(self.module(set)?);
                parts.push(command::output(Command::new("go").arg("version"))?.into_bytes());
            }
            Set::Java(java) => {
                parts.push(java.source.clone().into_bytes());
                parts.extend(self.module(set)?);
                parts.push(version_of("javac"));
            }
            Set::Node(_) => {
                parts.extend(self.module(set)?);
                parts.push(version_of("node"));
            }
            Set::Python(python) => {
                parts.push(fs::read(self.folder.join(&python.requirements))?);
                parts.push(interpreter()?);
            }
            Set::Wheels(wheels) => {
                for list in &wheels.requirements {
                    parts.push(fs::read(self.folder.join(list))?);
                }
                parts.push(interpreter()?);
            }
        }
        Ok(digest(parts.iter().map(Vec::as_slice)))
    }

    /// The text of every file that pins a set.
    fn module(&self, set: &Set) -> Result<Vec<Vec<u8>>> {
        files_below(&self.folder.join(set.name()))?
            .into_iter()
            .map(|file| Ok(fs::read(file)?))
            .collect()
    }
}

impl Set {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Go(set) => &set.name,
            Self::Java(set) => &set.name,
            Self::Node(set) => &set.name,
            Self::Python(set) => &set.name,
            Self::Wheels(set) => &set.name,
        }
    }

    /// Whether only the checks of the source need it.
    pub(super) fn is_check(&self) -> bool {
        match self {
            Self::Go(set) => set.check,
            Self::Java(set) => set.check,
            Self::Node(set) => set.check,
            Self::Python(set) => set.check,
            Self::Wheels(_) => false,
        }
    }

    /// The names under which the set stands in the engines' folder.
    pub(super) fn links(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self {
            Self::Go(set) => Box::new(set.programs.keys().map(String::as_str)),
            Self::Java(_) | Self::Node(_) | Self::Python(_) | Self::Wheels(_) => {
                Box::new(std::iter::once(self.name()))
            }
        }
    }

    /// Where in the built folder the thing of that name lies.
    pub(super) fn path_of(&self, name: &str, built: &Path) -> PathBuf {
        match self {
            Self::Go(_) => built.join(name),
            Self::Java(_) | Self::Node(_) | Self::Python(_) | Self::Wheels(_) => {
                built.to_path_buf()
            }
        }
    }
}

/// Which Python makes environments and chooses wheels.
fn interpreter() -> Result<Vec<u8>> {
    let about = "import sys; print(sys.version, sys.base_prefix)";
    Ok(command::output(Command::new("python3").args(["-c", about]))?.into_bytes())
}

/// What a compiler or interpreter says of itself. The keys are asked for where nothing of that kind is built, too: there
/// the program may be absent.
fn version_of(program: &str) -> Vec<u8> {
    command::output(Command::new(program).arg("--version"))
        .unwrap_or_default()
        .into_bytes()
}

/// Every file of a module: go.mod, go.sum and what stands in for a dependency; in the order of their names.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(folder)
        .with_context(|| format!("no module in {}", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    entries.sort_unstable();
    let mut files = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            files.extend(files_below(&entry)?);
        } else {
            files.push(entry);
        }
    }
    Ok(files)
}

fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let mut text = hex(&hash.finalize());
    text.truncate(KEY_DIGITS);
    text
}
