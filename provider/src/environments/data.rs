//! `slipway_environments`: the environments of a platform, as far as its claim store knows them.

use std::collections::BTreeMap;

use claims::Service;
use jiff::Timestamp;
use rust_decimal::prelude::ToPrimitive;
use tfplugin::value::Type;
use tfplugin::{
    Attribute, DataSource, Diagnostic, Diagnostics, IntoValue, Object, ReadData, Schema, Value,
    async_trait,
};

use super::standing::{Live, Standing};
use super::{cluster_of, estimate, store_fault, store_of};
use crate::catalogue::Catalogue;
use crate::fault::{self, Fault};
use crate::mark::PlatformId;
use crate::session::Session;

/// The data source type.
pub(crate) struct EnvironmentsData;

#[async_trait]
impl DataSource<Session> for EnvironmentsData {
    fn type_name(&self) -> &'static str {
        "slipway_environments"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .describe(
                "The environments of a platform, as its claim store holds them at this moment: dynamic ones, and static ones where the platform has a bucket for them. It holds no secret.",
            )
            .attribute("platform_id", Attribute::string().required().describe("Id of the platform."))
            .attribute(
                "environments",
                Attribute::list_of([
                    ("name", Attribute::string().computed().describe("Name of the environment.")),
                    ("owner", Attribute::string().computed().describe("Who asked for it, by the claim's own word.")),
                    ("type", Attribute::string().computed().describe("`dev`, `staging`, `prod` or `sue`.")),
                    ("pool", Attribute::string().computed().describe("Team or pool whose budget and rights it lives in.")),
                    ("static", Attribute::bool().computed().describe("Whether it is managed in Git.")),
                    ("services", Attribute::map(Type::String).computed().describe("Version constraint, or version, of each service.")),
                    ("created", Attribute::string().computed().describe("When it was asked for, RFC 3339.")),
                    ("expires", Attribute::string().computed().describe("When it ends, RFC 3339; null if never.")),
                    (
                        "phase",
                        Attribute::string().computed().describe(
                            "`accepted`: the claim stands; `expired`: it stands although its end has passed. The claim store knows no more.",
                        ),
                    ),
                    ("key", Attribute::string().computed().describe("Key of the claim's object.")),
                    ("etag", Attribute::string().computed().describe("State of the claim's object.")),
                    (
                        "monthly_price",
                        Attribute::number().computed().describe(
                            "Estimate, USD a month: list price of one node in each pool of the environment's type. Null if the catalogue lacks a plan.",
                        ),
                    ),
                ])
                .computed()
                .describe("The environments, by name."),
            )
            .attribute(
                "unreadable",
                Attribute::list(Type::String).computed().describe("Keys of objects that are no readable claims."),
            )
            .attribute(
                "frozen",
                Attribute::bool().computed().describe("Whether a destroy drains the platform, so that it takes no claims."),
            )
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        let mut faults = Diagnostics::new();
        if let Some(text) = config.value("platform_id").as_str()
            && let Err(fault) = platform_of(text)
        {
            faults.append(fault);
        }
        faults
    }

    async fn read(&self, op: &mut ReadData<Session>) -> Result<Object, Diagnostics> {
        let name: String = op.config.get("platform_id")?;
        let platform = platform_of(&name)?;
        let session = op.client.clone();
        let Some(cluster) = cluster_of(&session, &platform, None).await? else {
            op.warnings.push(
                Diagnostic::warning(
                    "Platform has no cluster yet",
                    format!("The account holds no cluster of platform {platform}, so it has no environments. If it should, correct platform_id."),
                )
                .at("platform_id"),
            );
            return Ok(answer(&op.config, &Standing::default(), None, "", false));
        };
        let dynamic = store_of(&session, &platform, &cluster.id).await?;
        let fixed = session.static_claim_store(&cluster.id).await?;
        let Some(dynamic) = dynamic.as_ref() else {
            return Ok(answer(&op.config, &Standing::default(), None, "", false));
        };
        let failed = |error| store_fault("listing the claims", &error);
        let standing = Standing::sweep(&platform, dynamic, fixed.as_ref().as_ref())
            .await
            .map_err(failed)?;
        let frozen = dynamic.frozen().await.map_err(failed)?.is_some();
        let catalogue = session.catalogue().await?;
        Ok(answer(
            &op.config,
            &standing,
            Some(&catalogue),
            &cluster.region,
            frozen,
        ))
    }
}

fn platform_of(text: &str) -> Result<PlatformId, Fault> {
    PlatformId::parse(text).map_err(|bad| {
        Fault::new(fault::BAD_NAME, format!("platform_id: {bad}.")).at("platform_id")
    })
}

fn answer(
    config: &Object,
    standing: &Standing,
    catalogue: Option<&Catalogue>,
    region: &str,
    frozen: bool,
) -> Object {
    let now = Timestamp::now();
    let environments: Vec<Value> = standing
        .live
        .iter()
        .map(|live| describe(live, catalogue, region, now))
        .collect();
    let unreadable: Vec<String> = standing.unread.iter().map(|one| one.key.clone()).collect();
    config
        .clone()
        .with("environments", environments)
        .with("unreadable", unreadable)
        .with("frozen", frozen)
}

fn describe(live: &Live, catalogue: Option<&Catalogue>, region: &str, now: Timestamp) -> Value {
    let claim = &live.stored.claim;
    let services: BTreeMap<String, String> = claim
        .services
        .iter()
        .map(|(name, service)| (name.clone(), version_of(service)))
        .collect();
    let over = claim.expiration_date.is_some_and(|end| end <= now);
    let price = catalogue.and_then(|catalogue| estimate::monthly(catalogue, region, live.kind()));
    Object::new()
        .with("name", live.name())
        .with("owner", claim.user.as_str())
        .with("type", claim.environment_type.as_str())
        .with("pool", claim.environment_pool.as_str())
        .with("static", live.fixed)
        .with("services", services)
        .with("created", claim.creation_date.to_string())
        .with("expires", claim.expiration_date.map(|end| end.to_string()))
        .with("phase", if over { "expired" } else { "accepted" })
        .with("key", live.stored.place.key.as_str())
        .with("etag", live.stored.place.etag.as_str())
        .with("monthly_price", price.and_then(|price| price.to_f64()))
        .into_value()
}

fn version_of(service: &Service) -> String {
    match service {
        Service::Constraint(constraint) => constraint.to_string(),
        Service::Artifacts { version, .. } => version.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::standing::tests::live;
    use super::*;

    #[test]
    fn an_environment_is_described_without_its_price_when_there_is_no_catalogue() {
        let now: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let mut live = live("sue-x", "sue", false);
        live.stored.claim.expiration_date = Some(now);
        let described = describe(&live, None, "ams", now);
        let Value::Object(fields) = described else {
            panic!("{described:?}");
        };
        assert_eq!(fields["name"].as_str(), Some("sue-x"));
        assert_eq!(fields["owner"].as_str(), Some("ann"));
        // Its end has come, and nobody has taken it away.
        assert_eq!(fields["phase"].as_str(), Some("expired"));
        assert!(fields["monthly_price"].is_null());
    }
}
