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

/// A NAT gateway.
pub(crate) fn nat_gateway() -> Price {
    Price::monthly_cents(2000)
}

/// A reserved address that no server has.
pub(crate) fn reserved_ip() -> Price {
    Price::monthly_cents(300)
}

/// Thousandths of a dollar a month for a GB of a snapshot.
pub(crate) const SNAPSHOT_GB: i64 = 50;
/// Thousandths of a dollar a month for a GB on `NVMe`: seen live.
pub(crate) const NVME_GB: i64 = 100;
/// Thousandths of a dollar a month for a GB on spinning disks: unverified.
pub(crate) const HDD_GB: i64 = 25;

/// A volume of so many GB.
pub(crate) fn storage(size_gb: u32, mills_a_gb: i64) -> Price {
    let monthly = Decimal::new(i64::from(size_gb) * mills_a_gb, 3);
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
