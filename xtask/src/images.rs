//! Images of the programs that run in clusters, assembled from this workspace without a container engine.
//!
//! An image is one static program, certificate authorities and the few files that name a user. Nothing in it is read from
//! the machine, no time is written down, so the same program makes the same bytes anywhere.

mod elf;
mod layer;
mod layout;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{command, ground, release};
use layout::Image;

/// The version of every program of the workspace.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A program that has an image.
struct Program {
    name: &'static str,
    about: &'static str,
    /// Ports that it listens on for others.
    ports: &'static [u16],
}

const PROGRAMS: &[Program] = &[Program {
    name: "platform-api",
    about: "Environment claims over REST: identity by OIDC, rights by Cedar, truth in the claim store",
    ports: &[8080],
}];

/// Arguments of `cargo xtask images`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Programs to make images of; all that have one when none is named.
    #[arg(value_name = "PROGRAM")]
    programs: Vec<String>,
    /// Where the images go: one OCI layout a program, in a folder of its name.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Take the programs of this folder instead of building them; they must be static.
    #[arg(long, value_name = "FOLDER")]
    binaries: Option<PathBuf>,
    /// Build for this target, by its Rust name; its toolchain must be installed. Default: this machine's.
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let chosen = chosen(&arguments.programs)?;
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| ground::target().join("images"));
    let folder = match &arguments.binaries {
        Some(folder) => folder.clone(),
        None => build(&chosen, arguments.target.as_deref())?,
    };
    for program in chosen {
        let digest = assemble(program, &folder.join(program.name), &out)?;
        let place = out.join(program.name);
        writeln!(
            std::io::stdout(),
            "{} {digest} {}",
            program.name,
            place.display()
        )?;
    }
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Program>> {
    if names.is_empty() {
        return Ok(PROGRAMS.iter().collect());
    }
    let known = |name: &String| PROGRAMS.iter().find(|program| program.name == name);
    names
        .iter()
        .map(|name| {
            let all: Vec<_> = PROGRAMS.iter().map(|program| program.name).collect();
            known(name).with_context(|| format!("{name} has no image; {} have", all.join(", ")))
        })
        .collect()
}

/// Builds the programs with the release profile, with the C library inside them, and names their folder.
///
/// A target is always named: flags for it are then not those of build scripts and macros, which cannot be static.
fn build(programs: &[&Program], target: Option<&str>) -> Result<PathBuf> {
    let triple = target.map_or_else(release::host_triple, |target| Ok(target.to_owned()))?;
    let flags = format!(
        "{} -C target-feature=+crt-static",
        release::without_our_paths()
    );
    let mut build = ground::cargo();
    build
        .args(["build", "--release", "--locked", "--target", &triple])
        .args(
            programs
                .iter()
                .flat_map(|program| ["--package", program.name]),
        )
        .env("RUSTFLAGS", flags);
    command::run(&mut build)?;
    Ok(ground::target().join(triple).join("release"))
}

/// Makes one image of the program at `path` in a folder of `out`; answers the digest of its manifest.
fn assemble(program: &Program, path: &Path, out: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| {
        format!(
            "{} cannot be read: build the program, or leave out --binaries",
            path.display()
        )
    })?;
    let architecture = match elf::read(&bytes) {
        Ok(elf::Program {
            architecture,
            interpreter: None,
        }) => architecture,
        Ok(elf::Program {
            interpreter: Some(loader),
            ..
        }) => bail!(
            "{} needs {loader}, which the image does not have: build it static, with RUSTFLAGS='-C target-feature=+crt-static' \
             and --target, or leave out --binaries",
            path.display()
        ),
        Err(why) => bail!("{} is no program for Linux: {why}", path.display()),
    };
    let image = Image {
        name: program.name,
        about: program.about,
        version: VERSION,
        architecture,
        ports: program.ports,
        layers: vec![
            layer::ground(&fs::read_to_string(ground::root().join("LICENSE"))?)?,
            layer::program(program.name, &bytes)?,
        ],
    };
    fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    image.write(&out.join(program.name))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::{PROGRAMS, assemble, chosen, elf};
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(files(&path));
            } else {
                found.insert(path.display().to_string(), fs::read(&path).unwrap());
            }
        }
        found
    }

    fn made(program: &[u8], folder: &Path) -> (String, BTreeMap<String, Vec<u8>>) {
        let path = folder.join("program");
        fs::write(&path, program).unwrap();
        let out = folder.join("out");
        let digest = assemble(&PROGRAMS[0], &path, &out).unwrap();
        let files = files(&out)
            .into_iter()
            .map(|(path, bytes)| (path.replace(&*folder.to_string_lossy(), ""), bytes))
            .collect();
        (digest, files)
    }

    #[test]
    fn the_same_program_makes_the_same_bytes_wherever_and_whenever() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let program = elf::tests::program(62, None);
        let first = made(&program, one.path());
        assert_eq!(first, made(&program, two.path()));
        assert_eq!(
            first,
            made(&program, two.path()),
            "also over an older image"
        );
        let mut other = program;
        other.push(1);
        assert_ne!(first.0, made(&other, two.path()).0);
        assert_eq!(
            files(&two.path().join("out")).len(),
            first.1.len(),
            "nothing of the older image is left"
        );
    }

    #[test]
    fn a_program_that_needs_libraries_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        fs::write(
            &path,
            elf::tests::program(62, Some("/lib64/ld-linux-x86-64.so.2")),
        )
        .unwrap();
        let error = assemble(&PROGRAMS[0], &path, folder.path()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("needs /lib64/ld-linux-x86-64.so.2"),
            "{error}"
        );
        fs::write(&path, "#!/bin/sh").unwrap();
        let error = assemble(&PROGRAMS[0], &path, folder.path()).unwrap_err();
        assert!(
            error.to_string().contains("is no program for Linux"),
            "{error}"
        );
    }

    #[test]
    fn a_program_without_an_image_is_named() {
        assert!(chosen(&["platform-api".to_owned()]).is_ok());
        let error = chosen(&["xtask".to_owned()]).err().unwrap();
        assert!(error.to_string().contains("xtask has no image"), "{error}");
    }
}
