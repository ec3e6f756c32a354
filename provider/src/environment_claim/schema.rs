//! What a user writes for the claim of an environment.

use claims::EnvironmentType;
use tfplugin::value::Type;
use tfplugin::{Attribute, Schema, Value};

/// The schema of `slipway_environment_claim`.
pub(super) fn schema() -> Schema {
    let schema = Schema::new()
        .version(1)
        .describe(
            "The claim of an environment in a platform's claim store. The store's address and keys are fetched through the platform when they are needed and stored nowhere. \
             With `platform_api_url` in the provider block, claims go through the platform's API instead, with the rights of `platform_api_token`. \
             Every write names the state that it expects to find: of two writers one wins, and the other is told.",
        )
        .attribute("id", Attribute::string().computed().describe("`<platform>/<environment>`."))
        .attribute("platform_id", Attribute::string().required().requires_replace().describe("Id of the platform."))
        .attribute(
            "environment_name",
            Attribute::string()
                .required()
                .requires_replace()
                .describe("Name of the environment, its identity: 3 to 50 lower-case letters, digits and hyphens. A change needs a new environment."),
        )
        .attribute(
            "environment_type",
            Attribute::string().required().same_when(same_type).describe("`dev`, `staging` (or `stage`), `prod` or `sue`."),
        )
        .attribute("environment_pool", Attribute::string().required().describe("Team or pool whose budget and rights it lives in."))
        .attribute("user", Attribute::string().required().describe("Who asks for it."));
    let schema = schema
        .attribute(
            "services",
            Attribute::map(Type::String)
                .optional()
                .describe("Version constraint of each service: `v1.2.3`, `^1.0.0.0` (at least), `1.x.x.x`, `>=1.2.0, <2.0.0`, `latest` or `*`."),
        )
        .attribute(
            "service_artifacts",
            Attribute::map_of([
                ("version", Attribute::string().required().describe("One exact version.")),
                ("docker_image", Attribute::string().required().describe("Reference of the container image.")),
                ("ansible_artifact", Attribute::string().required().describe("Reference of the OCI artifact with the playbooks.")),
            ])
            .optional()
            .describe("Services whose artifacts are named one by one, by name; in place of a constraint."),
        )
        .attribute("git_repository", Attribute::string().optional().describe("Repository of a static environment."))
        .attribute("branch", Attribute::string().optional().describe("Its branch."))
        .attribute(
            "creation_date",
            Attribute::string().optional().computed().same_when(same_moment).describe("When it was asked for, RFC 3339. Default: the moment of the create."),
        )
        .attribute(
            "expiration_date",
            Attribute::string()
                .optional()
                .computed()
                .same_when(same_moment)
                .describe("When it ends, RFC 3339; only type `sue` does. Default: 24 hours after `creation_date`."),
        );
    schema
        .attribute(
            "wait_for",
            Attribute::string()
                .default("accepted")
                .describe("`accepted`: until the claim stands in the store. `ready`: until the environment runs, too; one that is blocked, rejected or over fails at once with the reason. An apply that was broken off goes on waiting the next time."),
        )
        .attribute(
            "timeouts",
            Attribute::single([
                ("create", Attribute::string().optional().describe("Default `45m`.")),
                ("update", Attribute::string().optional().describe("Default `45m`.")),
            ])
            .optional()
            .describe("How long `wait_for = \"ready\"` waits, as `45m` or `1h30m`."),
        )
        .attribute("phase", Attribute::string().computed().describe("With `wait_for = \"ready\"`: phase of the environment as it was last seen; `Ready` once it was waited for. Another one is waited for by the next apply."))
        .attribute("cluster_id", Attribute::string().computed().describe("Id of the platform's cluster; null through the platform's API."))
        .attribute("key", Attribute::string().computed().describe("Key of the claim's object in the bucket."))
        .attribute("etag", Attribute::string().computed().describe("State of the object as it was last read or written; an update replaces exactly this one."))
}

/// `stage` and `staging` are one type.
pub(super) fn same_type(one: &Value, other: &Value) -> bool {
    let read = |value: &Value| {
        value
            .as_str()
            .and_then(|text| text.parse::<EnvironmentType>().ok())
    };
    read(one).is_some_and(|kind| read(other) == Some(kind))
}

/// Two spellings of one moment.
pub(super) fn same_moment(one: &Value, other: &Value) -> bool {
    let read = |value: &Value| {
        value
            .as_str()
            .and_then(|text| text.parse::<jiff::Timestamp>().ok())
    };
    read(one).is_some_and(|moment| read(other) == Some(moment))
}
