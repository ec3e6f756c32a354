//! Plans with list prices. Sources of the prices: a live account of 2026-09-28 (vc2 from 2c-4gb to 6c-16gb), live catalogue
//! readers of 2026 (vhp-8c-16gb-amd, vx1, GPU), third-party price pages of 2025-26 (the rest). A plan whose price no source
//! gives (`vcg-l40s-…`) is left out.

use rust_decimal::Decimal;

use super::prices::Price;
use super::regions::{Region, regions};

/// Words that the `type` filter takes.
pub(crate) const PLAN_TYPES: [&str; 14] = [
    "all", "vdc", "vhp", "vhf", "vc2", "voc", "vcg", "vdg", "vdm", "vx1", "voc-g", "voc-s",
    "voc-c", "voc-m",
];

/// A kind of machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) id: &'static str,
    pub(crate) vcpu_count: u32,
    pub(crate) ram_mb: u32,
    pub(crate) disk_gb: u32,
    pub(crate) gpu: Option<Gpu>,
    cents: i64,
    /// Thousandths of a dollar an hour where a live figure is known.
    live_hourly: Option<i64>,
    uncapped: bool,
}

/// The GPU part of a plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gpu {
    pub(crate) model: &'static str,
    pub(crate) vram_gb: u32,
}

const fn plan_of(id: &'static str, vcpu_count: u32, ram_gb: u32, disk_gb: u32, cents: i64) -> Plan {
    Plan {
        id,
        vcpu_count,
        ram_mb: ram_gb * 1024,
        disk_gb,
        gpu: None,
        cents,
        live_hourly: None,
        uncapped: false,
    }
}

impl Plan {
    const fn hourly(mut self, mills: i64) -> Self {
        self.live_hourly = Some(mills);
        self
    }

    const fn without_cap(mut self, mills: i64) -> Self {
        self.uncapped = true;
        self.hourly(mills)
    }

    const fn gpu(mut self, model: &'static str, vram_gb: u32) -> Self {
        self.gpu = Some(Gpu { model, vram_gb });
        self
    }

    /// What the plan costs.
    pub(crate) fn price(&self) -> Price {
        let mut price = Price::monthly_cents(self.cents);
        if let Some(mills) = self.live_hourly {
            price.hourly = Decimal::new(mills, 3).normalize();
        }
        price.capped = !self.uncapped;
        price
    }

    /// Family, such as `vc2` or `voc-m`.
    pub(crate) fn family(&self) -> &'static str {
        let parts = self
            .id
            .match_indices('-')
            .map(|(at, _)| at)
            .take(2)
            .collect::<Vec<_>>();
        let end = if self.id.starts_with("voc-") {
            parts.get(1)
        } else {
            parts.first()
        };
        &self.id[..end.copied().unwrap_or(self.id.len())]
    }

    /// Whether the `type` filter finds it.
    pub(crate) fn is_of(&self, kind: &str) -> bool {
        kind == "all"
            || kind == self.family()
            || (kind == "voc" && self.family().starts_with("voc-"))
    }

    /// Where the disk is.
    pub(crate) fn storage_type(&self) -> &'static str {
        if self.disk_gb == 0 {
            "block_storage"
        } else {
            "local_storage"
        }
    }

    /// Whether it is sold in the region (stock is another matter).
    pub(crate) fn sold_in(&self, region: &Region) -> bool {
        self.gpu.is_none() || region.has_gpu()
    }

    /// Ids of the regions where it is sold.
    pub(crate) fn locations(&self) -> Vec<&'static str> {
        regions()
            .iter()
            .filter(|region| self.sold_in(region))
            .map(|region| region.id)
            .collect()
    }

    /// Whether a node pool may use it: the vendor's floor is 10 dollars a month.
    pub(crate) fn fits_node_pool(&self) -> bool {
        self.cents >= 1000 && self.disk_gb > 0
    }
}

const PLANS: [Plan; 23] = [
    plan_of("vc2-1c-1gb", 1, 1, 25, 500).hourly(7),
    plan_of("vc2-1c-2gb", 1, 2, 55, 1000),
    plan_of("vc2-2c-2gb", 2, 2, 65, 1500),
    plan_of("vc2-2c-4gb", 2, 4, 80, 2000),
    plan_of("vc2-4c-8gb", 4, 8, 160, 4000),
    plan_of("vc2-6c-16gb", 6, 16, 320, 8000),
    plan_of("vc2-8c-32gb", 8, 32, 640, 16_000),
    plan_of("vhf-2c-4gb", 2, 4, 128, 2400),
    plan_of("vhf-3c-8gb", 3, 8, 256, 4800),
    plan_of("vhp-2c-4gb", 2, 4, 100, 2400),
    plan_of("vhp-4c-8gb", 4, 8, 180, 4800),
    plan_of("vhp-8c-16gb-amd", 8, 16, 350, 9600).hourly(132),
    plan_of("voc-g-2c-8gb-50s", 2, 8, 50, 6000),
    plan_of("voc-g-4c-16gb-80s", 4, 16, 80, 12_000),
    plan_of("voc-c-4c-8gb-75s", 4, 8, 75, 8000),
    plan_of("voc-m-2c-16gb-100s", 2, 16, 100, 8000),
    plan_of("voc-s-1c-8gb-150s", 1, 8, 150, 7500),
    plan_of("vx1-g-2c-8g-120s", 2, 8, 120, 5548).without_cap(76),
    plan_of("vx1-m-4c-32g", 4, 32, 0, 14_089).without_cap(193),
    plan_of("vx1-m-4c-32g-240s", 4, 32, 240, 14_089).without_cap(193),
    plan_of("vcg-a16-2c-8g-2vram", 2, 8, 50, 4300)
        .gpu("NVIDIA_A16", 2)
        .without_cap(59),
    plan_of("vcg-a40-2c-10g-4vram", 2, 10, 90, 10_500)
        .gpu("NVIDIA_A40", 4)
        .without_cap(144),
    plan_of("vcg-a100-1c-6g-4vram", 1, 6, 70, 9000)
        .gpu("NVIDIA_A100", 4)
        .without_cap(123),
];

/// All plans.
pub(crate) fn plans() -> &'static [Plan] {
    &PLANS
}

/// The plan of this id.
pub(crate) fn plan(id: &str) -> Option<&'static Plan> {
    PLANS.iter().find(|plan| plan.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_the_published_ones() {
        let price = |id: &str| plan(id).unwrap().price();
        assert_eq!(price("vc2-1c-2gb").hourly.to_string(), "0.015");
        assert_eq!(price("vc2-4c-8gb").hourly.to_string(), "0.06");
        assert_eq!(price("vc2-6c-16gb").hourly.to_string(), "0.119");
        assert_eq!(price("vhp-8c-16gb-amd").hourly.to_string(), "0.132");
        assert_eq!(
            (
                price("vx1-g-2c-8g-120s").monthly.to_string().as_str(),
                price("vx1-g-2c-8g-120s").capped
            ),
            ("55.48", false)
        );
    }

    #[test]
    fn families_follow_the_ids() {
        assert_eq!(plan("voc-m-2c-16gb-100s").unwrap().family(), "voc-m");
        assert_eq!(plan("vx1-m-4c-32g").unwrap().family(), "vx1");
        assert!(plan("voc-c-4c-8gb-75s").unwrap().is_of("voc"));
        assert!(PLANS.iter().all(|plan| PLAN_TYPES.contains(&plan.family())));
    }
}
