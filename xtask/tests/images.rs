//! An image, read back by others: a real registry takes it and gives it out again, and its program runs where there is
//! nothing but the image.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;
use registry::{Registry, Settings};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use slipway_tests::RegistryProgram;

const NAME: &str = "platform-api";
const VERSION: &str = env!("CARGO_PKG_VERSION");
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// What stands for the program: it tells its version, whether it can look up a name, and whether it may write.
const PROGRAM: &str = r#"
use std::net::ToSocketAddrs;
fn main() {
    let named = ("localhost", 80).to_socket_addrs().is_ok();
    let authorities = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap();
    let authorities = authorities.matches("BEGIN CERTIFICATE").count() > 100;
    println!("{:?} {named} {authorities}", std::env::args().collect::<Vec<_>>());
}
"#;

#[tokio::test]
async fn a_registry_gives_out_what_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let (digest, layout) = image(folder.path());
    let program = Program::start();
    program.push(&layout).await;

    let address = program.registry.address().parse().unwrap();
    let registry = Registry::new(Settings::new(address)).unwrap();
    let said = registry.digest(NAME, VERSION).await.unwrap().unwrap();
    assert_eq!(said.as_str(), digest);

    let manifest = program.pull(&format!("manifests/{VERSION}")).await;
    assert_eq!(digest_of(&manifest), digest);
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let config = program.pull(&blob(&manifest["config"])).await;
    let config: Value = serde_json::from_slice(&config).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    let contents = config["rootfs"]["diff_ids"].as_array().unwrap();
    assert_eq!(layers.len(), contents.len());
    for (layer, content) in layers.iter().zip(contents) {
        let packed = program.pull(&blob(layer)).await;
        assert_eq!(digest_of(&packed), layer["digest"], "as the manifest says");
        assert_eq!(packed.len() as u64, layer["size"]);
        let mut archive = Vec::new();
        std::io::copy(&mut GzDecoder::new(packed.as_slice()), &mut archive).unwrap();
        assert_eq!(digest_of(&archive), *content, "as the configuration says");
    }
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Entrypoint"], json!([format!("/{NAME}")]));
}

#[test]
fn the_program_runs_where_there_is_nothing_but_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let (_, layout) = image(folder.path());
    let root = folder.path().join("root");
    let manifest = read(&layout, &the_only_manifest(&layout));
    for layer in manifest["layers"].as_array().unwrap() {
        let packed = File::open(path(&layout, layer["digest"].as_str().unwrap())).unwrap();
        let mut archive = tar::Archive::new(GzDecoder::new(packed));
        archive.unpack(&root).unwrap();
    }
    fs::write(root.join("etc/hosts"), "127.0.0.1 localhost\n").unwrap();
    // A user namespace of its own, so that nobody has to be root for it.
    let output = Command::new("unshare")
        .args(["--map-root-user", "--root"])
        .arg(&root)
        .args([&format!("/{NAME}"), "--version"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("[\"/{NAME}\", \"--version\"] true true\n"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Makes an image of a small static program; answers its digest and the layout's folder.
fn image(folder: &Path) -> (String, PathBuf) {
    let source = folder.join("program.rs");
    fs::write(&source, PROGRAM).unwrap();
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    run(Command::new(rustc)
        .args([
            "--edition",
            "2024",
            "-C",
            "target-feature=+crt-static",
            "--target",
            &triple,
            "-o",
        ])
        .arg(folder.join(NAME))
        .arg(&source));
    let out = folder.join("out");
    let said = run(Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["images", NAME, "--binaries"])
        .arg(folder)
        .arg("--out")
        .arg(&out));
    let digest = said.split_whitespace().nth(1).unwrap().to_owned();
    let layout = out.join(NAME);
    assert_eq!(the_only_manifest(&layout), digest);
    (digest, layout)
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn the_only_manifest(layout: &Path) -> String {
    let index = fs::read(layout.join("index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let manifests = index["manifests"].as_array().unwrap();
    assert_eq!(manifests.len(), 1);
    manifests[0]["digest"].as_str().unwrap().to_owned()
}

fn path(layout: &Path, digest: &str) -> PathBuf {
    layout.join("blobs").join(digest.replace(':', "/"))
}

fn read(layout: &Path, digest: &str) -> Value {
    serde_json::from_slice(&fs::read(path(layout, digest)).unwrap()).unwrap()
}

fn blob(described: &Value) -> String {
    format!("blobs/{}", described["digest"].as_str().unwrap())
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(bytes))
}

/// A running registry, and how it is talked to.
struct Program {
    registry: RegistryProgram,
    http: reqwest::Client,
}

impl Program {
    fn start() -> Self {
        Self {
            registry: RegistryProgram::start().unwrap(),
            http: reqwest::Client::new(),
        }
    }

    /// Brings every blob of the layout, then the manifest under the version as tag.
    async fn push(&self, layout: &Path) {
        let digest = the_only_manifest(layout);
        let manifest = read(layout, &digest);
        let layers = manifest["layers"].as_array().unwrap();
        for described in layers.iter().chain([&manifest["config"]]) {
            let blob = described["digest"].as_str().unwrap();
            let begun = self
                .http
                .post(self.place("blobs/uploads/"))
                .send()
                .await
                .unwrap();
            let begun = begun.error_for_status().unwrap();
            let place = begun.headers()["location"].to_str().unwrap();
            let place = self
                .registry
                .address()
                .parse::<reqwest::Url>()
                .unwrap()
                .join(place)
                .unwrap();
            let put = self.http.put(place).query(&[("digest", blob)]);
            let put = put
                .body(fs::read(path(layout, blob)).unwrap())
                .send()
                .await
                .unwrap();
            put.error_for_status().unwrap();
        }
        let put = self
            .http
            .put(self.place(&format!("manifests/{VERSION}")))
            .header(CONTENT_TYPE, MANIFEST);
        let put = put
            .body(fs::read(path(layout, &digest)).unwrap())
            .send()
            .await
            .unwrap();
        put.error_for_status().unwrap();
    }

    async fn pull(&self, what: &str) -> Vec<u8> {
        let get = self.http.get(self.place(what)).header("accept", MANIFEST);
        let answer = get.send().await.unwrap().error_for_status().unwrap();
        answer.bytes().await.unwrap().to_vec()
    }

    fn place(&self, what: &str) -> String {
        format!("{}v2/{NAME}/{what}", self.registry.address())
    }
}
