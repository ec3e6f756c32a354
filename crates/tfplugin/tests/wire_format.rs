//! Our protocol file against `HashiCorp`'s, read from the Go module that carries it: same messages, field numbers, types.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use prost_types::{
    DescriptorProto, EnumDescriptorProto, FileDescriptorProto, ServiceDescriptorProto,
};

const MODULE: &str = "github.com/hashicorp/terraform-plugin-go@v0.31.0";
const THEIRS: &str = "tfprotov6/internal/tfplugin6/tfplugin6.proto";

/// What their file of this version does not have yet; it is in Terraform 1.16.
const NEWER_HERE: [&str; 4] = [
    "ClientCapabilities.store_planned_private",
    "ClientCapabilities.computed_blocks_allowed",
    "PlanResourceChange.Request.planned_private",
    "Schema.Block.computed",
];

/// The module's directory in Go's cache, downloaded there if it is not yet.
fn module_directory() -> PathBuf {
    let outside = tempfile::tempdir().unwrap();
    let output = Command::new("go")
        .args(["mod", "download", "-json", MODULE])
        .current_dir(outside.path())
        .output()
        .expect("Go is needed in PATH for this test");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let directory = answer["Dir"].as_str();
    PathBuf::from(directory.unwrap_or_else(|| panic!("go cannot download {MODULE}: {answer}")))
}

fn compiled(file: &Path) -> FileDescriptorProto {
    let directory = file.parent().unwrap();
    let compiled = protox::compile([file], [directory]).unwrap();
    let named = |f: &FileDescriptorProto| f.name().ends_with("tfplugin6.proto");
    compiled.file.into_iter().find(named).unwrap()
}

/// Every field, enum value and method by its full name, with number and type.
fn inventory(file: &FileDescriptorProto) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    file.message_type
        .iter()
        .for_each(|message| add_message("", message, &mut found));
    file.enum_type
        .iter()
        .for_each(|e| add_enum("", e, &mut found));
    file.service
        .iter()
        .for_each(|service| add_service(service, &mut found));
    found
}

fn add_message(prefix: &str, message: &DescriptorProto, found: &mut BTreeMap<String, String>) {
    let name = format!("{prefix}{}", message.name());
    found.insert(name.clone(), "message".to_owned());
    for field in &message.field {
        let oneof = field
            .oneof_index
            .and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?));
        let what = format!(
            "{} {:?} {:?} {} {}",
            field.number(),
            field.label(),
            field.r#type(),
            field.type_name(),
            oneof.map_or("", |oneof| oneof.name())
        );
        found.insert(format!("{name}.{}", field.name()), what);
    }
    let inner = format!("{name}.");
    message
        .nested_type
        .iter()
        .for_each(|nested| add_message(&inner, nested, found));
    message
        .enum_type
        .iter()
        .for_each(|e| add_enum(&inner, e, found));
}

fn add_enum(prefix: &str, e: &EnumDescriptorProto, found: &mut BTreeMap<String, String>) {
    for value in &e.value {
        found.insert(
            format!("{prefix}{}.{}", e.name(), value.name()),
            value.number().to_string(),
        );
    }
}

fn add_service(service: &ServiceDescriptorProto, found: &mut BTreeMap<String, String>) {
    for method in &service.method {
        let what = format!(
            "{} {} -> {} {}",
            method.client_streaming(),
            method.input_type(),
            method.server_streaming(),
            method.output_type()
        );
        found.insert(format!("{}/{}", service.name(), method.name()), what);
    }
}

#[test]
fn our_protocol_file_says_what_theirs_says() {
    let ours = inventory(&compiled(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/proto/tfplugin6.proto"
    ))));
    let theirs = inventory(&compiled(&module_directory().join(THEIRS)));
    assert!(
        theirs.len() > 300,
        "their file has been read: {}",
        theirs.len()
    );
    for (name, what) in &theirs {
        assert_eq!(ours.get(name), Some(what), "{name}");
    }
    let more: Vec<&str> = ours
        .keys()
        .map(String::as_str)
        .filter(|name| !theirs.contains_key(*name))
        .collect();
    let mut expected = NEWER_HERE.to_vec();
    expected.sort_unstable();
    assert_eq!(more, expected);
}
