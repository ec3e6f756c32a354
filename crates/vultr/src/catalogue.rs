//! What the vendor sells: regions, plans, stock, images, Kubernetes builds.

use std::collections::BTreeMap;

use reqwest::Method;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::decode::{self, wrapped};
use crate::error::absent;
use crate::{Client, Result};

/// A region.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Region {
    /// Short name, such as `ams`.
    pub id: String,
    /// City.
    pub city: String,
    /// Country in two letters.
    pub country: String,
    /// Continent.
    pub continent: String,
    /// What the region offers.
    #[serde(deserialize_with = "decode::list")]
    pub options: Vec<String>,
}

impl Region {
    /// Whether clusters can be made here.
    #[must_use]
    pub fn has_kubernetes(&self) -> bool {
        self.options.iter().any(|option| option == "kubernetes")
    }
}

/// A plan: the size and the price of a server.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Plan {
    /// Name, such as `vc2-2c-4gb`.
    pub id: String,
    /// Family, such as `vc2`.
    #[serde(rename = "type")]
    pub family: String,
    /// Cores.
    pub vcpu_count: u32,
    /// Memory in MB.
    pub ram: u64,
    /// Disk in GB; 0 for plans whose disk is chosen apart.
    pub disk: u64,
    /// Price of a month in US dollars, where the region has no price of its own.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub monthly_cost: Decimal,
    /// Price of an hour.
    #[serde(default, with = "rust_decimal::serde::arbitrary_precision_option")]
    pub hourly_cost: Option<Decimal>,
    /// Regions with a price of their own.
    #[serde(default, deserialize_with = "decode::map")]
    pub location_cost: BTreeMap<String, LocationCost>,
    /// Regions where the plan is sold; whether it is in stock there is another question.
    #[serde(deserialize_with = "decode::list")]
    pub locations: Vec<String>,
    /// Kind of graphics processor; `None` without one.
    #[serde(default, deserialize_with = "gpu")]
    pub gpu_type: Option<String>,
    /// Whether it can be ordered at the normal price.
    #[serde(default = "yes")]
    pub deploy_ondemand: bool,
}

/// The price of a plan in one region.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LocationCost {
    /// Price of a month in US dollars.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub monthly_cost: Decimal,
    /// Price of an hour.
    #[serde(default, with = "rust_decimal::serde::arbitrary_precision_option")]
    pub hourly_cost: Option<Decimal>,
}

impl Plan {
    /// Price of a month in a region.
    #[must_use]
    pub fn monthly_cost_in(&self, region: &str) -> Decimal {
        self.location_cost
            .get(region)
            .map_or(self.monthly_cost, |cost| cost.monthly_cost)
    }

    /// Whether the plan is sold in a region.
    #[must_use]
    pub fn is_sold_in(&self, region: &str) -> bool {
        self.locations.iter().any(|location| location == region)
    }
}

fn yes() -> bool {
    true
}

fn gpu<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let kind = decode::text(deserializer)?;
    Ok((!kind.is_empty() && kind != "none").then_some(kind))
}

/// An image of an operating system. Its number changes with point releases: find it by name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OperatingSystem {
    /// Number.
    pub id: u32,
    /// Name, such as `Debian 12 x64 (bookworm)`.
    pub name: String,
    /// Architecture.
    pub arch: String,
    /// Family, such as `debian`.
    pub family: String,
}

/// Catalogue objects have ids that are no strings or that nobody adopts: only the wrapping matters.
impl decode::Wrapped for OperatingSystem {
    const ONE: &'static str = "os";
    const MANY: &'static str = "os";
}

wrapped!(Region, "region", "regions");
wrapped!(Plan, "plan", "plans");

#[derive(Deserialize)]
struct Stock {
    #[serde(deserialize_with = "decode::list")]
    available_plans: Vec<String>,
}

#[derive(Deserialize)]
struct Versions {
    #[serde(deserialize_with = "decode::list")]
    versions: Vec<String>,
}

impl Client {
    /// Every region.
    pub async fn regions(&self) -> Result<Vec<Region>> {
        self.list(&["regions"]).await
    }

    /// The plans that are in stock in a region now; `None` when there is no such region.
    pub async fn available_plans(&self, region: &str) -> Result<Option<Vec<String>>> {
        let request = self.request(Method::GET, &["regions", region, "availability"])?;
        let stock = absent(self.fetch::<Stock>(request).await)?;
        Ok(stock.map(|stock| stock.available_plans))
    }

    /// Every plan for virtual servers.
    pub async fn plans(&self) -> Result<Vec<Plan>> {
        self.list(&["plans"]).await
    }

    /// Every image.
    pub async fn operating_systems(&self) -> Result<Vec<OperatingSystem>> {
        self.list(&["os"]).await
    }

    /// The Kubernetes builds that clusters can be made with now, newest first.
    pub async fn kubernetes_versions(&self) -> Result<Vec<String>> {
        let request = self.request(Method::GET, &["kubernetes", "versions"])?;
        Ok(self.fetch::<Versions>(request).await?.versions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"plans":[{"id":"vx1-g-2c-8g-120s","type":"vx1","vcpu_count":2,"ram":8192,"disk":120,"disk_count":1,"bandwidth":4096,"monthly_cost":55.48,"hourly_cost":0.076,"invoice_type":"hourly","location_cost":{"sao":{"monthly_cost":83.22,"hourly_cost":0.114}},"locations":["ams","sao"],"gpu_brand":"none","deploy_ondemand":true}],"meta":{"total":1,"links":{"next":"","prev":""}}}"#;

    fn plan(body: &str) -> Plan {
        let mut page: decode::Page<Plan> = decode::read(body.as_bytes()).unwrap();
        page.items.remove(0)
    }

    #[test]
    fn a_plan_costs_what_its_region_says_to_the_cent() {
        let plan = plan(PLAN);
        assert_eq!(plan.monthly_cost_in("ams").to_string(), "55.48");
        assert_eq!(plan.monthly_cost_in("sao").to_string(), "83.22");
        assert!(plan.is_sold_in("ams") && !plan.is_sold_in("ewr"));
        assert_eq!(plan.gpu_type, None);
    }

    #[test]
    fn a_whole_price_and_an_empty_map_are_read_too() {
        let body = PLAN
            .replace("55.48", "10")
            .replace(
                r#"{"sao":{"monthly_cost":83.22,"hourly_cost":0.114}}"#,
                "[]",
            )
            .replace(r#""hourly_cost":0.076,"#, "");
        let plan = plan(&body);
        assert_eq!(plan.monthly_cost_in("sao"), Decimal::from(10));
        assert_eq!(plan.hourly_cost, None);
    }

    #[test]
    fn a_region_tells_whether_it_has_clusters() {
        let body = r#"{"id":"ams","city":"Amsterdam","country":"NL","continent":"Europe","options":["ddos_protection","kubernetes"],"connectivity":["public_ip"]}"#;
        let region: Region = serde_json::from_str(body).unwrap();
        assert!(region.has_kubernetes());
    }
}
