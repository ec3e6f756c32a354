//! What the vendor sells: regions, plans, images, Kubernetes builds, prices.

mod images;
mod plans;
mod prices;
mod regions;
mod versions;

pub(crate) use images::{Image, image, images};
pub(crate) use plans::{PLAN_TYPES, Plan, plan, plans};
pub(crate) use prices::{Price, block, ha_control_plane, load_balancer};
pub(crate) use regions::{Region, region, regions};
pub(crate) use versions::{upgrades_of, versions};
