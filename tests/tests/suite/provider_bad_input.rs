//! Bad input: one error at plan time, with its attribute, what is allowed and the nearest match; nothing is created.

use anyhow::{Context, Result, ensure};
use slipway_tests::{Call, Sandbox, SandboxOptions, Terraform, configuration};

/// One mistake: what is replaced in a good configuration, and what the error must say.
struct Mistake {
    good: &'static str,
    bad: &'static str,
    told: &'static [&'static str],
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        good: "name                = \"good\"",
        bad: "name                = \"Good_1\"",
        told: &["SLW-110", "name", "lower-case letters, digits and hyphens"],
    },
    Mistake {
        good: "region              = \"ams\"",
        bad: "region              = \"amd\"",
        told: &["SLW-111", "\"amd\"", "Did you mean \"ams\"?"],
    },
    Mistake {
        good: "plan = \"vc2-4c-8gb\"",
        bad: "plan = \"vc2-4c-9gb\"",
        told: &[
            "SLW-112",
            "system_pool.plan",
            "Did you mean \"vc2-4c-8gb\"?",
        ],
    },
    Mistake {
        good: "plan = \"vc2-4c-8gb\"",
        bad: "plan = \"vc2-6c-16gb\"",
        told: &["SLW-113", "sold out in region \"ams\"", "In stock there:"],
    },
    Mistake {
        good: "kubernetes_version  = \"1.36\"",
        bad: "kubernetes_version  = \"1.19\"",
        told: &["SLW-114", "\"1.19\"", "Allowed: v1."],
    },
    Mistake {
        good: "kubernetes_version  = \"1.36\"",
        bad: "kubernetes_version  = \"newest\"",
        told: &["SLW-114", "newest", "write a minor"],
    },
    Mistake {
        good: "10.20.0.0/20",
        bad: "8.8.8.0/24",
        told: &["SLW-115", "not private", "192.168.0.0/16"],
    },
    Mistake {
        good: "10.20.0.0/20",
        bad: "10.244.0.0/20",
        told: &[
            "SLW-115",
            "overlaps 10.244.0.0/16",
            "the pods of every VKE cluster",
        ],
    },
    Mistake {
        good: "10.20.0.0/20",
        bad: "10.99.0.0/20",
        told: &["SLW-115", "overlaps 10.96.0.0/12"],
    },
    Mistake {
        good: "10.20.0.0/20",
        bad: "192.168.64.0/20",
        told: &["SLW-115", "overlaps 192.168.64.0/18", "somebody's network"],
    },
    Mistake {
        good: "    kong = { enabled = false }",
        bad: "    kongg = { enabled = false }",
        told: &["SLW-116", "components[\"kongg\"]", "Did you mean \"kong\"?"],
    },
    Mistake {
        good: "    kong = { enabled = false }",
        bad: "    kong = { enabled = false, values = \"a: [\" }",
        told: &["SLW-117", "components[\"kong\"].values", "not YAML"],
    },
    Mistake {
        good: "    kong = { enabled = false }",
        bad: "    kong = { enabled = false, size = \"hb\" }",
        told: &["SLW-117", "components[\"kong\"].size", "Allowed: dev, ha"],
    },
    Mistake {
        good: "min_nodes = 1",
        bad: "min_nodes = 0",
        told: &["SLW-118", "system_pool", "1 to 99"],
    },
    Mistake {
        good: "max_nodes = 2",
        bad: "max_nodes = 100",
        told: &["SLW-118", "system_pool", "1 to 99"],
    },
    Mistake {
        good: "volumes = \"delete\"",
        bad: "volumes = \"delte\"",
        told: &["SLW-124", "on_destroy.volumes", "Did you mean \"delete\"?"],
    },
    Mistake {
        good: "  components = {",
        bad: "  bootstrap = { connection = \"shh\" }\n  components = {",
        told: &["SLW-354", "connection is \"shh\"", "Did you mean \"ssh\"?"],
    },
    Mistake {
        good: "  components = {",
        bad: "  bootstrap = { connection = \"ssh\", address = \"203.0.113.7\", user = \"root\" }\n  components = {",
        told: &["SLW-354", "host_key is needed"],
    },
    Mistake {
        good: "  components = {",
        bad: "  bootstrap = { address = \"203.0.113.7\" }\n  components = {",
        told: &["SLW-354", "address is for connection = \"ssh\""],
    },
    Mistake {
        good: "kind       = \"memory\"",
        bad: "kind       = \"memmory\"",
        told: &["SLW-119", "Did you mean \"memory\"?", "general-restricted"],
    },
    Mistake {
        good: "kind       = \"memory\"",
        bad: "kind       = \"memory\"\n  min_nodes = 3\n  max_nodes = 2",
        told: &["SLW-118", "at most max_nodes"],
    },
    Mistake {
        good: "kind       = \"memory\"",
        bad: "kind       = \"memory\"\n  plan = \"vc2-9c-9gb\"",
        told: &["SLW-112", "Vultr has no plan \"vc2-9c-9gb\""],
    },
    Mistake {
        good: "environment_name = \"dev-team1-feature-x\"",
        bad: "environment_name = \"Dev_X\"",
        told: &[
            "SLW-410",
            "environment_name",
            "small letters, digits and dashes",
        ],
    },
    Mistake {
        good: "environment_type = \"dev\"",
        bad: "environment_type = \"devv\"",
        told: &["SLW-410", "environment_type", "did you mean `dev`?"],
    },
    Mistake {
        good: "\"user-service\" = \"v1.2.3\"",
        bad: "\"user-service\" = \">=one\"",
        told: &["SLW-410", "services[\"user-service\"]"],
    },
    Mistake {
        good: "environment_type = \"dev\"",
        bad: "environment_type = \"sue\"\n  expiration_date = \"2020-13-01\"",
        told: &["SLW-410", "expiration_date", "is not a date"],
    },
    Mistake {
        good: "environment_type = \"dev\"",
        bad: "environment_type = \"dev\"\n  expiration_date = \"2030-01-01T00:00:00Z\"",
        told: &["SLW-410", "expiration_date", "never expires"],
    },
];

fn good() -> String {
    let pool = r#"
resource "slipway_node_pool" "memory" {
  cluster_id = slipway_platform.main.cluster_id
  kind       = "memory"
}
"#;
    configuration::platform("good", &[])
        + pool
        + &configuration::claim("dev-team1-feature-x", "john.doe@company.com")
}

#[test]
fn every_mistake_is_one_error_of_the_plan_and_nothing_is_created() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let foreign = serde_json::json!({
        "region": "fra", "description": "somebody's network", "v4_subnet": "192.168.64.0", "v4_subnet_mask": 18,
    });
    sandbox.call("POST", "vpcs", Some(&foreign))?;
    sandbox.fault(&serde_json::json!({"sold_out": ["vc2-6c-16gb"]}))?;
    let terraform = Terraform::new(&sandbox, &good())?;
    let plan = terraform.plan()?;
    ensure!(
        plan.code == 2,
        "the good configuration does not plan:\n{}\n{}",
        plan.stdout,
        plan.stderr
    );
    let before = sandbox.mark()?;
    for Mistake {
        good: right,
        bad,
        told,
    } in MISTAKES
    {
        let text = good();
        ensure!(
            text.contains(right),
            "the good configuration has no {right:?}"
        );
        terraform.configure(&text.replacen(right, bad, 1))?;
        let plan = terraform.plan()?;
        let text = plan.text();
        ensure!(plan.code == 1, "{bad} was planned:\n{text}");
        ensure!(
            text.matches("Error: ").count() == 1,
            "{bad} is not one error:\n{text}"
        );
        for part in *told {
            ensure!(
                text.contains(part),
                "{bad}: {part:?} is missing in:\n{text}"
            );
        }
    }
    let calls = sandbox.journal(before)?;
    ensure!(!calls.iter().any(Call::writes), "a plan wrote: {calls:?}");
    Ok(())
}

#[test]
fn a_wrong_key_is_told_before_anything_is_written() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let mut terraform = Terraform::new(&sandbox, &good())?;
    terraform.set("VULTR_API_KEY", "wrong-canary-key");
    let text = terraform.apply()?.failed()?.text();
    ensure!(
        text.contains("SLW-201") && text.contains("VULTR_API_KEY"),
        "{text}"
    );
    ensure!(
        !text.contains("wrong-canary-key"),
        "the key is told: {text}"
    );
    ensure!(sandbox.objects()?.is_empty());
    terraform.set("VULTR_API_KEY", "");
    let text = terraform.apply()?.failed()?.text();
    ensure!(
        text.contains("SLW-101") && text.contains("There is no API key"),
        "{text}"
    );
    Ok(())
}

#[test]
fn an_update_that_lacks_its_bundle_begins_nothing() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(&sandbox, &configuration::platform("bundled", &[]))?;
    terraform.apply()?.ok()?;
    terraform.edit("kong = { enabled = false }", "kong = { enabled = true }")?;
    terraform.edit(
        "  components = {",
        "  bootstrap = { connection = \"local\", bundle = \"nowhere.tar.gz\" }\n  components = {",
    )?;
    let before = sandbox.mark()?;
    let refused = terraform.apply()?.failed()?.text();
    ensure!(
        refused.contains("SLW-354") && refused.contains("nowhere.tar.gz"),
        "{refused}"
    );
    ensure!(
        !sandbox.journal(before)?.iter().any(Call::writes),
        "something was changed all the same"
    );
    let kept = terraform
        .resource("slipway_platform.main")?
        .context("the platform is not in the state")?;
    ensure!(kept["phase"] == "ready", "{kept}");
    Ok(())
}
