//! Regions. All offer Kubernetes except `hnl`, so that a region without it can be rehearsed; HDD volumes are in some only.

/// A place where things can be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub(crate) id: &'static str,
    pub(crate) city: &'static str,
    pub(crate) country: &'static str,
    pub(crate) continent: &'static str,
}

impl Region {
    /// Option words of the region.
    pub(crate) fn options(&self) -> Vec<&'static str> {
        let mut options = vec![
            "ddos_protection",
            "block_storage_high_perf",
            "load_balancers",
        ];
        if self.has_storage_opt() {
            options.push("block_storage_storage_opt");
        }
        if self.has_kubernetes() {
            options.push("kubernetes");
        }
        options
    }

    /// Whether clusters can be made here.
    pub(crate) fn has_kubernetes(&self) -> bool {
        self.id != "hnl"
    }

    /// Whether HDD volumes can be made here.
    pub(crate) fn has_storage_opt(&self) -> bool {
        !matches!(self.id, "hnl" | "tlv" | "man" | "scl")
    }

    /// Whether GPU plans are sold here.
    pub(crate) fn has_gpu(&self) -> bool {
        matches!(
            self.id,
            "ams" | "ewr" | "fra" | "lax" | "nrt" | "ord" | "sgp" | "syd"
        )
    }
}

const fn place(
    id: &'static str,
    city: &'static str,
    country: &'static str,
    continent: &'static str,
) -> Region {
    Region {
        id,
        city,
        country,
        continent,
    }
}

const REGIONS: [Region; 32] = [
    place("ams", "Amsterdam", "NL", "Europe"),
    place("atl", "Atlanta", "US", "North America"),
    place("blr", "Bangalore", "IN", "Asia"),
    place("bom", "Mumbai", "IN", "Asia"),
    place("cdg", "Paris", "FR", "Europe"),
    place("del", "Delhi NCR", "IN", "Asia"),
    place("dfw", "Dallas", "US", "North America"),
    place("ewr", "New Jersey", "US", "North America"),
    place("fra", "Frankfurt", "DE", "Europe"),
    place("hnl", "Honolulu", "US", "North America"),
    place("icn", "Seoul", "KR", "Asia"),
    place("itm", "Osaka", "JP", "Asia"),
    place("jnb", "Johannesburg", "ZA", "Africa"),
    place("lax", "Los Angeles", "US", "North America"),
    place("lhr", "London", "GB", "Europe"),
    place("mad", "Madrid", "ES", "Europe"),
    place("man", "Manchester", "GB", "Europe"),
    place("mel", "Melbourne", "AU", "Australia"),
    place("mex", "Mexico City", "MX", "North America"),
    place("mia", "Miami", "US", "North America"),
    place("nrt", "Tokyo", "JP", "Asia"),
    place("ord", "Chicago", "US", "North America"),
    place("sao", "São Paulo", "BR", "South America"),
    place("scl", "Santiago", "CL", "South America"),
    place("sea", "Seattle", "US", "North America"),
    place("sgp", "Singapore", "SG", "Asia"),
    place("sjc", "Silicon Valley", "US", "North America"),
    place("sto", "Stockholm", "SE", "Europe"),
    place("syd", "Sydney", "AU", "Australia"),
    place("tlv", "Tel Aviv", "IL", "Asia"),
    place("waw", "Warsaw", "PL", "Europe"),
    place("yto", "Toronto", "CA", "North America"),
];

/// All regions.
pub(crate) fn regions() -> &'static [Region] {
    &REGIONS
}

/// The region of this id.
pub(crate) fn region(id: &str) -> Option<&'static Region> {
    REGIONS.iter().find(|region| region.id == id)
}
