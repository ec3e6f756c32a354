//! What a user writes for a node pool.

use tfplugin::value::Type;
use tfplugin::{Attribute, Schema};

use crate::pool_kind;

/// The schema of `slipway_node_pool`.
pub(super) fn schema() -> Schema {
    let kinds: Vec<String> = pool_kind::ALL
        .iter()
        .map(|kind| {
            format!(
                "- `{}`: {}; plan `{}`{}",
                kind.name,
                kind.purpose,
                kind.plan,
                kind.taint
                    .map(|(key, value)| format!(", taint `{key}={value}:NoSchedule`"))
                    .unwrap_or_default()
            )
        })
        .collect();
    let schema = Schema::new()
        .describe(format!(
            "A further pool of equal nodes in a VKE cluster. Plan, labels, taints and autoscaling come from its kind, and each can be overridden:\n\n{}\n\n\
             A kind's nodes carry the label `slipway.dev/pool=<kind>`. What tolerates no taint runs on `general-public`.\n\n\
             Vultr can change neither the plan nor the label of a pool. Where the plan or the name changes, a new pool is made first and its nodes are \
             waited for; then the old one is closed for new pods and emptied through the eviction API, so that disruption budgets are respected, and \
             deleted. For Terraform this is an update in place. A replacement that was broken off is continued by the next apply, and taken back if it is \
             no longer wanted. A pod that may not leave ends the apply after `timeouts.update` with its name and that of the budget; nothing is ended by force.",
            kinds.join("\n")
        ));
    results(nodes(named(schema)))
}

fn named(schema: Schema) -> Schema {
    schema
        .attribute("cluster_id", Attribute::string().required().requires_replace().describe("Id of the cluster."))
        .attribute(
            "kind",
            Attribute::string()
                .required()
                .describe("`general-restricted`, `general-public`, `memory`, `storage`, `spot` or `ai`."),
        )
        .attribute(
            "name",
            Attribute::string()
                .optional()
                .computed()
                .describe("Name of the pool, unique in the cluster. Default: the kind. It stays when the pool is replaced, and a change of it replaces the pool."),
        )
}

fn nodes(schema: Schema) -> Schema {
    schema
        .attribute(
            "plan",
            Attribute::string()
                .optional()
                .computed()
                .describe("Vultr plan of its nodes. Default: the kind's. Vultr cannot change the plan of a pool: if its nodes have neither this nor one of `plan_fallbacks`, the pool is replaced."),
        )
        .attribute(
            "plan_fallbacks",
            Attribute::list(Type::String).optional().describe(
                "Plans to take, in this order, while `plan` is sold out in the region. The choice is made when the pool is made, and kept.",
            ),
        )
        .attribute(
            "chosen_plan",
            Attribute::string()
                .computed()
                .describe("The plan that its nodes have: `plan`, or the first of `plan_fallbacks` that was in stock when the pool was made."),
        )
        .attribute("min_nodes", Attribute::number().default(1).describe("Fewest nodes, 1 to 99; Vultr scales no pool to zero. Default 1."))
        .attribute(
            "max_nodes",
            Attribute::number().optional().computed().describe("Most nodes, `min_nodes` to 99. Default: `min_nodes`."),
        )
        .attribute(
            "autoscale",
            Attribute::bool()
                .optional()
                .computed()
                .describe("Whether the number of nodes follows the load. Default: `true` if `max_nodes` is more than `min_nodes`. While it is on, the number of the moment is neither compared nor changed."),
        )
        .attribute(
            "labels",
            Attribute::map(Type::String)
                .optional()
                .computed()
                .describe("Labels of its nodes, in place of the kind's. Changed in place."),
        )
        .attribute(
            "taints",
            Attribute::list_of([
                ("key", Attribute::string().required().describe("Key.")),
                ("value", Attribute::string().required().describe("Value; may be empty.")),
                ("effect", Attribute::string().required().describe("`NoSchedule`, `PreferNoSchedule` or `NoExecute`.")),
            ])
            .optional()
            .computed()
            .describe("Taints of its nodes, in place of the kind's. Changed in place."),
        )
}

fn results(schema: Schema) -> Schema {
    schema
        .attribute("id", Attribute::string().computed().describe("Id of the pool; a replacement has another one."))
        .attribute(
            "label",
            Attribute::string().computed().describe(
                "What Vultr calls the pool, and what its nodes' names begin with: the name, or `<name>-<first eight digits of an id>` for a pool that replaced the one of that id.",
            ),
        )
        .attribute(
            "mark",
            Attribute::string().computed().describe(
                "The pool's tag at Vultr: the mark of the platform it belongs to, or `slipway` in other clusters. One that was changed outside is given back; while a replacement is unfinished it says so.",
            ),
        )
        .attribute(
            "monthly_price",
            Attribute::number().computed().describe("What the lines of `monthly_price_lines` sum up to, USD a month."),
        )
        .attribute(
            "monthly_price_lines",
            Attribute::map(Type::Number)
                .computed()
                .describe("What the pool costs by Vultr's price list, USD a month before tax, by line. `nodes`: `min_nodes` nodes."),
        )
        .attribute(
            "timeouts",
            Attribute::single([
                ("create", Attribute::string().optional().describe("Default `45m`.")),
                ("update", Attribute::string().optional().describe("Default `60m`.")),
                ("delete", Attribute::string().optional().describe("Default `30m`.")),
            ])
            .optional()
            .describe("How long an operation may take, as `45m` or `1h30m`."),
        )
}
