//! What a user writes for a node pool.

use tfplugin::value::Type;
use tfplugin::{Attribute, Schema, Value};

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
    Schema::new()
        .describe(format!(
            "A further pool of equal nodes in a VKE cluster. Plan, labels, taints and autoscaling come from its kind, and each can be overridden:\n\n{}\n\n\
             A kind's nodes carry the label `slipway.dev/pool=<kind>`. What tolerates no taint runs on `general-public`.",
            kinds.join("\n")
        ))
        .attribute("id", Attribute::string().computed().describe("Id of the pool."))
        .attribute("cluster_id", Attribute::string().required().requires_replace().describe("Id of the cluster."))
        .attribute(
            "kind",
            Attribute::string()
                .required()
                .requires_replace_if(was_known)
                .describe("`general-restricted`, `general-public`, `memory`, `storage`, `spot` or `ai`. A change needs a new pool."),
        )
        .attribute(
            "name",
            Attribute::string()
                .optional()
                .computed()
                .requires_replace()
                .describe("Name of the pool, unique in the cluster and part of its nodes' names. Default: the kind. A change needs a new pool."),
        )
        .attribute(
            "plan",
            Attribute::string()
                .optional()
                .computed()
                .requires_replace()
                .describe("Vultr plan of its nodes. Default: the kind's. Vultr cannot change it, so a change needs a new pool."),
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
                .requires_replace()
                .describe("Labels of its nodes, in place of the kind's. A change needs a new pool: Vultr labels only new nodes."),
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
            .requires_replace()
            .describe("Taints of its nodes, in place of the kind's. A change needs a new pool: Vultr taints only new nodes."),
        )
        .attribute(
            "monthly_price",
            Attribute::number().computed().describe("List price of `min_nodes` nodes, USD a month."),
        )
        .attribute(
            "timeouts",
            Attribute::single([
                ("create", Attribute::string().optional().describe("Default `45m`.")),
                ("update", Attribute::string().optional().describe("Default `30m`.")),
                ("delete", Attribute::string().optional().describe("Default `30m`.")),
            ])
            .optional()
            .describe("How long an operation may take, as `45m` or `1h30m`."),
        )
}

/// An import cannot read the kind of a pool that somebody else made; naming it then is no change.
fn was_known(prior: &Value, _: &Value) -> bool {
    !prior.is_null()
}
