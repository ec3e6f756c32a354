//! A provider that breaks the protocol's rules on request, to show what the server makes of it before core sees it.
//!
//! A thing has no remote object: what it is stands in its state alone. Its `breaks` names what goes wrong with it.
//! With `UNRULY_SCHEMAS` in the environment the provider offers schemas that core would refuse, too.

#![allow(clippy::panic, reason = "a panic is one of the things that go wrong")]

mod poke;
mod thing;
mod things;
mod wrong;

use std::process::ExitCode;

use tfplugin::{
    Action, Configure, DataSource, Diagnostics, ListResource, Options, Provider, Resource, Schema,
    async_trait,
};

struct Unruly;

#[async_trait]
impl Provider for Unruly {
    type Client = ();

    fn schema(&self) -> Schema {
        Schema::new()
    }

    async fn configure(&self, _: &mut Configure) -> Result<(), Diagnostics> {
        Ok(())
    }

    fn resources(&self) -> Vec<Box<dyn Resource<()>>> {
        let mut resources: Vec<Box<dyn Resource<()>>> = vec![Box::new(thing::Thing)];
        if wrong_schemas() {
            resources.push(Box::new(wrong::Wrong));
        }
        resources
    }

    fn data_sources(&self) -> Vec<Box<dyn DataSource<()>>> {
        let mut data_sources: Vec<Box<dyn DataSource<()>>> = vec![Box::new(things::Data)];
        if wrong_schemas() {
            data_sources.push(Box::new(wrong::Wrong));
        }
        data_sources
    }

    fn list_resources(&self) -> Vec<Box<dyn ListResource<()>>> {
        vec![Box::new(things::Things)]
    }

    fn actions(&self) -> Vec<Box<dyn Action<()>>> {
        vec![Box::new(poke::Poke)]
    }
}

fn wrong_schemas() -> bool {
    std::env::var_os("UNRULY_SCHEMAS").is_some()
}

fn main() -> ExitCode {
    let options = Options::new("registry.terraform.io/tfplugin/unruly").log_target("unruly");
    tfplugin::run(Unruly, options)
}
