//! The example providers, driven by the miniature core: what a run of Terraform would cost too much for.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};
use tfcore::{Config, Core, CoreError, Features};

use crate::binary;

/// The provider that breaks rules, configured.
pub(crate) async fn unruly() -> Core {
    unruly_as(Features::default()).await
}

pub(crate) async fn unruly_as(features: Features) -> Core {
    let core = Core::start_as(features, quiet(binary::unruly()))
        .await
        .unwrap();
    core.configure(&Config::default()).await.unwrap();
    core
}

/// The provider of notes, with its store in this directory.
pub(crate) async fn files(store: &Path) -> Core {
    let core = Core::start(quiet(binary::files())).await.unwrap();
    let config = Config::from(json!({ "directory": store }));
    core.configure(&config).await.unwrap();
    core
}

pub(crate) fn quiet(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.stderr(Stdio::null());
    command
}

/// A thing with these attributes, and a name.
pub(crate) fn thing(attributes: Json) -> Config {
    let mut thing = json!({ "name": "a" });
    if let (Some(thing), Json::Object(more)) = (thing.as_object_mut(), attributes) {
        thing.extend(more);
    }
    Config::from(thing)
}

/// The provider itself said no, with this sentence: core saw no broken rule.
#[track_caller]
pub(crate) fn assert_refused(error: &CoreError, sentence: &str) {
    let said: Vec<String> = error.refused().iter().map(ToString::to_string).collect();
    let found = said.iter().any(|text| text.contains(sentence));
    assert!(found, "{sentence:?} is not in: {error}");
}
