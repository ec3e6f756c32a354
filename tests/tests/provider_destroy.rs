//! What a destroy takes, what it leaves, what it never touches, and how a platform comes over from the vendor's provider;
//! with the real Terraform, against an account of records.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use slipway_tests::{
    Call, Sandbox, SandboxOptions, Terraform, binary_folder, configuration, until,
};

/// A platform of this name that keeps volumes and load balancers.
fn keeping(name: &str) -> String {
    configuration::platform(name, &[]).replace(
        "volumes = \"delete\", load_balancers = \"delete\"",
        "volumes = \"retain\", load_balancers = \"retain\"",
    )
}

/// What stands in a cluster: ids of a volume that hangs on a node, of a load balancer, and of a file system.
struct Linked {
    volume: String,
    balancer: String,
    files: String,
}

/// Makes in the account what the drivers of a cluster would make.
fn link(sandbox: &Sandbox) -> Result<Linked> {
    let node = node(sandbox)?;
    let volume = volume(sandbox, "pvc-0123456789abcdef")?;
    attach(sandbox, &volume, &node)?;
    let balancer = sandbox.call(
        "POST",
        "load-balancers",
        Some(&json!({"region": "ams", "label": format!("a{}", "0123456789abcdef".repeat(2)), "instances": [node]})),
    )?;
    let files = sandbox.call(
        "POST",
        "vfs",
        Some(&json!({"region": "ams", "label": "pvc-fedcba9876543210", "disk_type": "nvme", "storage_size": {"gb": 10}})),
    )?;
    let files = id(&files)?;
    until("the file system is active", || {
        Ok(sandbox.call("GET", &format!("vfs/{files}"), None)?["status"] == "active")
    })?;
    sandbox.call("PUT", &format!("vfs/{files}/attachments/{node}"), None)?;
    Ok(Linked {
        volume,
        balancer: id(&balancer["load_balancer"])?,
        files,
    })
}

fn volume(sandbox: &Sandbox, label: &str) -> Result<String> {
    let made = sandbox.call(
        "POST",
        "blocks",
        Some(&json!({"region": "ams", "size_gb": 10, "label": label, "block_type": "high_perf"})),
    )?;
    let id = id(&made["block"])?;
    until("the volume is active", || {
        let block = sandbox.call("GET", &format!("blocks/{id}"), None)?;
        Ok(block["block"]["status"] == "active")
    })?;
    Ok(id)
}

/// A server is locked for a while after each attachment.
fn attach(sandbox: &Sandbox, volume: &str, server: &str) -> Result<()> {
    let body = json!({"instance_id": server, "live": true});
    until("the volume is attached", || {
        Ok(sandbox
            .call("POST", &format!("blocks/{volume}/attach"), Some(&body))
            .is_ok())
    })
}

fn node(sandbox: &Sandbox) -> Result<String> {
    let clusters = sandbox.call("GET", "kubernetes/clusters", None)?;
    id(&clusters["vke_clusters"][0]["node_pools"][0]["nodes"][0])
}

fn id(object: &Value) -> Result<String> {
    let id = object["id"].as_str();
    Ok(id.with_context(|| format!("no id in {object}"))?.to_owned())
}

fn ids(sandbox: &Sandbox) -> Result<Vec<String>> {
    let objects = sandbox.objects()?;
    let kinds = objects.iter().filter(|one| one["kind"] != "node");
    kinds.map(id).collect()
}

fn empty(sandbox: &Sandbox) -> Result<()> {
    let left = sandbox.objects()?;
    ensure!(left.is_empty(), "left in the account: {left:#?}");
    Ok(())
}

/// Runs the commands that a message names, as a person would.
fn follow(sandbox: &Sandbox, said: &str) -> Result<()> {
    let commands: Vec<&str> = said
        .lines()
        .map(|line| line.trim_matches(['│', ' ']))
        .filter(|line| line.starts_with("curl "))
        .collect();
    ensure!(!commands.is_empty(), "no command in:\n{said}");
    for command in commands {
        let run = Command::new("sh")
            .args(["-c", command])
            .env("VULTR_API_KEY", sandbox.api_key())
            .env("no_proxy", "127.0.0.1")
            .output()?;
        ensure!(
            run.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&run.stderr)
        );
    }
    Ok(())
}

#[test]
fn linked_things_go_by_policy_and_what_stays_is_free_named_priced_and_removable() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    sandbox.fault(&json!({"stale_attach": true}))?;
    for (name, deletes) in [("goes", true), ("stays", false)] {
        let configuration = if deletes {
            configuration::platform(name, &[])
        } else {
            keeping(name)
        };
        let terraform = Terraform::new(&sandbox, &configuration)?;
        terraform.apply()?.ok()?;
        let linked = link(&sandbox)?;
        let plan = terraform
            .run(&["plan", "-destroy", "-no-color", "-input=false"])?
            .ok()?
            .text();
        let side = if deletes {
            "Destroy takes along"
        } else {
            "Destroy leaves behind"
        };
        for word in [
            side,
            &linked.volume,
            &linked.balancer,
            "1.00 USD a month",
            "1 x vc2-4c-8gb: 40.00 USD a month",
        ] {
            ensure!(
                plan.contains(word),
                "{name}: the plan lacks {word:?}:\n{plan}"
            );
        }
        let run = terraform.destroy()?.ok()?;
        if deletes {
            empty(&sandbox)?;
            continue;
        }
        ensure!(ids(&sandbox)?.len() == 3, "{:?}", sandbox.objects()?);
        // What hung on a node that is gone can be used elsewhere.
        let block = sandbox.call("GET", &format!("blocks/{}", linked.volume), None)?;
        ensure!(block["block"]["attached_to_instance"] == "", "{block}");
        let said = run.text();
        for word in [
            &linked.volume,
            &linked.balancer,
            &linked.files,
            "1.00 USD a month",
        ] {
            ensure!(said.contains(word), "{word} is not named:\n{said}");
        }
        follow(&sandbox, &run.stdout)?;
        until("the commands have removed it", || {
            Ok(ids(&sandbox)?.is_empty())
        })?;
    }
    Ok(())
}

#[test]
fn a_volume_that_somebody_elses_server_has_is_left_alone() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(&sandbox, &configuration::platform("volume", &[]))?;
    terraform.apply()?.ok()?;
    let linked = link(&sandbox)?;
    let server = sandbox.call(
        "POST",
        "instances",
        Some(&json!({"region": "ams", "plan": "vc2-1c-2gb", "os_id": 2136, "label": "slipway:volume2"})),
    )?;
    let server = id(&server["instance"])?;
    let detach = json!({"live": true});
    let path = format!("blocks/{}/detach", linked.volume);
    until("the volume is free", || {
        let _ = sandbox.call("POST", &path, Some(&detach));
        let block = sandbox.call("GET", &format!("blocks/{}", linked.volume), None)?;
        Ok(block["block"]["attached_to_instance"] == "")
    })?;
    until("the server is active", || {
        let seen = sandbox.call("GET", &format!("instances/{server}"), None)?;
        Ok(seen["instance"]["status"] == "active")
    })?;
    attach(&sandbox, &linked.volume, &server)?;
    let said = terraform.destroy()?.ok()?.text();
    ensure!(
        said.contains("in use elsewhere")
            && said.contains(&server)
            && said.contains(&linked.volume),
        "{said}"
    );
    let block = sandbox.call("GET", &format!("blocks/{}", linked.volume), None)?;
    ensure!(
        block["block"]["attached_to_instance"] == json!(server),
        "{block}"
    );
    ensure!(ids(&sandbox)?.len() == 2, "{:?}", sandbox.objects()?);
    Ok(())
}

#[test]
fn whatever_carries_the_mark_is_found_in_every_list_and_nothing_alike_is_touched() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(&sandbox, &configuration::platform("proof", &[]))?;
    terraform.apply()?.ok()?;
    let make = |mark: &str| -> Result<()> {
        for (path, body) in [
            (
                "blocks",
                json!({"region": "ams", "size_gb": 10, "label": mark, "block_type": "high_perf"}),
            ),
            ("firewalls", json!({"description": mark})),
            (
                "reserved-ips",
                json!({"region": "ams", "ip_type": "v4", "label": mark}),
            ),
            (
                "startup-scripts",
                json!({"name": mark, "type": "boot", "script": "IyEvYmluL3NoCg=="}),
            ),
            (
                "ssh-keys",
                json!({"name": mark, "ssh_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUqSKCTSNRuwV9JlBOBaXK2zs1UTLVcWwOaAcXnNOJR x"}),
            ),
            ("load-balancers", json!({"region": "ams", "label": mark})),
        ] {
            sandbox
                .call("POST", path, Some(&body))
                .with_context(|| format!("{path} of {mark}"))?;
        }
        Ok(())
    };
    for alike in [
        "slipway:proof2",
        "slipway:proof2 (creating)",
        "slipway:pro",
        "proof",
        "xslipway:proof",
        "slipway:proof-x:bootstrap",
    ] {
        make(alike)?;
    }
    let kept = ids(&sandbox)?.len() - 3;
    make("slipway:proof")?;

    let run = terraform.destroy()?.failed()?;
    let said = run.text();
    ensure!(said.contains("SLW-232"), "{said}");
    for kind in [
        "volume",
        "firewall group",
        "reserved IP",
        "startup script",
        "SSH key",
        "load balancer",
    ] {
        ensure!(said.contains(kind), "no {kind} in {said}");
    }
    ensure!(said.contains("1.00 USD a month"), "{said}");
    let commands = format!("{}\n{}", run.stdout, run.stderr);
    ensure!(
        !commands.contains("proof2") && !commands.contains("proof-x"),
        "{commands}"
    );
    follow(&sandbox, &commands)?;
    // The network stood to the end of the first run or is gone with it; either way the next one has nothing left to do.
    terraform.destroy()?.ok()?;
    ensure!(ids(&sandbox)?.len() == kept, "{:#?}", sandbox.objects()?);
    Ok(())
}

#[test]
fn a_network_is_waited_for_in_whatever_words_it_says_that_it_is_held() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    for words in ["servers", "addresses", "other"] {
        sandbox.fault(&json!({"vpc_in_use": words, "slow_release_s": 3000}))?;
        let terraform = Terraform::new(&sandbox, &configuration::platform("held", &[]))?;
        terraform.apply()?.ok()?;
        terraform.destroy()?.ok()?;
        empty(&sandbox)?;
    }
    Ok(())
}

#[test]
fn a_wrong_resource_beside_the_platform_does_not_keep_it_from_being_destroyed() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(&sandbox, &configuration::platform("beside", &[]))?;
    terraform.apply()?.ok()?;
    let wrong = std::fs::read_to_string(terraform.folder().join("main.tf"))?
        + "resource \"slipway_node_pool\" \"wrong\" {\n  cluster_id = slipway_platform.main.cluster_id\n  kind       = \"memory\"\n  plan       = \"no-such-plan\"\n}\n";
    terraform.configure(&wrong)?;
    // Terraform plans what the configuration adds before it plans a destroy, and stops at the error.
    let said = terraform.destroy()?.failed()?.text();
    ensure!(said.contains("SLW-112"), "{said}");
    terraform
        .run(&["destroy", "-auto-approve", "-no-color", "-refresh=false"])?
        .ok()?;
    empty(&sandbox)
}

#[test]
fn a_replacement_is_as_protected_as_a_destroy() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let protected = configuration::platform("guarded", &[])
        .replace("deletion_protection = false", "deletion_protection = true");
    let terraform = Terraform::new(&sandbox, &protected)?;
    terraform.apply()?.ok()?;
    let before = sandbox.mark()?;
    for arguments in [
        &[
            "apply",
            "-auto-approve",
            "-no-color",
            "-replace=slipway_platform.main",
        ][..],
        &["destroy", "-auto-approve", "-no-color", "-refresh=false"],
        &["plan", "-destroy", "-no-color"],
    ] {
        let said = terraform.run(arguments)?.failed()?.text();
        ensure!(said.contains("SLW-121"), "{arguments:?}: {said}");
    }
    let calls = sandbox.journal(before)?;
    ensure!(!calls.iter().any(Call::writes), "{calls:?}");
    Ok(())
}

/// Points Terraform at a stand-in for the vendor's provider too: a move asks it for nothing, but it has to be installed.
fn with_vendor(terraform: &mut Terraform) -> Result<()> {
    let folder = terraform.folder().join("vendor");
    std::fs::create_dir(&folder)?;
    std::os::unix::fs::symlink(
        binary_folder().join("terraform-provider-slipway"),
        folder.join("terraform-provider-vultr"),
    )?;
    let rc = terraform.folder().join("terraform.rc");
    let text = std::fs::read_to_string(&rc)?.replace(
        "dev_overrides {",
        &format!(
            "dev_overrides {{\n    \"vultr/vultr\" = \"{}\"",
            folder.display()
        ),
    );
    Ok(std::fs::write(rc, text)?)
}

/// A state file as the vendor's provider leaves it.
fn vendors_state(resources: &[Value]) -> String {
    let resources: Vec<Value> = resources
        .iter()
        .map(|resource| {
            json!({
                "mode": "managed", "type": resource["type"], "name": "old", "provider": "provider[\"registry.terraform.io/vultr/vultr\"]",
                "instances": [{
                    "schema_version": resource["version"], "attributes": resource["attributes"],
                    "sensitive_attributes": [], "private": "eyJzY2hlbWFfdmVyc2lvbiI6IjEifQ==",
                }],
            })
        })
        .collect();
    json!({
        "version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "6f1c0d4e-0000-4000-8000-000000000001",
        "outputs": {}, "resources": resources, "check_results": null,
    })
    .to_string()
}

#[test]
fn a_cluster_a_pool_and_a_network_of_the_vendors_provider_come_over_without_its_secrets()
-> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let vpc = sandbox.call("POST", "vpcs", Some(&json!({"region": "ams", "description": "mine", "v4_subnet": "10.20.0.0", "v4_subnet_mask": 20})))?;
    let vpc = id(&vpc["vpc"])?;
    let cluster = sandbox.call("POST", "kubernetes/clusters", Some(&json!({
        "label": "legacy", "region": "ams", "version": newest(&sandbox)?, "vpc_id": vpc,
        "node_pools": [
            {"node_quantity": 1, "label": "default", "plan": "vc2-2c-4gb", "tag": "tf-vke-default"},
            {"node_quantity": 1, "label": "workers", "plan": "vc2-2c-4gb"},
        ],
    })))?["vke_cluster"].clone();
    let cluster_id = id(&cluster)?;
    until("the cluster is active", || {
        let seen = sandbox.call("GET", &format!("kubernetes/clusters/{cluster_id}"), None)?;
        Ok(seen["vke_cluster"]["status"] == "active")
    })?;
    let workers = id(&cluster["node_pools"][1])?;
    let configuration = configuration::platform("legacy", &[])
        + r#"
resource "slipway_node_pool" "workers" {
  cluster_id = slipway_platform.main.cluster_id
  kind       = "general-public"
  name       = "workers"
  plan       = "vc2-2c-4gb"
}
moved {
  from = vultr_kubernetes.old
  to   = slipway_platform.main
}
moved {
  from = vultr_kubernetes_node_pools.old
  to   = slipway_node_pool.workers
}
"#;
    let mut terraform = Terraform::new(&sandbox, &configuration)?;
    with_vendor(&mut terraform)?;
    let pool = json!({"id": workers, "cluster_id": cluster_id, "label": "workers", "plan": "vc2-2c-4gb", "node_quantity": 1, "auto_scaler": false, "min_nodes": 1, "max_nodes": 1, "tag": "", "labels": [], "taints": [], "nodes": []});
    let state = vendors_state(&[
        json!({"type": "vultr_kubernetes", "version": 1, "attributes": {
            "id": cluster_id, "label": "legacy", "region": "ams", "version": cluster["version"], "vpc_id": vpc, "ha_controlplanes": false,
            "enable_firewall": false, "kube_config": "canary-config", "cluster_ca_certificate": "canary-ca",
            "client_certificate": "canary-certificate", "client_key": "canary-key", "status": "active",
            "node_pools": [{"id": id(&cluster["node_pools"][0])?, "label": "default", "plan": "vc2-2c-4gb", "node_quantity": 1, "tag": "tf-vke-default"}],
        }}),
        json!({"type": "vultr_kubernetes_node_pools", "version": 1, "attributes": pool}),
    ]);
    let file = terraform.folder().join("terraform.tfstate");
    std::fs::write(&file, state)?;

    let plan = terraform.plan()?;
    let said = plan.text();
    ensure!(
        plan.code == 2 && !said.contains("must be replaced"),
        "{said}"
    );
    for word in [
        "taken over",
        "\"slipway:legacy\"",
        "Node pool default",
        "general-restricted is added",
    ] {
        ensure!(said.contains(word), "the plan lacks {word:?}:\n{said}");
    }
    let before = sandbox.mark()?;
    terraform.apply()?.ok()?;
    let calls = sandbox.journal(before)?;
    ensure!(
        !calls.iter().any(|call| call.method == "DELETE"),
        "{calls:?}"
    );
    ensure!(sandbox.count("cluster")? == 1 && sandbox.count("vpc")? == 1);
    let again = terraform.plan()?;
    ensure!(again.code == 0, "{}", again.text());
    let stored = std::fs::read_to_string(&file)?;
    ensure!(!stored.contains("canary"), "{stored}");
    let kept = terraform
        .resource("slipway_node_pool.workers")?
        .context("no pool")?;
    ensure!(kept["id"] == json!(workers), "{kept}");
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn a_network_alone_comes_over_and_an_unknown_source_does_not() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let vpc = sandbox.call("POST", "vpcs", Some(&json!({"region": "ams", "description": "mine", "v4_subnet": "10.20.0.0", "v4_subnet_mask": 20})))?;
    let vpc = id(&vpc["vpc"])?;
    let moved = |from: &str| {
        configuration::platform("network", &[])
            + &format!("moved {{\n  from = {from}.old\n  to   = slipway_platform.main\n}}\n")
    };
    let network = json!({"id": vpc, "region": "AMS", "description": "mine", "v4_subnet": "10.20.0.0", "v4_subnet_mask": 20, "date_created": "2026-01-01T00:00:00+00:00"});
    let mut terraform = Terraform::new(&sandbox, &moved("vultr_instance"))?;
    with_vendor(&mut terraform)?;
    let file = terraform.folder().join("terraform.tfstate");
    let state =
        |kind: &str| vendors_state(&[json!({"type": kind, "version": 0, "attributes": network})]);
    std::fs::write(&file, state("vultr_instance"))?;
    let said = terraform.plan()?.failed()?.text();
    ensure!(
        said.contains("cannot take over an object of type vultr_instance"),
        "{said}"
    );

    std::fs::write(&file, state("vultr_vpc"))?;
    terraform.configure(&moved("vultr_vpc"))?;
    let early = terraform
        .run(&["destroy", "-auto-approve", "-no-color"])?
        .failed()?
        .text();
    ensure!(early.contains("SLW-238"), "{early}");
    terraform.apply()?.ok()?;
    let platform = terraform
        .resource("slipway_platform.main")?
        .context("no platform")?;
    ensure!(
        platform["vpc_id"] == json!(vpc) && platform["phase"] == "ready",
        "{platform}"
    );
    ensure!(sandbox.count("vpc")? == 1 && sandbox.count("cluster")? == 1);
    let again = terraform.plan()?;
    ensure!(again.code == 0, "{}", again.text());
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

fn newest(sandbox: &Sandbox) -> Result<String> {
    let versions = sandbox.call("GET", "kubernetes/versions", None)?;
    let all = versions["versions"].as_array().into_iter().flatten();
    let mut fitting = all
        .filter_map(Value::as_str)
        .filter(|version| version.starts_with("v1.36"));
    Ok(fitting.next().context("no build of 1.36")?.to_owned())
}
