//! The program that makes sure of Ansible and Helm, on hosts that have one, the other, or the wrong ones.

use crate::host::tools;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A host's home, our programs with pins of the test's own, and a PATH.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new(helm_url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let programs = folder.path().join("programs");
        std::fs::create_dir_all(folder.path().join("bin")).unwrap();
        std::fs::create_dir(&programs).unwrap();
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("host/runtime.py");
        std::fs::copy(ours, programs.join("runtime.py")).unwrap();
        std::fs::write(
            programs.join("requirements.txt"),
            "no-such-package-anywhere==1\n",
        )
        .unwrap();
        let pin = json!({"version": "3.22.0", "url": format!("{helm_url}/helm-v{{version}}-{{arch}}.tar.gz")});
        std::fs::write(programs.join("helm.json"), pin.to_string()).unwrap();
        Self { folder }
    }

    fn with(self, name: &str, program: &Path) -> Self {
        std::os::unix::fs::symlink(program, self.folder.path().join("bin").join(name)).unwrap();
        self
    }

    /// The pins that a host really gets.
    fn with_our_pins(self) -> Self {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("host/requirements.txt");
        std::fs::copy(ours, self.folder.path().join("programs/requirements.txt")).unwrap();
        self
    }

    fn ensure(&self) -> Value {
        self.ensure_with(&[])
    }

    fn ensure_with(&self, arguments: &[&Path]) -> Value {
        let output = Command::new(tools().join("venv/bin/python3"))
            .arg(self.folder.path().join("programs/runtime.py"))
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", self.folder.path().join("bin").display()),
            )
            // No index: what is not there cannot be installed.
            .env("PIP_NO_INDEX", "1")
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    }
}

#[test]
fn what_is_on_the_path_is_used_as_it_is() {
    let machine = Machine::new("http://127.0.0.1:1")
        .with(
            "ansible-playbook",
            &tools().join("venv/bin/ansible-playbook"),
        )
        .with("helm", &tools().join("helm"));
    let answer = machine.ensure();
    assert_eq!(
        (&answer["event"], &answer["path"]),
        (&json!("ready"), &json!([]))
    );
    assert!(
        answer["versions"]["ansible_core"]
            .as_str()
            .unwrap()
            .starts_with("2.")
    );
    assert!(
        answer["versions"]["helm"]
            .as_str()
            .unwrap()
            .starts_with("3.")
    );
}

#[test]
fn what_cannot_be_installed_is_said_with_its_code() {
    let no_ansible = Machine::new("http://127.0.0.1:1").with("helm", &tools().join("helm"));
    let answer = no_ansible.ensure();
    assert_eq!(answer["code"], "SLW-331", "{answer}");
    assert!(
        answer["cause"]
            .as_str()
            .unwrap()
            .contains("no-such-package-anywhere"),
        "{answer}"
    );

    let no_helm = Machine::new("http://127.0.0.1:1").with(
        "ansible-playbook",
        &tools().join("venv/bin/ansible-playbook"),
    );
    let answer = no_helm.ensure();
    assert_eq!(answer["code"], "SLW-332", "{answer}");
    assert!(
        answer["cause"].as_str().unwrap().contains("found: none"),
        "{answer}"
    );
}

#[test]
fn a_missing_helm_is_fetched_once_and_held_against_its_checksum() {
    let site = Site::start();
    let machine = Machine::new(&site.url()).with(
        "ansible-playbook",
        &tools().join("venv/bin/ansible-playbook"),
    );
    site.publish(&"0".repeat(64));
    let refused = machine.ensure();
    assert_eq!(refused["code"], "SLW-332", "{refused}");
    assert!(
        refused["cause"].as_str().unwrap().contains("SHA-256"),
        "{refused}"
    );

    site.publish(&site.checksum());
    let answer = machine.ensure();
    let folder = machine.folder.path().join(".slipway/helm-3.22.0");
    assert_eq!(answer["path"], json!([folder]), "{answer}");
    drop(site);
    assert_eq!(
        machine.ensure()["event"],
        "ready",
        "what was fetched is reused"
    );
}

#[test]
fn what_a_bundle_brings_needs_neither_an_index_nor_helms_makers() {
    let brought = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(tools().join("wheels"), brought.path().join("wheels")).unwrap();
    let helm = brought.path().join("helm");
    std::fs::copy(tools().join("helm"), &helm).unwrap();
    // As an archive is unpacked: nothing in it can be started where it lies.
    std::fs::set_permissions(&helm, std::fs::Permissions::from_mode(0o644)).unwrap();

    let machine = Machine::new("http://127.0.0.1:1").with_our_pins();
    assert_eq!(machine.ensure()["code"], "SLW-331", "without it");
    let answer = machine.ensure_with(&[brought.path()]);
    assert_eq!(answer["event"], "ready", "{answer}");
    assert_eq!(answer["versions"]["ansible_core"], "2.19.14", "{answer}");
    assert_eq!(answer["versions"]["helm"], "3.22.0", "{answer}");

    let other = tempfile::tempdir().unwrap();
    std::fs::create_dir(other.path().join("wheels")).unwrap();
    let machine = Machine::new("http://127.0.0.1:1").with_our_pins();
    let answer = machine.ensure_with(&[other.path()]);
    assert_eq!(answer["code"], "SLW-331", "{answer}");
    assert!(
        answer["advice"].as_str().unwrap().contains("--python 3."),
        "{answer}"
    );
}

/// A file server on loopback that publishes the real Helm binary as its makers do.
struct Site {
    folder: tempfile::TempDir,
    port: u16,
    server: Child,
}

impl Site {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Command::new(tools().join("venv/bin/python3"))
            .args([
                "-m",
                "http.server",
                "--bind",
                "127.0.0.1",
                &port.to_string(),
            ])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let site = Self {
            folder,
            port,
            server,
        };
        let packed = Command::new("tar")
            .args(["-czhf"])
            .arg(site.archive())
            .args(["--transform", "s,^,linux/,", "-C"])
            .arg(tools())
            .arg("helm")
            .status();
        assert!(packed.unwrap().success());
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        site
    }

    fn archive(&self) -> std::path::PathBuf {
        let arch = if cfg!(target_arch = "aarch64") {
            "arm64"
        } else {
            "amd64"
        };
        self.folder
            .path()
            .join(format!("helm-v3.22.0-{arch}.tar.gz"))
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn checksum(&self) -> String {
        run_report::canonical::sha256_hex(&std::fs::read(self.archive()).unwrap())
    }

    fn publish(&self, checksum: &str) {
        let archive = self.archive();
        let line = format!(
            "{checksum}  {}\n",
            archive.file_name().unwrap().to_string_lossy()
        );
        std::fs::write(format!("{}.sha256sum", archive.display()), line).unwrap();
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
