//! Compiles the protocol's messages without a `protoc` binary.

use std::error::Error;

/// Messages that may carry secrets: their `Debug` form is written by hand and shows sizes only.
const CARRY_SECRETS: [&str; 2] = [".tfplugin6.DynamicValue", ".tfplugin6.RawState"];

fn main() -> Result<(), Box<dyn Error>> {
    let files = ["proto/tfplugin6.proto", "proto/plugin.proto"];
    for file in files {
        println!("cargo::rerun-if-changed={file}");
    }
    let descriptors = protox::compile(files, ["proto"])?;
    tonic_prost_build::configure()
        .build_client(false)
        .generate_default_stubs(true)
        .bytes(".tfplugin6.DynamicValue")
        .skip_debug(CARRY_SECRETS)
        .compile_fds(descriptors)?;
    Ok(())
}
