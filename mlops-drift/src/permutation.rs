//! Seeded resampling: the exact null distribution of any statistic of two exchangeable samples.

use mlops_core::evidence::PValue;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The bytes of "mlops".
pub(crate) const DEFAULT_SEED: u64 = 0x6d_6c_6f_70_73;
/// Draws without drift stop after this many exceedances.
const EXCEEDANCES: u32 = 50;
/// Rows drawn in all, as far as `FEWEST` permits: about a second.
const BUDGET: u64 = 200_000_000;
/// Permutations below which the smallest p-value (1/1000) would serve no correction.
const FEWEST: u32 = 999;

/// How a permutation test draws: seed, and the greatest number of permutations.
///
/// The p-value is that of Besag & Clifford ("Sequential Monte Carlo p-values", Biometrika 1991):
/// drawing stops at the 50th permutation that is at least as extreme as the data, and then
/// p = 50 / draws; otherwise p = (exceedances + 1) / (limit + 1). Its level is exact for every
/// limit. The draws are a function of the seed and of the pooled values, so that the same two samples
/// always give the same p-value, and different ones draw anew. Without drift a few hundred draws suffice; with drift all are made. For large samples the
/// limit is lowered, but not below 999, so that about 2·10^8 rows are drawn; beyond 200,000 values in the smaller sample
/// it is 999 times that size.
///
/// Assumption: rows of both samples are exchangeable if there is no drift.
///
/// ```
/// use mlops_drift::two_sample::{ChiSquare, Permutations};
/// let test = ChiSquare::default().permutations(Permutations::default().seed(7).limit(1999));
/// # let _ = test;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permutations {
    seed: u64,
    limit: u32,
}

impl Default for Permutations {
    fn default() -> Self {
        Self {
            seed: DEFAULT_SEED,
            limit: 9_999,
        }
    }
}

impl Permutations {
    /// The seed of the draws; by default the bytes of `"mlops"`.
    ///
    /// ```
    /// use mlops_drift::two_sample::Permutations;
    /// assert_eq!(Permutations::default().seed(0x6d6c6f7073), Permutations::default());
    /// ```
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The greatest number of permutations, 9,999 by default; 0 counts as 1.
    ///
    /// ```
    /// use mlops_drift::two_sample::Permutations;
    /// assert_eq!(Permutations::default().limit(9_999), Permutations::default());
    /// ```
    #[must_use]
    pub fn limit(self, limit: u32) -> Self {
        Self {
            limit: limit.max(1),
            ..self
        }
    }

    /// The generator of what a test draws beside its permutations.
    pub(crate) fn generator(&self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.seed)
    }

    /// With a limit of at most this, but not below what a correction needs.
    pub(crate) fn at_most(self, limit: u32) -> Self {
        let limit = self.limit.min(limit.max(FEWEST));
        Self { limit, ..self }
    }

    /// Draws subsets of `size` out of `items` and counts how often `exceeds` holds. `pooled` is what
    /// both samples hold together, whichever holds which: it is mixed into the seed.
    ///
    /// Why: a statistic of ranks meets the same null distribution in every table of a size. Had every
    /// table the same permutations too, one unlucky seed would shift the level of them all, by some
    /// 14 % (50 exceedances). So each table draws its own, as a function of seed and pooled values; given
    /// these the assignment to the samples is still uniform, and the level exact.
    pub(crate) fn p_value(
        &self,
        pooled: impl Iterator<Item = u64>,
        mut items: Vec<u32>,
        size: usize,
        mut exceeds: impl FnMut(&[u32]) -> bool,
    ) -> PValue {
        self.sequential(pooled, size as u64, |rng| {
            shuffle_head(&mut items, size, rng);
            exceeds(&items[..size])
        })
    }

    /// The same, whatever is drawn and judged from a generator; `cost` is what one draw takes, in rows.
    pub(crate) fn sequential(
        &self,
        pooled: impl Iterator<Item = u64>,
        cost: u64,
        mut exceeds: impl FnMut(&mut ChaCha8Rng) -> bool,
    ) -> PValue {
        let seed = pooled.fold(self.seed, |state, value| mix(state ^ value));
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let limit = self.affordable(cost);
        let mut exceedances = 0;
        for draws in 1..=limit {
            exceedances += u32::from(exceeds(&mut rng));
            if exceedances == EXCEEDANCES {
                return PValue::saturating(f64::from(exceedances) / f64::from(draws));
            }
        }
        PValue::saturating(f64::from(exceedances + 1) / (f64::from(limit) + 1.0))
    }

    /// The least p-value that draws of this cost can give.
    pub(crate) fn least(&self, cost: u64) -> f64 {
        1.0 / (f64::from(self.affordable(cost)) + 1.0)
    }

    fn affordable(&self, cost: u64) -> u32 {
        let affordable = BUDGET / cost.max(1);
        let floor = FEWEST.min(self.limit);
        u32::try_from(affordable)
            .unwrap_or(u32::MAX)
            .clamp(floor, self.limit)
    }
}

/// The share of an error rate that an exact bound gets of a p-value whose rest is for permutations.
const BOUND: f64 = 0.01;

/// The least of an exact bound and of p by permutations, of which `least` is the least: the bound reaches where permutations cannot. By
/// Bonferroni's inequality, one hundredth of an error rate being the bound's. Nothing is drawn where that could not change the verdict of the bound.
pub(crate) fn beside(bound: PValue, least: f64, permuted: impl FnOnce() -> PValue) -> PValue {
    let of_bound = bound.get() / BOUND;
    if of_bound <= least {
        return PValue::saturating(of_bound);
    }
    PValue::saturating(of_bound.min(permuted().get() / (1.0 - BOUND)))
}

/// The finalizer of SplitMix64: Steele, Lea & Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014.
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The first steps of a Fisher–Yates shuffle: `items[..size]` is then a uniform subset.
pub(crate) fn shuffle_head(items: &mut [u32], size: usize, rng: &mut ChaCha8Rng) {
    let len = items.len() as u32; // u32 draws give the same sequence on 32 and 64 bits
    for index in 0..size as u32 {
        items.swap(index as usize, rng.random_range(index..len) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, of an error rate of which 1 % is the bound's and 99 % that of permutations: a bound of 0.002 is worth 0.2, and
    /// permutations at 0.0495 are worth 0.05. The lesser counts, and no p-value is more than 1.
    #[test]
    fn the_bound_and_the_permutations_each_pay_their_share() {
        let p = |bound: f64, permuted: f64| {
            let [bound, permuted] = [bound, permuted].map(PValue::saturating);
            beside(bound, 0.001, || permuted).get()
        };
        for (bound, permuted, by_hand) in [
            (0.002, 0.0495, 0.05),
            (0.002, 0.99, 0.2),
            (0.5, 0.297, 0.3),
            (0.5, 1.0, 1.0),
        ] {
            let found = p(bound, permuted);
            assert!((found - by_hand).abs() < 1e-12, "{found} for {by_hand}");
        }
    }

    /// Permutations that give 0.001 at least cannot lower 0.99e-5/0.01, so that none is drawn; 2e-5/0.01 they can.
    #[test]
    fn nothing_is_drawn_where_the_bound_says_more() {
        let drawn = std::cell::Cell::new(0);
        let p = |bound: f64| {
            let permuted = || {
                drawn.set(drawn.get() + 1);
                PValue::saturating(0.001)
            };
            beside(PValue::saturating(bound), 0.001, permuted).get()
        };
        assert!((p(0.99e-5) - 0.99e-3).abs() < 1e-15);
        assert_eq!(drawn.get(), 0);
        assert!((p(2e-5) - 0.001 / 0.99).abs() < 1e-15);
        assert_eq!(drawn.get(), 1);
    }
}
