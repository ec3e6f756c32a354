//! `slipway_environment_type`: what an environment of a type gets, for configurations that prepare for it.

use std::collections::BTreeMap;

use claims::{EnvironmentType, Profile};
use tfplugin::value::{Attr, Type};
use tfplugin::{
    Attribute, DataSource, Diagnostics, IntoValue, Object, ReadData, Schema, Value, async_trait,
};

use crate::fault::{self, Fault};
use crate::pool_kind::PoolKind;
use crate::session::Session;

/// The data source type.
pub(crate) struct EnvironmentTypeData;

#[async_trait]
impl DataSource<Session> for EnvironmentTypeData {
    fn type_name(&self) -> &'static str {
        "slipway_environment_type"
    }

    fn schema(&self) -> Schema {
        let schema = Schema::new()
            .describe(
                "What an environment of a type gets: which node pools, whether it is highly available, how its pools scale, whose shared services it \
                 uses and when it ends. Asks no account; the platform builds environments by the same table.",
            )
            .attribute(
                "type",
                Attribute::string().required().describe("`dev`, `staging` (also `stage`), `prod` or `sue`."),
            )
            .attribute("name", Attribute::string().computed().describe("The type as it stands in claims: `stage` is `staging`."))
            .attribute("high_availability", Attribute::bool().computed().describe("Whether it has more than one of everything."))
            .attribute(
                "pool_kinds",
                Attribute::list(Type::String).computed().describe("The kinds of its node pools, each a `kind` of `slipway_node_pool`."),
            );
        let taint = Type::object([
            ("key", Type::String),
            ("value", Type::String),
            ("effect", Type::String),
        ]);
        schema
            .attribute(
                "pools",
                Attribute::map_of([
                    ("purpose", Attribute::string().computed().describe("What runs there.")),
                    ("plan", Attribute::string().computed().describe("Vultr plan of its nodes unless a pool names another.")),
                    ("labels", Attribute::map(Type::String).computed().describe("Labels of its nodes.")),
                    ("taints", Attribute::list(taint).computed().describe("Taints of its nodes.")),
                    ("caution", Attribute::string().computed().describe("What to know before paying for the kind.")),
                ])
                .computed()
                .describe("The same pools by kind, with what `slipway_node_pool` makes of the kind."),
            )
            .attribute(
                "autoscaling",
                Attribute::string().computed().describe("How its pools scale: `aggressive` for cost, `moderate`, or `conservative` for stability."),
            )
            .attribute(
                "shared_services",
                Attribute::string().computed().describe(
                    "Whose Kong, OPAL, Elasticsearch and monitoring it uses: the `platform`'s, or its `own` behind Cloudflare's web application firewall.",
                ),
            )
            .attribute(
                "lifetime_hours",
                Attribute::number().computed().describe("Hours until it ends by itself, unless its claim says otherwise. Unset: never."),
            )
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        let mut faults = Diagnostics::new();
        if let Some(Attr::Known(word)) = faults.collect(config.get::<Attr<String>>("type"))
            && let Err(fault) = named(&word)
        {
            faults.append(fault);
        }
        faults
    }

    async fn read(&self, op: &mut ReadData<Session>) -> Result<Object, Diagnostics> {
        let word: String = op.config.get("type")?;
        Ok(describe(named(&word)?, op.config.clone()))
    }
}

fn named(word: &str) -> Result<EnvironmentType, Fault> {
    word.parse()
        .map_err(|why: String| Fault::new(fault::BAD_CHOICE, format!("type: {why}.")).at("type"))
}

fn describe(environment: EnvironmentType, answer: Object) -> Object {
    let Profile {
        high_availability,
        pools,
        autoscaling,
        shared_services,
        lifetime,
    } = *environment.profile();
    let kinds: Vec<PoolKind> = pools
        .iter()
        .filter_map(|kind| PoolKind::named(kind.as_str()))
        .collect();
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    let pools: BTreeMap<&str, Value> = kinds.iter().map(|kind| (kind.name, pool(*kind))).collect();
    answer
        .with("name", environment.as_str())
        .with("high_availability", high_availability)
        .with("pool_kinds", names)
        .with("pools", pools)
        .with("autoscaling", autoscaling.as_str())
        .with("shared_services", shared_services.as_str())
        .with(
            "lifetime_hours",
            lifetime.map(|lifetime| lifetime.as_hours()),
        )
}

fn pool(kind: PoolKind) -> Value {
    Object::new()
        .with("purpose", kind.purpose)
        .with("plan", kind.plan)
        .with("labels", kind.labels())
        .with("taints", kind.taints())
        .with("caution", kind.caution)
        .into_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(environment: EnvironmentType) -> Object {
        describe(environment, Object::new())
    }

    #[test]
    fn every_kind_of_a_type_is_one_that_node_pools_know() {
        for environment in EnvironmentType::ALL {
            let pools: BTreeMap<String, Object> = of(environment).get("pools").unwrap();
            assert_eq!(
                pools.len(),
                environment.profile().pools.len(),
                "{environment}"
            );
            assert!(pools.values().all(|pool| !pool.is_null("plan")));
        }
        let kinds: Vec<String> = of(EnvironmentType::Prod).get("pool_kinds").unwrap();
        assert_eq!(kinds.len(), 6);
    }

    #[test]
    fn the_table_is_told_in_words() {
        let (sue, prod) = (of(EnvironmentType::Sue), of(EnvironmentType::Prod));
        assert_eq!(sue.get::<Option<i64>>("lifetime_hours").unwrap(), Some(24));
        assert_eq!(prod.get::<Option<i64>>("lifetime_hours").unwrap(), None);
        let word = |object: &Object, name: &str| object.get::<String>(name).unwrap();
        assert_eq!(word(&sue, "shared_services"), "platform");
        assert_eq!(word(&prod, "shared_services"), "own");
        assert_eq!(word(&prod, "autoscaling"), "conservative");
    }

    #[test]
    fn another_word_names_the_nearest_type() {
        let config = Object::new().with("type", "prd");
        let faults = EnvironmentTypeData.validate(&config).to_string();
        assert!(
            faults.contains("SLW-124") && faults.contains("did you mean `prod`?"),
            "{faults}"
        );
        let config = Object::new().with("type", "stage");
        assert!(EnvironmentTypeData.validate(&config).is_empty());
        assert_eq!(
            of(named("stage").unwrap()).get::<String>("name").unwrap(),
            "staging"
        );
    }
}
