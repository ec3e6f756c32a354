//! Claims by Terraform, through the program: the same rules, the same refusals, and no token in any state.

use crate::issuer::Issuer;
use crate::program::Program;
use crate::store::{Kind, PLATFORM, Store};
use claim_store::Stored;
use claims::EnvironmentName;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;

const NAME: &str = "dev-by-terraform";
const STATUSES: &str = "status";
const ADMINS: [&str; 1] = ["platform-admins"];

const CONFIGURATION: &str = r#"
terraform {
  required_providers {
    slipway = { source = "slipway/slipway" }
  }
}

variable "url" {
  type = string
}

variable "token" {
  type      = string
  sensitive = true
  ephemeral = true
}

provider "slipway" {
  platform_api_url   = var.url
  platform_api_token = var.token
}

resource "slipway_environment_claim" "x" {
  platform_id      = "PLATFORM"
  environment_name = "NAME"
  environment_type = "dev"
  environment_pool = "team1"
  user             = "jane@acme.example"
  services         = { "user-service" = "v1.2.3" }
  wait_for         = "ready"
  timeouts         = { create = "60s", update = "60s" }
}
"#;

/// A program with a store, and a folder of Terraform's that goes through it.
struct World {
    store: Store,
    program: Program,
    token: String,
    folder: TempDir,
}

/// What a command said.
struct Run {
    code: i32,
    text: String,
}

#[tokio::test]
async fn a_claim_is_made_changed_imported_and_taken_down() {
    let world = World::start().await;
    let plan = world.folder.path().join("plan");
    let plan = plan.to_str().expect("a path");
    world.terraform(&["plan", "-out", plan]).await.ok();
    let (applied, ()) = tokio::join!(
        world.terraform(&["apply", "-auto-approve"]),
        world.controller_by_hand("v1.2.3", &["Provisioning", "Ready"])
    );
    applied.ok();
    let made = world.claim().await.expect("a claim");
    let state = world.state();
    assert_eq!(state["phase"], "Ready");
    assert_eq!(state["etag"], made.place.etag.as_str());
    assert_eq!(state["cluster_id"], Value::Null);
    world.terraform(&["plan", "-detailed-exitcode"]).await.ok();

    world.edit("v1.2.3", "v1.3.0");
    let (applied, ()) = tokio::join!(
        world.terraform(&["apply", "-auto-approve"]),
        world.controller_by_hand("v1.3.0", &["Deploying", "Ready"])
    );
    applied.ok();
    let changed = world.claim().await.expect("a claim");
    assert_ne!(changed.place.etag, made.place.etag);

    // A second writer is faster: Terraform is told, and undoes nothing.
    let mut other = changed.claim.clone();
    other.environment_pool = "team2".to_owned();
    let faster = world.store.claims();
    let faster = faster.replace(&changed.place, &other, uuid::Uuid::new_v4());
    faster.await.expect("the second writer writes");
    world.edit("v1.3.0", "v1.4.0");
    let lost = world
        .terraform(&["apply", "-auto-approve", "-refresh=false"])
        .await;
    lost.failed(&["SLW-402", "Claim was changed by somebody else"]);
    assert_eq!(world.claim().await.expect("a claim").claim, other);
    world.edit("v1.4.0", "v1.3.0");
    world.edit("team1", "team2");

    let stranger = World::folder("accepted", &world.program.url);
    let id = format!("{PLATFORM}/{NAME}");
    let import = ["import", "slipway_environment_claim.x", id.as_str()];
    let edited = std::fs::read_to_string(stranger.path().join("main.tf")).expect("a file");
    let edited = edited.replace("v1.2.3", "v1.3.0").replace("team1", "team2");
    // How long a user waits is nothing that an import could know.
    let edited: String = edited
        .split_inclusive('\n')
        .filter(|line| !line.contains("timeouts"))
        .collect();
    std::fs::write(stranger.path().join("main.tf"), edited).expect("a file");
    run(stranger.path(), &world.token, &import).await.ok();
    let planned = run(
        stranger.path(),
        &world.token,
        &["plan", "-detailed-exitcode"],
    )
    .await;
    planned.ok();

    world.terraform(&["destroy", "-auto-approve"]).await.ok();
    assert_eq!(world.claim().await, None);
    for file in ["terraform.tfstate", "terraform.tfstate.backup", "plan"] {
        let bytes = std::fs::read(world.folder.path().join(file)).expect("a file");
        let held = bytes
            .windows(world.token.len())
            .any(|window| window == world.token.as_bytes());
        assert!(!held, "{file} holds the token");
    }
}

#[tokio::test]
async fn a_blocked_environment_fails_at_once_and_is_waited_for_again() {
    let world = World::start().await;
    let (applied, ()) = tokio::join!(
        world.terraform(&["apply", "-auto-approve"]),
        world.controller_by_hand("v1.2.3", &["Provisioning", "Blocked"])
    );
    applied.failed(&[
        "SLW-432",
        "Blocked",
        "the account has no room",
        "KubernetesCluster dev-x",
    ]);
    let blocked = world.claim().await.expect("the claim stands");

    world.write_status(&blocked, "Ready").await;
    let again = world.terraform(&["apply", "-auto-approve"]).await;
    again.ok();
    let ready = world.claim().await.expect("the claim stands");
    assert_eq!(ready, blocked, "what was waited for was not made anew");
    assert_eq!(world.store.versions(&blocked.place.key).await, 1);

    // Too slow is no reason to undo anything either.
    world.edit("v1.2.3", "v1.3.0");
    world.edit("update = \"60s\"", "update = \"3s\"");
    let (late, ()) = tokio::join!(
        world.terraform(&["apply", "-auto-approve"]),
        world.controller_by_hand("v1.3.0", &["Deploying"])
    );
    late.failed(&["SLW-433", "Deploying", "the account has no room"]);
    let written = world.claim().await.expect("the claim stands");
    world.write_status(&written, "Ready").await;
    world.terraform(&["apply", "-auto-approve"]).await.ok();
    assert_eq!(world.state()["phase"], "Ready");
    assert_eq!(world.claim().await, Some(written));
}

#[tokio::test]
async fn the_same_refusals_as_the_api_gives() {
    let world = World::start().await;
    world.edit(
        "wait_for         = \"ready\"",
        "wait_for         = \"accepted\"",
    );
    let nobody = World::folder("accepted", &world.program.url);
    let refused = run(nobody.path(), "no.such.token", &["apply", "-auto-approve"]).await;
    refused.failed(&["Platform API does not accept the token"]);
    world.terraform(&["apply", "-auto-approve"]).await.ok();

    // Another state knows nothing of it, and asks for something else under the same name.
    let other = World::folder("accepted", &world.program.url);
    let text = std::fs::read_to_string(other.path().join("main.tf")).expect("a file");
    std::fs::write(other.path().join("main.tf"), text.replace("v1.2.3", "v9")).expect("a file");
    let exists = run(other.path(), &world.token, &["apply", "-auto-approve"]).await;
    exists.failed(&["Claim exists already", NAME]);
    assert!(world.claim().await.is_some());
}

/// `examples/claims`, as its reader gets it.
#[tokio::test]
async fn the_example_is_applied_and_destroyed() {
    let world = World::start().await;
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/claims/main.tf");
    let folder = world.folder.path();
    std::fs::copy(example, folder.join("main.tf")).expect("a copy");
    let variables = json!({
        "platform": PLATFORM, "platform_api_url": world.program.url, "wait_for": "accepted",
    });
    std::fs::write(folder.join("terraform.tfvars.json"), variables.to_string()).expect("a file");
    world.terraform(&["apply", "-auto-approve"]).await.ok();
    world.terraform(&["plan", "-detailed-exitcode"]).await.ok();
    let claims = world.store.claims().sweep().await.expect("a sweep").claims;
    let names: Vec<String> = claims
        .iter()
        .map(|stored| stored.claim.environment_name.to_string())
        .collect();
    assert_eq!(names, ["dev-team1-feature-x", "sue-team1-vendor"]);
    assert!(claims[1].claim.expiration_date.is_some());
    world.terraform(&["destroy", "-auto-approve"]).await.ok();
    let left = world.store.claims().sweep().await.expect("a sweep");
    assert_eq!((left.claims.len(), left.tombstones.len()), (0, 2));
}

impl World {
    async fn start() -> Self {
        let store = Store::start(Kind::Versitygw).await;
        let issuer = Issuer::start().await;
        let program = Program::start(&store.endpoint, &issuer).await;
        let token = issuer.token("jane@acme.example", &ADMINS);
        let folder = Self::folder("ready", &program.url);
        Self {
            store,
            program,
            token,
            folder,
        }
    }

    fn folder(wait_for: &str, url: &str) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let configuration = CONFIGURATION
            .replace("PLATFORM", PLATFORM)
            .replace("NAME", NAME)
            .replace("= \"ready\"", &format!("= \"{wait_for}\""));
        let overrides = format!(
            "provider_installation {{\n  dev_overrides {{ \"slipway/slipway\" = {:?} }}\n  direct {{}}\n}}\n",
            programs().display().to_string()
        );
        let variables = json!({ "url": url }).to_string();
        for (name, text) in [
            ("main.tf", configuration),
            ("terraform.rc", overrides),
            ("terraform.tfvars.json", variables),
        ] {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        folder
    }

    async fn terraform(&self, arguments: &[&str]) -> Run {
        run(self.folder.path(), &self.token, arguments).await
    }

    fn edit(&self, from: &str, to: &str) {
        let file = self.folder.path().join("main.tf");
        let text = std::fs::read_to_string(&file).expect("a file");
        assert!(text.contains(from), "no {from:?} in {text}");
        std::fs::write(&file, text.replace(from, to)).expect("a file");
    }

    fn state(&self) -> Value {
        let text = std::fs::read(self.folder.path().join("terraform.tfstate")).expect("a state");
        let state: Value = serde_json::from_slice(&text).expect("JSON");
        state["resources"][0]["instances"][0]["attributes"].clone()
    }

    async fn claim(&self) -> Option<Stored> {
        let name: EnvironmentName = NAME.parse().expect("a name");
        self.store.claims().get(&name).await.expect("an answer")
    }

    /// There is no controller yet, so an operator writes the statuses of a claim, as the controller will: as soon as the
    /// claim asks for `version`, one phase after the other.
    async fn controller_by_hand(&self, version: &str, phases: &[&str]) {
        let stored = loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            match self.claim().await {
                Some(stored) if stored.claim.to_json().contains(version) => break stored,
                _ => {}
            }
        };
        for phase in phases {
            self.write_status(&stored, phase).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    async fn write_status(&self, of: &Stored, phase: &str) {
        let status = json!({
            "environment_name": NAME,
            "source": { "bucket": "environments", "key": of.place.key, "etag": of.place.etag.as_str() },
            "phase": phase,
            "since": "2026-05-01T12:00:00Z",
            "reason": "the account has no room",
            "blocker": { "kind": "KubernetesCluster", "name": "dev-x" },
        });
        let request = self.store.client().put_object();
        let request = request.bucket(STATUSES).key(format!("{NAME}.json"));
        let written = request
            .body(status.to_string().into_bytes().into())
            .send()
            .await;
        written.expect("the status is written");
    }
}

impl Run {
    fn ok(self) {
        assert_eq!(self.code, 0, "{}", self.text);
    }

    fn failed(self, words: &[&str]) {
        assert_eq!(self.code, 1, "{}", self.text);
        // Terraform breaks lines where it likes.
        let told: Vec<&str> = self
            .text
            .split(['\n', ' ', '│'])
            .filter(|word| !word.is_empty())
            .collect();
        let told = told.join(" ");
        for word in words {
            assert!(told.contains(word), "no {word:?} in\n{}", self.text);
        }
    }
}

async fn run(folder: &Path, token: &str, arguments: &[&str]) -> Run {
    let (command, rest) = arguments.split_first().expect("a command");
    let output = Command::new("terraform")
        .arg(command)
        .args(["-no-color", "-input=false"])
        .args(rest)
        .current_dir(folder)
        .env("TF_CLI_CONFIG_FILE", folder.join("terraform.rc"))
        .env("TF_VAR_token", token)
        .env("TF_VAR_platform_api_token", token)
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_IN_AUTOMATION", "1")
        .env_remove("VULTR_API_KEY")
        .kill_on_drop(true)
        .output()
        .await
        .expect("terraform starts");
    Run {
        code: output.status.code().expect("a code"),
        text: String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr),
    }
}

/// The folder of the programs of this build, the provider among them.
fn programs() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_platform-api"))
        .parent()
        .expect("a folder")
        .to_owned();
    assert!(
        folder.join("terraform-provider-slipway").is_file(),
        "{} lacks terraform-provider-slipway: build it with `cargo build --workspace --bins`",
        folder.display()
    );
    folder
}
