//! A small complete provider: notes kept as files in a directory.
//!
//! The directory is the "cloud": `NAME.json` is a note, `journal` tells which ephemeral keys were opened and closed.
//! Build it with `cargo build --example files`, name the binary `terraform-provider-files`, and point Terraform's
//! `dev_overrides` at its directory.

mod key;
mod note;
mod note_schema;
mod notes;
mod slug;
mod store;

use std::process::ExitCode;

use tfplugin::{
    Attribute, Configure, DataSource, Diagnostics, EphemeralResource, Function, Options, Provider,
    Resource, Schema, async_trait,
};

use store::Store;

struct Files;

#[async_trait]
impl Provider for Files {
    type Client = Store;

    fn schema(&self) -> Schema {
        Schema::new().describe("Notes kept as files.").attribute(
            "directory",
            Attribute::string()
                .required()
                .describe("The directory that holds the notes."),
        )
    }

    async fn configure(&self, op: &mut Configure) -> Result<Store, Diagnostics> {
        tracing::info!(terraform = op.terraform_version, "configured");
        Ok(Store::new(op.config.get::<String>("directory")?))
    }

    fn resources(&self) -> Vec<Box<dyn Resource<Store>>> {
        vec![Box::new(note::Note)]
    }

    fn data_sources(&self) -> Vec<Box<dyn DataSource<Store>>> {
        vec![Box::new(notes::Notes)]
    }

    fn ephemeral_resources(&self) -> Vec<Box<dyn EphemeralResource<Store>>> {
        vec![Box::new(key::Key)]
    }

    fn functions(&self) -> Vec<Box<dyn Function>> {
        vec![Box::new(slug::Slug)]
    }
}

fn main() -> ExitCode {
    let options = Options::new("registry.terraform.io/tfplugin/files").log_target("files");
    tfplugin::run(Files, options)
}
