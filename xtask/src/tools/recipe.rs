//! How each kind of set is built: one file a kind, whose text is part of the key of every set of that kind.

mod go;
mod java;
mod node;
mod python;
mod watch;
mod wheels;

use std::path::Path;

use anyhow::Result;

use super::pins::{Pins, Set};

/// The text of the recipe: another way to build makes another program.
pub(super) fn text(set: &Set) -> &'static str {
    match set {
        Set::Go(_) => include_str!("recipe/go.rs"),
        Set::Java(_) => include_str!("recipe/java.rs"),
        Set::Node(_) => include_str!("recipe/node.rs"),
        Set::Python(_) => include_str!("recipe/python.rs"),
        Set::Wheels(_) => include_str!("recipe/wheels.rs"),
    }
}

/// Builds a set into `folder`; `scratch` may be filled and is removed afterwards.
pub(super) fn build(pins: &Pins, set: &Set, folder: &Path, scratch: &Path) -> Result<()> {
    let module = pins.folder.join(set.name());
    match set {
        Set::Go(go) => go::build(go, &module, folder, scratch),
        Set::Java(java) => java::build(java, &module, folder, scratch),
        Set::Node(node) => node::build(node, &module, folder, scratch),
        Set::Python(python) => python::build(python, &pins.folder, folder),
        Set::Wheels(wheels) => wheels::build(wheels, &pins.folder, folder),
    }
}
