//! The project's own tasks: demo, test, docs, tools, bench, fuzz, images, release.

mod bench;
mod charts;
mod command;
mod demo;
mod docs;
mod fuzz;
mod ground;
mod hex;
mod images;
mod lock;
mod release;
mod stage;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// The main job, rehearsed: apply the quickstart, apply it again, change it, destroy it, prove the account empty.
    Demo(demo::Arguments),
    /// Everything that must pass before a change lands.
    Test(test::Arguments),
    /// Writes the registry documentation from the provider's schema, or checks that it is up to date.
    Docs(docs::Arguments),
    /// Holds the roles' values against the charts, and prints what they ask for.
    Charts(charts::Arguments),
    /// Asks the registries for the digests of charts and images and writes `playbooks/components.lock`.
    Lock(lock::Arguments),
    /// Builds the pinned engines that the sandbox runs and prints their folder.
    Tools(tools::Arguments),
    /// Measures what the README claims.
    Bench(bench::Arguments),
    /// Sends the readers of foreign bytes whatever a fuzzer invents.
    Fuzz(fuzz::Arguments),
    /// Assembles the images of the programs that run in clusters, as OCI layouts.
    Images(images::Arguments),
    /// Packs both programs as the registry and mirrors want them: zips, manifest, checksums, signature.
    Release(release::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
        Task::Docs(arguments) => docs::run(&arguments),
        Task::Charts(arguments) => charts::run(&arguments),
        Task::Lock(arguments) => lock::run(&arguments),
        Task::Tools(arguments) => tools::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Images(arguments) => images::run(&arguments),
        Task::Release(arguments) => release::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{} {error:#}", console::style("error:").red().bold());
            ExitCode::FAILURE
        }
    }
}
