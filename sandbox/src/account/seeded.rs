//! Ids, passwords and chances from one seed: the same seed and the same calls give the same account.

use std::fmt::Write as _;

use uuid::Uuid;

/// A `SplitMix64` generator. Good enough for ids and chances, never for keys.
#[derive(Clone, Debug)]
pub(crate) struct Seeded {
    state: u64,
}

impl Seeded {
    /// A generator that starts at this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number.
    pub(crate) fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// An id of the vendor's form.
    pub(crate) fn id(&mut self) -> String {
        let bits = (u128::from(self.number()) << 64) | u128::from(self.number());
        uuid::Builder::from_u128(bits)
            .with_version(uuid::Version::Random)
            .with_variant(uuid::Variant::RFC4122)
            .into_uuid()
            .to_string()
    }

    /// This many hex digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            let _cannot_fail = write!(text, "{:016x}", self.number());
        }
        text.truncate(digits);
        text
    }

    /// Whether a chance of this probability comes true.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        // 53 bits fill a double exactly.
        #[allow(clippy::cast_precision_loss)]
        let drawn = (self.number() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < probability
    }
}

/// A seed from the machine's randomness, for runs that need not be repeated.
#[must_use]
pub fn random_seed() -> u64 {
    Uuid::new_v4().as_u64_pair().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids_and_no_id_twice() {
        let mut first = Seeded::new(7);
        let mut second = Seeded::new(7);
        let ids: Vec<_> = (0..1000).map(|_| first.id()).collect();
        assert!(ids.iter().all(|id| *id == second.id()));
        assert_eq!(
            ids.iter().collect::<std::collections::HashSet<_>>().len(),
            ids.len()
        );
        assert_eq!(Uuid::parse_str(&ids[0]).unwrap().get_version_num(), 4);
    }

    #[test]
    fn chances_come_true_about_as_often_as_asked() {
        let mut seeded = Seeded::new(1);
        let hits = (0..10_000).filter(|_| seeded.chance(0.25)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        assert!(!seeded.chance(0.0));
        assert!(seeded.chance(1.0));
    }
}
