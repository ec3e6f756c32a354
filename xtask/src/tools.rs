//! Builds the pinned engines once into a cache outside the checkout, and never again while their pins stay.
//!
//! `tests/tools/tools.json` says what there is. Each set is built under a key of its own pins, so that a new Ansible does
//! not rebuild Kubernetes; a folder of links joins the sets to what the sandbox calls its engines.

mod pins;
mod recipe;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};

use crate::ground;
use pins::{Pins, Set};

/// The file whose presence says that a set was built to its end.
const COMPLETE: &str = "complete";

/// Builds the pinned engines that the sandbox runs and prints their folder.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Also build what only the checks of the source need.
    #[arg(long)]
    checks: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let folder = if arguments.checks {
        ensure_with_checks()?
    } else {
        ensure()?
    };
    writeln!(std::io::stdout(), "{}", folder.display())?;
    Ok(())
}

/// The folder with everything that the sandbox runs; what is missing is built.
pub(crate) fn ensure() -> Result<PathBuf> {
    ensure_sets(|set| !set.is_check())
}

/// The same folder, with the programs that check the source too.
pub(crate) fn ensure_with_checks() -> Result<PathBuf> {
    ensure_sets(|_| true)
}

fn ensure_sets(wanted: impl Fn(&Set) -> bool) -> Result<PathBuf> {
    let pins = Pins::read(&ground::root().join("tests/tools"))?;
    let place = Place::find(&pins)?;
    let _only_builder = place.lock()?;
    for set in pins.sets.iter().filter(|set| wanted(set)) {
        if set.links().all(|name| place.holds_by_hand(name)) {
            continue;
        }
        let built = place.build(&pins, set)?;
        for name in set.links() {
            let target = set.path_of(name, &built);
            link(&target, &place.folder.join(name))?;
        }
    }
    place.make_current()?;
    Ok(place.folder)
}

/// Where the sets lie and the folder of links to them.
struct Place {
    folder: PathBuf,
    store: PathBuf,
    /// The name under which the sandbox finds the folder that was made last.
    current: Option<PathBuf>,
}

impl Place {
    /// `SLIPWAY_TOOLS`, else a folder of this checkout's pins in the user's cache.
    fn find(pins: &Pins) -> Result<Self> {
        if let Some(folder) = env::var_os("SLIPWAY_TOOLS").map(PathBuf::from) {
            return Ok(Self {
                store: folder.join(".store"),
                folder,
                current: None,
            });
        }
        let home = env::var_os("HOME").context("neither SLIPWAY_TOOLS nor HOME is set")?;
        let cache = Path::new(&home).join(".cache/slipway/tools");
        Ok(Self {
            folder: cache.join(&pins.digest),
            store: cache.join(".store"),
            current: Some(cache.join("current")),
        })
    }

    /// Waits until no other builder is at work here.
    fn lock(&self) -> Result<Flock<fs::File>> {
        fs::create_dir_all(&self.store)?;
        fs::create_dir_all(&self.folder)?;
        let file = fs::File::create(self.store.join("lock"))?;
        let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(held) => return Ok(held),
            Err((file, _)) => file,
        };
        eprintln!(
            "  another build of the engines is under way in {}; waiting for it",
            self.store.display()
        );
        Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, error)| error)
            .context("the engines' folder cannot be locked")
    }

    /// Whether somebody put this program here who is not this builder: it is used as it is.
    fn holds_by_hand(&self, name: &str) -> bool {
        let path = self.folder.join(name);
        match fs::read_link(&path) {
            Ok(target) => !target.starts_with(&self.store) && path.exists(),
            Err(_) => path.exists(),
        }
    }

    /// The folder of a set, built if it is not there to its end.
    fn build(&self, pins: &Pins, set: &Set) -> Result<PathBuf> {
        let folder = self
            .store
            .join(format!("{}-{}", set.name(), pins.key(set)?));
        if folder.join(COMPLETE).is_file() {
            return Ok(folder);
        }
        let scratch = self.store.join("scratch");
        for left in [&folder, &scratch] {
            remove(left)?;
            fs::create_dir_all(left)?;
        }
        let built = recipe::build(pins, set, &folder, &scratch)
            .with_context(|| format!("{} cannot be built into {}", set.name(), folder.display()));
        // Before the scratch folder goes: that takes seconds, and whoever stops then has built for nothing.
        if built.is_ok() {
            fs::write(folder.join(COMPLETE), "")?;
        }
        remove(&scratch)?;
        built.map(|()| folder)
    }

    fn make_current(&self) -> Result<()> {
        self.current
            .as_ref()
            .map_or(Ok(()), |name| link(&self.folder, name))
    }
}

/// Makes or moves a link in one step, so that nobody ever finds none.
fn link(target: &Path, name: &Path) -> Result<()> {
    let fresh = name.with_extension("new");
    if fresh.symlink_metadata().is_ok() {
        fs::remove_file(&fresh)?;
    }
    std::os::unix::fs::symlink(target, &fresh)?;
    fs::rename(&fresh, name).with_context(|| format!("{} cannot be linked", name.display()))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty Python environment is the smallest real thing that can be built.
    fn pins(folder: &Path) -> Pins {
        fs::write(folder.join("requirements.txt"), "").unwrap();
        let set = r#"[{ "kind": "python", "name": "small", "requirements": "requirements.txt", "minutes": 1 }]"#;
        fs::write(folder.join("tools.json"), set).unwrap();
        Pins::read(folder).unwrap()
    }

    fn place(folder: &Path) -> Place {
        let place = Place {
            folder: folder.join("tools"),
            store: folder.join("tools/.store"),
            current: Some(folder.join("current")),
        };
        fs::create_dir_all(&place.store).unwrap();
        place
    }

    #[test]
    fn what_was_left_half_built_is_built_again_and_what_is_complete_never() {
        let folder = tempfile::tempdir().unwrap();
        let (pins, place) = (pins(folder.path()), place(folder.path()));
        let set = &pins.sets[0];
        let half = place
            .store
            .join(format!("small-{}", pins.key(set).unwrap()));
        fs::create_dir_all(&half).unwrap();
        fs::write(half.join("torn"), "").unwrap();

        assert_eq!(place.build(&pins, set).unwrap(), half);
        assert!(half.join("bin/python3").exists() && !half.join("torn").exists());
        fs::write(half.join("touched"), "").unwrap();
        place.build(&pins, set).unwrap();
        assert!(
            half.join("touched").exists(),
            "a complete set is left alone"
        );
    }

    #[test]
    fn a_program_put_there_by_hand_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        assert!(!place.holds_by_hand("helm"));
        fs::write(place.folder.join("helm"), "mine").unwrap();
        assert!(place.holds_by_hand("helm"));
        fs::write(place.store.join("kwok"), "built").unwrap();
        link(&place.store.join("kwok"), &place.folder.join("kwok")).unwrap();
        assert!(
            !place.holds_by_hand("kwok"),
            "a link into the store is the builder's own"
        );
        link(&folder.path().join("nowhere"), &place.folder.join("kwok")).unwrap();
        assert!(
            !place.holds_by_hand("kwok"),
            "a link to nothing is no program"
        );
    }

    #[test]
    fn the_folder_that_was_made_last_is_the_current_one() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        fs::create_dir_all(folder.path().join("older")).unwrap();
        link(&folder.path().join("older"), &folder.path().join("current")).unwrap();
        place.make_current().unwrap();
        assert_eq!(
            fs::read_link(folder.path().join("current")).unwrap(),
            place.folder
        );
    }
}
