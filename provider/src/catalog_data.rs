//! `slipway_catalog`: what Vultr offers for platforms, for configurations that choose by it.

use rust_decimal::prelude::ToPrimitive;
use tfplugin::value::Type;
use tfplugin::{
    Attribute, DataSource, Diagnostics, IntoValue, Object, ReadData, Schema, Value, async_trait,
};

use crate::catalogue::{Catalogue, PlanOffer};
use crate::session::Session;

/// The data source type.
pub(crate) struct CatalogData;

#[async_trait]
impl DataSource<Session> for CatalogData {
    fn type_name(&self) -> &'static str {
        "slipway_catalog"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .describe("What Vultr offers for platforms in a region at this moment: Kubernetes builds, and the plans in stock with their prices.")
            .attribute("region", Attribute::string().required().describe("Region that offers Kubernetes."))
            .attribute("regions", Attribute::list(Type::String).computed().describe("Every region that offers Kubernetes."))
            .attribute("kubernetes_builds", Attribute::list(Type::String).computed().describe("Kubernetes builds, newest first."))
            .attribute(
                "plans",
                Attribute::map_of([
                    ("type", Attribute::string().computed().describe("Family.")),
                    ("vcpus", Attribute::number().computed().describe("Cores.")),
                    ("memory_mb", Attribute::number().computed().describe("Memory, MB.")),
                    ("disk_gb", Attribute::number().computed().describe("Disk, GB.")),
                    ("monthly_price", Attribute::number().computed().describe("List price in the region, USD a month.")),
                ])
                .computed()
                .describe("The plans in stock in the region, by id."),
            )
    }

    async fn read(&self, op: &mut ReadData<Session>) -> Result<Object, Diagnostics> {
        let region: String = op.config.get("region")?;
        let catalogue = op.client.catalogue().await?;
        catalogue.region(&region)?;
        let stock = op.client.stock(&region).await?;
        let plans = catalogue
            .plans
            .iter()
            .filter(|plan| stock.contains(&plan.id))
            .map(|plan| (plan.id.clone(), describe(plan, &region)))
            .collect::<std::collections::BTreeMap<_, _>>();
        Ok(op
            .config
            .clone()
            .with("regions", with_clusters(&catalogue))
            .with("kubernetes_builds", catalogue.builds.clone())
            .with("plans", plans))
    }
}

fn with_clusters(catalogue: &Catalogue) -> Vec<String> {
    catalogue
        .regions
        .iter()
        .filter(|region| region.kubernetes)
        .map(|region| region.id.clone())
        .collect()
}

fn describe(plan: &PlanOffer, region: &str) -> Value {
    Object::new()
        .with("type", plan.kind.as_str())
        .with("vcpus", plan.vcpus)
        .with("memory_mb", plan.memory_mb)
        .with("disk_gb", plan.disk_gb)
        .with("monthly_price", plan.price_in(region).to_f64())
        .into_value()
}
