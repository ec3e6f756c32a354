//! What the vendor sells: regions, plans, images, Kubernetes builds, prices.

mod images;
mod plans;
mod prices;
mod regions;
mod versions;

pub(crate) use images::{Image, image, images};
pub(crate) use plans::{PLAN_TYPES, Plan, plan, plans};
pub(crate) use prices::{
    HDD_GB, NVME_GB, Price, SNAPSHOT_GB, ha_control_plane, load_balancer, nat_gateway, reserved_ip,
    storage,
};
pub(crate) use regions::{Region, region, regions};
pub(crate) use versions::{upgrades_of, versions};
