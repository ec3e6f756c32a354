//! A claim from HCL to the real bucket and back.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use slipway_tests::{
    Cluster, Core, Sandbox, SandboxOptions, Terraform, configuration, engines, plugin_testing,
};

const NAME: &str = "dev-team1-feature-x";

/// What stands in the bucket, to the letter.
const TEXT: &str = r#"{
  "user": "john.doe@company.com",
  "environment_pool": "team1",
  "creation_date": "CREATED",
  "environment_name": "dev-team1-feature-x",
  "environment_type": "dev",
  "expiration_date": null,
  "services": {
    "api-gateway": "1.x.x.x",
    "auth-service": "^1.0.0.0",
    "user-service": "v1.2.3"
  }
}
"#;

#[test]
fn a_claim_is_written_guarded_drifts_and_goes() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let platform = configuration::platform("claims", &["minio"]);
    let with_claim = platform.clone() + &configuration::claim(NAME, "john.doe@company.com");
    let terraform = Terraform::new(&sandbox, &with_claim)?;
    terraform.apply()?.ok()?;
    let bucket = Bucket::of(&Cluster::only(&sandbox)?)?;

    let text = bucket.get(NAME)?;
    let created = terraform
        .resource("slipway_environment_claim.x")?
        .context("no claim in the state")?["creation_date"]
        .as_str()
        .context("the claim has no creation_date")?
        .to_owned();
    ensure!(
        text == TEXT.replace("CREATED", &created),
        "the bucket holds\n{text}"
    );
    ensure!(
        terraform.plan()?.code == 0,
        "the plan after the apply is not empty"
    );

    bucket.put(NAME, &text.replace("v1.2.3", "v9.9.9"))?;
    let run = terraform.plan()?;
    ensure!(
        run.code == 2 && run.text().contains("v9.9.9"),
        "a change from outside does not show:\n{}",
        run.stdout
    );
    terraform.apply()?.ok()?;
    ensure!(
        bucket.get(NAME)? == text,
        "the apply did not set the claim right"
    );

    a_second_writer_loses(&terraform, &bucket, &text)?;
    ready_is_waited_for(&terraform, &Cluster::only(&sandbox)?)?;
    ensure!(
        bucket.get(NAME)? == text,
        "waiting wrote the claim once more"
    );
    import_by_name_is_empty(&sandbox, &terraform, &with_claim)?;
    let of_this_platform = [("SLIPWAY_TEST_PLATFORM", "claims")];
    plugin_testing(
        Core::chosen()?,
        &sandbox,
        "^TestEnvironmentClaim$",
        &of_this_platform,
    )?;

    the_destroy_drains_what_was_confirmed(&sandbox, &terraform, &text)?;
    let left = sandbox.objects()?;
    ensure!(left.is_empty(), "left behind: {left:#?}");
    Ok(())
}

/// Claims that this configuration does not manage: refused, then drained by name, broken off in between and gone on with.
fn the_destroy_drains_what_was_confirmed(
    sandbox: &Sandbox,
    terraform: &Terraform,
    text: &str,
) -> Result<()> {
    let cluster = Cluster::only(sandbox)?;
    let bucket = Bucket::of(&cluster)?;
    let prod = text
        .replace(NAME, "prod-shop")
        .replace("\"dev\"", "\"prod\"");
    bucket.put("prod-shop", &prod)?;
    let fixed = Bucket::of_static_claims(&cluster)?;
    let from_git = text
        .replace(NAME, "dev-from-git")
        .trim_end()
        .trim_end_matches('}')
        .trim_end()
        .to_owned()
        + ",\n  \"deployment_method\": \"git\",\n  \"git_repository\": \"https://git.example/x\",\n  \"branch\": \"main\"\n}\n";
    fixed.put("dev-from-git", &from_git)?;
    terraform
        .run(&["state", "rm", "slipway_environment_claim.x"])?
        .ok()?;
    terraform.configure(
        &(configuration::platform("claims", &["minio"])
            + "data \"slipway_environments\" \"all\" {\n  platform_id = slipway_platform.main.id\n}\n\
               output \"all\" {\n  value = data.slipway_environments.all\n}\n"),
    )?;
    terraform.apply()?.ok()?;
    let listed = terraform.state()?["values"]["outputs"]["all"]["value"].clone();
    let names: Vec<&str> = listed["environments"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["name"].as_str())
        .collect();
    ensure!(names == ["dev-from-git", NAME, "prod-shop"], "{listed}");
    ensure!(listed["environments"][0]["static"] == true, "{listed}");

    let refused = terraform.destroy()?.failed()?.text();
    for word in [
        "SLW-452",
        NAME,
        "john.doe@company.com",
        "prod-shop",
        "dev-from-git",
        "USD a month",
    ] {
        ensure!(
            refused.contains(word),
            "the refusal lacks {word:?}:\n{refused}"
        );
    }
    choose(
        terraform,
        "environments = \"refuse\"",
        "environments = \"drain\"",
    )?;
    let refused = terraform.destroy()?.failed()?.text();
    ensure!(
        refused.contains("SLW-454") && refused.contains("prod-shop"),
        "{refused}"
    );
    choose(
        terraform,
        "environments = \"drain\"",
        "environments = \"drain_all\", confirm_environments = [\"prod-shop\"]",
    )?;
    let refused = terraform.destroy()?.failed()?.text();
    ensure!(
        refused.contains("SLW-455") && refused.contains("dev-from-git"),
        "{refused}"
    );
    ensure!(
        bucket.get(NAME)? == text,
        "a refused drain withdrew a claim"
    );

    choose(
        terraform,
        "[\"prod-shop\"]",
        &format!("[\"dev-from-git\", \"{NAME}\", \"prod-shop\"]"),
    )?;
    sandbox.fault(&json!({"method": "DELETE", "path": "/v2/kubernetes/clusters/**", "times": 0, "action": {"status": 403, "error": "Forbidden."}}))?;
    let broken_off = terraform.destroy()?.failed()?.text();
    ensure!(broken_off.contains("SLW-202"), "{broken_off}");
    sandbox.clear_faults()?;
    for name in [NAME, "prod-shop"] {
        let gone = bucket.get(name)?;
        ensure!(
            gone.contains("the destroy of platform claims"),
            "{name}: {gone}"
        );
    }
    ensure!(
        fixed.get("dev-from-git")? == from_git,
        "a static claim was touched"
    );
    a_frozen_platform_takes_no_claims(sandbox, terraform)?;
    terraform.destroy()?.ok()?;
    Ok(())
}

fn choose(terraform: &Terraform, from: &str, to: &str) -> Result<()> {
    terraform.edit(from, to)?;
    terraform.apply()?.ok()?;
    Ok(())
}

fn a_frozen_platform_takes_no_claims(sandbox: &Sandbox, terraform: &Terraform) -> Result<()> {
    let late = configuration::claim("dev-late", "late@company.com")
        .replace("slipway_platform.main.id", "\"claims\"");
    let other = Terraform::new(
        sandbox,
        &("terraform {\n  required_providers {\n    slipway = {\n      source = \"slipway/slipway\"\n    }\n  }\n}\n".to_owned() + &late),
    )?;
    let refused = other.apply()?.failed()?.text();
    ensure!(refused.contains("SLW-415"), "{refused}");
    let frozen = terraform
        .run(&["apply", "-refresh-only", "-auto-approve", "-no-color"])?
        .ok()?;
    ensure!(frozen.text().contains("frozen"), "{}", frozen.text());
    Ok(())
}

/// Between plan and apply somebody else writes: the apply must lose, say so, and leave the other's claim alone.
fn a_second_writer_loses(terraform: &Terraform, bucket: &Bucket, text: &str) -> Result<()> {
    terraform.edit("john.doe@company.com", "jane.doe@company.com")?;
    terraform
        .run(&["plan", "-input=false", "-no-color", "-out=late.plan"])?
        .ok()?;
    let winner = text.replace("team1\"", "team2\"");
    bucket.put(NAME, &winner)?;
    let run = terraform
        .run(&["apply", "-input=false", "-no-color", "late.plan"])?
        .failed()?;
    let said = run.text();
    for word in ["SLW-4", NAME] {
        ensure!(
            said.contains(word),
            "the error does not say {word:?}:\n{said}"
        );
    }
    ensure!(
        bucket.get(NAME)? == winner,
        "the loser overwrote the winner"
    );
    terraform.edit("jane.doe@company.com", "john.doe@company.com")?;
    terraform.apply()?.ok()?;
    ensure!(
        bucket.get(NAME)? == text,
        "the next apply did not set the claim right"
    );
    Ok(())
}

/// A blocked environment fails the apply at once, and the next one goes on waiting. There is no controller yet: an operator
/// writes the status by hand, with the keys of the controller.
fn ready_is_waited_for(terraform: &Terraform, cluster: &Cluster) -> Result<()> {
    let of_claim = || -> Result<Value> {
        terraform
            .resource("slipway_environment_claim.x")?
            .context("no claim in the state")
    };
    let etag = of_claim()?["etag"].clone();
    let by_hand = Bucket::of_statuses(cluster)?;
    let status = |phase: &str| {
        json!({
            "environment_name": NAME,
            "source": {"bucket": "environments", "key": key(NAME), "etag": etag},
            "phase": phase, "since": "2026-05-01T12:00:00Z", "reason": "the account has no room",
            "blocker": {"kind": "KubernetesCluster", "name": NAME},
        })
        .to_string()
    };
    let pool = "environment_pool = \"team1\"";
    let waiting = format!("{pool}\n  wait_for         = \"ready\"");
    terraform.edit(pool, &waiting)?;
    by_hand.put(NAME, &status("Blocked"))?;
    let blocked = terraform.apply()?.failed()?.text();
    for word in ["SLW-432", "no room", "KubernetesCluster"] {
        ensure!(blocked.contains(word), "no {word:?} in\n{blocked}");
    }
    by_hand.put(NAME, &status("Ready"))?;
    terraform.apply()?.ok()?;
    let claim = of_claim()?;
    ensure!(
        claim["phase"] == "Ready" && claim["etag"] == etag,
        "{claim}"
    );
    ensure!(
        terraform.plan()?.code == 0,
        "the plan after the wait is not empty"
    );
    terraform.edit(&waiting, pool)?;
    terraform.apply()?.ok()?;
    Ok(())
}

fn import_by_name_is_empty(
    sandbox: &Sandbox,
    terraform: &Terraform,
    configuration: &str,
) -> Result<()> {
    let platform = std::fs::read(terraform.folder().join("terraform.tfstate"))?;
    let other = Terraform::new(sandbox, configuration)?;
    std::fs::write(other.folder().join("terraform.tfstate"), platform)?;
    other
        .run(&["state", "rm", "slipway_environment_claim.x"])?
        .ok()?;
    other
        .run(&[
            "import",
            "-no-color",
            "-input=false",
            "slipway_environment_claim.x",
            &format!("claims/{NAME}"),
        ])?
        .ok()?;
    let run = other.plan()?;
    ensure!(
        run.code == 0,
        "the plan after the import is not empty:\n{}",
        run.stdout
    );
    Ok(())
}

/// The platform's bucket, through Python's S3 library: a client that shares nothing with ours.
struct Bucket {
    keys: std::collections::BTreeMap<String, String>,
}

impl Bucket {
    fn of(cluster: &Cluster) -> Result<Self> {
        Ok(Self {
            keys: cluster.secret("slipway-system", "claim-store")?,
        })
    }

    /// The bucket of static claims, with the keys of who may write there.
    fn of_static_claims(cluster: &Cluster) -> Result<Self> {
        let mut keys = cluster.secret("minio", "identity-gitlab-ci")?;
        keys.insert("bucket".to_owned(), "static-environments".to_owned());
        Ok(Self { keys })
    }

    /// The bucket of statuses, with the keys of the controller.
    fn of_statuses(cluster: &Cluster) -> Result<Self> {
        let mut keys = cluster.secret("minio", "identity-environment-controller")?;
        keys.insert("bucket".to_owned(), "status".to_owned());
        Ok(Self { keys })
    }

    fn get(&self, name: &str) -> Result<String> {
        self.python("sys.stdout.write(s3.get_object(Bucket=bucket, Key=sys.argv[1])['Body'].read().decode())", &[&key(name)])
    }

    fn put(&self, name: &str, text: &str) -> Result<()> {
        self.python(
            "s3.put_object(Bucket=bucket, Key=sys.argv[1], Body=sys.argv[2].encode())",
            &[&key(name), text],
        )
        .map(drop)
    }

    fn python(&self, action: &str, arguments: &[&str]) -> Result<String> {
        let script = format!(
            "import boto3, os, sys\nfrom botocore.config import Config\nbucket = os.environ['BUCKET']\n\
             s3 = boto3.client('s3', endpoint_url=os.environ['ENDPOINT'], region_name=os.environ['REGION'],\n\
             aws_access_key_id=os.environ['ACCESS'], aws_secret_access_key=os.environ['SECRET'],\n\
             config=Config(s3={{'addressing_style': 'path'}}))\n{action}\n"
        );
        let value = |name: &str| {
            self.keys
                .get(name)
                .cloned()
                .with_context(|| format!("claim-store has no {name}"))
        };
        let output = Command::new(engines()?.join("venv/bin/python"))
            .args(["-c", &script])
            .args(arguments)
            .env("BUCKET", value("bucket")?)
            .env("ENDPOINT", value("endpoint")?)
            .env("REGION", value("region")?)
            .env("ACCESS", value("access_key")?)
            .env("SECRET", value("secret_key")?)
            .output()?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    }
}

fn key(name: &str) -> String {
    format!("{name}.json")
}
