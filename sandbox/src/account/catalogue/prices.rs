//! Prices in US dollars: list prices of 2025-26, before tax.

use rust_decimal::Decimal;

/// Hours after which a month is paid in full.
const HOURS_OF_A_MONTH: i64 = 672;

/// What something costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) monthly: Decimal,
    pub(crate) hourly: Decimal,
    /// Whether a month never costs more than `monthly`.
    pub(crate) capped: bool,
}

impl Price {
    /// A monthly price in cents, by the hour as the vendor's documents say.
    pub(crate) fn monthly_cents(cents: i64) -> Self {
        let monthly = Decimal::new(cents, 2);
        let hourly = (monthly / Decimal::from(HOURS_OF_A_MONTH)).round_dp(3);
        Self {
            monthly: monthly.normalize(),
            hourly: hourly.normalize(),
            capped: true,
        }
    }

    /// The price of `count` of these.
    pub(crate) fn times(self, count: u32) -> Self {
        let count = Decimal::from(count);
        Self {
            monthly: self.monthly * count,
            hourly: self.hourly * count,
            capped: self.capped,
        }
    }
}

/// A load balancer of so many nodes: 10 a node.
pub(crate) fn load_balancer(nodes: u32) -> Price {
    Price::monthly_cents(1000).times(nodes)
}

/// A volume: NVMe 0.10 a GB (seen live), HDD about 0.025 a GB (unverified).
pub(crate) fn block(size_gb: u32, storage_opt: bool) -> Price {
    let tenths_of_a_cent = i64::from(size_gb) * if storage_opt { 25 } else { 100 };
    let monthly = Decimal::new(tenths_of_a_cent, 3);
    let hourly = (monthly / Decimal::from(HOURS_OF_A_MONTH)).round_dp(5);
    Price {
        monthly: monthly.normalize(),
        hourly: hourly.normalize(),
        capped: true,
    }
}

/// A highly available control plane: a real account showed a line of 0; other reports say 40 to 50.
pub(crate) fn ha_control_plane() -> Price {
    Price::monthly_cents(0)
}
