//! `/regions`, `/plans`, `/os`, `/kubernetes/versions`: what is on sale.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, Answered, number};
use super::listing::Listing;
use crate::account::catalogue::{
    Image, PLAN_TYPES, Plan, Region, images, plans, region, regions, versions,
};
use crate::account::refusal::Refusal;
use crate::account::service::Account;

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route("/regions", get(list_regions))
        .route("/regions/{region}/availability", get(availability))
        .route("/plans", get(list_plans))
        .route("/plans-metal", get(list_plans_metal))
        .route("/os", get(list_images))
        .route("/kubernetes/versions", get(list_versions))
}

#[derive(Deserialize)]
struct PlanFilter {
    r#type: Option<String>,
}

impl PlanFilter {
    fn kind(&self) -> Result<&str, Refusal> {
        let kind = self
            .r#type
            .as_deref()
            .filter(|kind| !kind.is_empty())
            .unwrap_or("all");
        if PLAN_TYPES.contains(&kind) {
            Ok(kind)
        } else {
            Err(Refusal::invalid(format!(
                "Please provide a valid type: {}",
                PLAN_TYPES.join(", ")
            )))
        }
    }
}

async fn list_regions(listing: Listing) -> Answered {
    Ok(listing.page_of("regions", regions().iter(), |region: &Region| {
        json!({
            "id": region.id, "city": region.city, "country": region.country, "continent": region.continent,
            "options": region.options(), "connectivity": ["public_ip", "private_ip", "nat_gateway"],
        })
    }))
}

async fn availability(
    State(account): State<Account>,
    Path(id): Path<String>,
    Query(filter): Query<PlanFilter>,
) -> Answered {
    let region = region(&id).ok_or_else(|| Refusal::new(404, "Invalid region"))?;
    let kind = filter.kind()?;
    let available: Vec<&str> = account.work(|state| {
        let in_stock = plans()
            .iter()
            .filter(|plan| plan.is_of(kind) && state.in_stock(region.id, plan));
        in_stock.map(|plan| plan.id).collect()
    });
    Ok(Answer::ok(json!({"available_plans": available})))
}

async fn list_plans(listing: Listing, Query(filter): Query<PlanFilter>) -> Answered {
    let kind = filter.kind()?;
    Ok(listing.page_of(
        "plans",
        plans().iter().filter(|plan| plan.is_of(kind)),
        show_plan,
    ))
}

fn show_plan(plan: &Plan) -> Value {
    let price = plan.price();
    let cpu_vendor = if plan.id.ends_with("-amd")
        || plan.family().starts_with("voc")
        || plan.family() == "vx1"
    {
        "AMD"
    } else {
        "Intel"
    };
    let mut shown = json!({
        "id": plan.id,
        "type": plan.family(),
        "vcpu_count": plan.vcpu_count,
        "ram": plan.ram_mb,
        "disk": plan.disk_gb,
        "disk_count": 1,
        "bandwidth": 1024 * u64::from(plan.vcpu_count),
        "monthly_cost": number(price.monthly),
        "hourly_cost": number(price.hourly),
        "monthly_cost_preemptible": 0,
        "hourly_cost_preemptible": 0,
        "invoice_type": if price.capped { "monthly" } else { "hourly" },
        "location_cost": {},
        "locations": plan.locations(),
        "cpu_vendor": cpu_vendor,
        "vcpu_type": if matches!(plan.family(), "vc2" | "vhf" | "vhp") { "shared" } else { "dedicated" },
        "disk_type": if plan.family() == "vc2" { "SSD" } else { "NVMe" },
        "storage_type": plan.storage_type(),
        "gpu_brand": if plan.gpu.is_some() { "nvidia" } else { "none" },
        "deploy_ondemand": true,
        "deploy_preemptible": false,
    });
    if let Some(gpu) = plan.gpu {
        shown["gpu_type"] = json!(gpu.model);
        shown["gpu_vram_gb"] = json!(gpu.vram_gb);
    }
    shown
}

/// Bare metal is not part of the rehearsal.
async fn list_plans_metal(listing: Listing) -> Answered {
    Ok(listing.page_of("plans_metal", std::iter::empty::<&Plan>(), show_plan))
}

async fn list_images(listing: Listing) -> Answered {
    Ok(listing.page_of("os", images().iter(), |image: &Image| {
        json!({"id": image.id, "name": image.name, "arch": image.arch, "family": image.family})
    }))
}

async fn list_versions(State(account): State<Account>) -> Answered {
    let on_sale: Vec<&str> = account.work(|state| {
        versions()
            .iter()
            .copied()
            .filter(|version| state.on_sale(version))
            .collect()
    });
    Ok(Answer::ok(json!({"versions": on_sale})))
}
