//! What a destroy takes, what it leaves, what it never touches, and how a platform comes over from the vendor's provider;
//! with the real Terraform, against an account of records.

mod account;
mod moved;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use slipway_tests::{Call, Sandbox, SandboxOptions, Terraform, configuration, until};

use self::account::{attach, follow, id, ids, keeping, link};
use super::settled::empty;

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
