//! Compiles the client's side of the protocol from the same files as the server's.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = "../tfplugin/proto";
    let files = ["tfplugin6.proto", "plugin.proto"].map(|file| format!("{directory}/{file}"));
    for file in &files {
        println!("cargo::rerun-if-changed={file}");
    }
    let descriptors = protox::compile(&files, [directory])?;
    tonic_prost_build::configure()
        .build_server(false)
        .compile_fds(descriptors)?;
    Ok(())
}
