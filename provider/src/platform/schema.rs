//! What a user writes for a platform, and what the provider says back.

use tfplugin::value::Type;
use tfplugin::{Attribute, Schema, Value};

use crate::bootstrap_place;

/// The network of a platform that names none.
pub(super) const DEFAULT_NETWORK: &str = "10.20.0.0/20";

/// Attributes that only a new platform can have otherwise.
pub(super) const CREATE_ONLY: [&str; 5] = [
    "name",
    "region",
    "domain",
    "high_availability",
    "network_cidr",
];

/// The version of the stored form. Version 0 has no `bootstrap`.
pub(super) const VERSION: i64 = 1;

/// The schema of `slipway_platform`.
pub(super) fn schema() -> Schema {
    let schema = Schema::new().version(VERSION).describe(
        "A Kubernetes platform on Vultr: a VPC, a VKE cluster with its first node pool, and the components that run on it.\n\n\
         A create that was broken off, by a failure, by Ctrl-C or by a crash, is continued by the next apply: Terraform shows it as a replacement, \
         and nothing is deleted. `terraform destroy` ends with an account proved empty of what the platform made.",
    );
    let schema = settings(schema);
    let schema = components(schema);
    let schema = policies(schema);
    results(schema)
}

fn settings(schema: Schema) -> Schema {
    schema
        .attribute(
            "name",
            Attribute::string().required().requires_replace_if(was_known).describe(
                "Name of the platform, unique in the account: 3 to 32 lower-case letters, digits and hyphens, starting with a letter. \
                 It is also the mark on everything that the platform owns (`slipway:<name>`), so a change needs a new platform.",
            ),
        )
        .attribute(
            "region",
            Attribute::string()
                .required()
                .requires_replace()
                .describe("Vultr region that offers Kubernetes, for example `ams`. A change needs a new platform."),
        )
        .attribute(
            "domain",
            Attribute::string().required().requires_replace_if(was_known).describe(
                "DNS domain below which the platform's services answer. Every component is built with it, so a change needs a new platform.",
            ),
        )
        .attribute(
            "kubernetes_version",
            Attribute::string().required().describe(
                "Version constraint: a minor (`1.36`), a patch (`1.36.1`) or a build (`v1.36.1+1`). The newest build that satisfies it is chosen when the \
                 platform is created and kept as long as it satisfies the constraint. A constraint that it does not satisfy upgrades the cluster in place, to the \
                 newest build that satisfies it among those that Vultr offers for the cluster: never back, one minor at a time. Every node is replaced; apply \
                 begins only if no disruption budget forbids it, and waits until every node has the new version and is ready.",
            ),
        )
        .attribute(
            "high_availability",
            Attribute::bool()
                .default(false)
                .requires_replace_if(was_known)
                .describe("Three API servers instead of one. Vultr cannot switch it later, so a change needs a new platform. Default `false`."),
        )
        .attribute(
            "network_cidr",
            Attribute::string().default(DEFAULT_NETWORK).requires_replace().describe(
                "Private network of the platform's VPC, /16 to /26. It may overlap neither another VPC nor the ranges that every cluster uses for pods \
                 (10.244.0.0/16) and services (10.96.0.0/12). A change needs a new platform. Default `10.20.0.0/20`.",
            ),
        )
        .attribute(
            "system_pool",
            Attribute::single([
                (
                    "plan",
                    Attribute::string()
                        .required()
                        .describe("Vultr plan of its nodes. Vultr cannot change the plan of a pool: if its nodes have neither this nor one of `plan_fallbacks`, the pool is replaced in place, as `slipway_node_pool` does it."),
                ),
                (
                    "plan_fallbacks",
                    Attribute::list(Type::String).optional().describe(
                        "Plans to take, in this order, while `plan` is sold out in the region. The choice is made when the cluster is made, and kept.",
                    ),
                ),
                (
                    "chosen_plan",
                    Attribute::string().computed().describe(
                        "The plan that its nodes have: `plan`, or the first of `plan_fallbacks` that was in stock when the cluster was made.",
                    ),
                ),
                ("min_nodes", Attribute::number().required().describe("Fewest nodes, 1 to 99.")),
                (
                    "max_nodes",
                    Attribute::number()
                        .required()
                        .describe("Most nodes, `min_nodes` to 99. The cluster scales between the two by itself when they differ."),
                ),
            ])
            .required()
            .describe("The pool `general-restricted`, which the cluster is created with and which carries the components."),
        )
}

fn components(schema: Schema) -> Schema {
    schema
        .attribute(
            "components",
            Attribute::map_of([
                ("enabled", Attribute::bool().optional().describe("`false` leaves the component out. Default `true`.")),
                ("version", Attribute::string().optional().describe("Version of the chart. Default: the one that this release of the provider pins.")),
                ("size", Attribute::string().optional().describe("`dev`: one of everything; `ha`: survives the loss of a node. Default `dev`.")),
                ("values", Attribute::string().optional().describe("Values for the component, YAML.")),
            ])
            .optional()
            .describe(
                "Changes to the default set of components, by name: `cloudnative-pg`, `crossplane`, `flux`, `infisical`, `kong`, `minio`, `opal`, `valkey`. A component that is not \
                 listed is installed with its defaults. Disabling one leaves what is installed as it is.",
            ),
        )
        .attribute("bootstrap", bootstrap_place::attribute())
        .attribute(
            "component_secrets_wo",
            Attribute::map(Type::String).optional().write_only().sensitive().describe(
                "Secrets that components read, by name. Write-only: never in plan or state. Needs Terraform 1.11 or OpenTofu 1.11.",
            ),
        )
        .attribute(
            "component_secrets_wo_version",
            Attribute::number()
                .optional()
                .describe("Raise it to hand changed secrets to the components that read some; their playbooks run again then."),
        )
}

fn policies(schema: Schema) -> Schema {
    schema
        .attribute(
            "deletion_protection",
            Attribute::bool()
                .default(true)
                .describe("Refuse to destroy or replace a finished platform until this is set to `false` and applied. Default `true`."),
        )
        .attribute(
            "on_destroy",
            Attribute::single([
                (
                    "environments",
                    Attribute::string().optional().describe(
                        "What becomes of the environments whose claims stand in the claim store. `refuse`: the destroy ends and names them, with owner, type, age and estimated price. \
                         `drain`: it withdraws the claims of dynamic environments of type `dev`, `staging` and `sue`, and refuses while there is another one. `drain_all`: it withdraws \
                         exactly those that `confirm_environments` names. `orphan`: it touches none and writes them to `handover_file`. A drain freezes the store first, so that nobody \
                         asks for a new environment meanwhile. Clusters of environments come with the environment controller, which this release does not have: a drain ends when no claim stands. Default `refuse`.",
                    ),
                ),
                (
                    "confirm_environments",
                    Attribute::set(Type::String).optional().describe(
                        "The names of all environments of the platform, for `drain_all`: the destroy is refused if others stand there.",
                    ),
                ),
                (
                    "handover_file",
                    Attribute::string().optional().describe(
                        "File that `orphan` writes: names, owners and cloud ids, no secret. Default `slipway-handover-<platform>.json` in the folder that Terraform runs in.",
                    ),),
                (
                    "volumes",
                    Attribute::string()
                        .optional()
                        .describe("`retain` leaves the block volumes of the cluster's volume claims, and names them; `delete` deletes them. Default `retain`."),
                ),
                (
                    "load_balancers",
                    Attribute::string()
                        .optional()
                        .describe("`delete` deletes the load balancers of the cluster's services; `retain` leaves them, and names them. Default `delete`."),
                ),
            ])
            .optional()
            .describe("What a destroy does with what was made from inside the cluster."),
        )
        .attribute(
            "timeouts",
            Attribute::single([
                ("create", Attribute::string().optional().describe("Default `90m`.")),
                ("update", Attribute::string().optional().describe("Default `60m`.")),
                ("delete", Attribute::string().optional().describe("Default `30m`.")),
            ])
            .optional()
            .describe("How long an operation may take as a whole, as `45m` or `1h30m`."),
        )
}

fn results(schema: Schema) -> Schema {
    schema
        .attribute("id", Attribute::string().computed().describe("The platform's name; environment claims refer to it."))
        .attribute("cluster_id", Attribute::string().computed().describe("Id of the VKE cluster."))
        .attribute("vpc_id", Attribute::string().computed().describe("Id of the VPC."))
        .attribute("mark", Attribute::string().computed().describe("The mark on cluster and VPC; one that was changed outside is given back."))
        .attribute("kubernetes_build", Attribute::string().computed().describe("The build that the constraint resolved to."))
        .attribute("endpoint", Attribute::string().computed().describe("Address of the Kubernetes API."))
        .attribute(
            "phase",
            Attribute::string()
                .computed()
                .describe("`ready`; `incomplete` while a create is unfinished, `unsettled` while an update is, or when a part was lost or changed outside. The next apply goes on."),
        )
        .attribute(
            "incarnation",
            Attribute::string()
                .computed()
                .describe("Which create made or took over the platform; it keeps an abandoned instance in state from deleting what a newer one adopted."),
        )
        .attribute(
            "component_status",
            Attribute::map_of([
                ("chart", Attribute::string().computed().describe("Chart.")),
                ("version", Attribute::string().computed().describe("Version of the chart.")),
                ("app_version", Attribute::string().computed().describe("Version of what the chart installs.")),
                ("backend", Attribute::string().computed().describe("The program behind the component, for a component that has a choice (`slipway.backend` in its values).")),
                ("digest", Attribute::string().computed().describe("Digest of playbook, version, size, values and inputs; a component runs when it changes.")),
                ("outcome", Attribute::string().computed().describe("`ok`, `failed` or `running`, as the record in the cluster says.")),
                (
                    "reason",
                    Attribute::string().computed().describe(
                        "Why its playbook runs in this plan, or ran last: `new`, `values changed`, `version changed`, `size changed`, `secrets changed`, \
                         `playbook changed`, `something it uses changed`, `its last run did not end well`, `drifted in the cluster`. Unset for a component that was imported.",
                    ),
                ),
            ])
            .computed()
            .describe("What is installed, by component, as the journal in the cluster records it."),
        )
        .attribute(
            "monthly_price",
            Attribute::number()
                .computed()
                .describe("What the lines of `monthly_price_lines` sum up to, USD a month."),
        )
        .attribute(
            "monthly_price_lines",
            Attribute::map(Type::Number).computed().describe(
                "What the platform costs by Vultr's price list, USD a month before tax, by line. `nodes`: `min_nodes` nodes of the system pool. \
                 Not in it is what the list does not name or the configuration does not decide: a high-availability control plane, load balancers \
                 and volumes that services in the cluster ask for; a plan that changes the price tells what the account pays for them now. \
                 Further pools tell their own price.",
            ),
        )
}

/// An import cannot read the setting, and what came over from another provider has no name; naming it then is no change.
fn was_known(prior: &Value, _: &Value) -> bool {
    !prior.is_null()
}
