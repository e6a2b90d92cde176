//! Seeded resampling: the exact null distribution of any statistic of two exchangeable samples.

use mlops_core::evidence::{PValue, SignificanceLevel};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::binomial::share_at_least;

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
    ) -> Significance {
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
    ) -> Significance {
        let seed = pooled.fold(self.seed, |state, value| mix(state ^ value));
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let limit = self.affordable(cost);
        let least = PValue::saturating(self.least(cost));
        let mut exceedances = 0;
        for draws in 1..=limit {
            exceedances += u32::from(exceeds(&mut rng));
            if exceedances == EXCEEDANCES {
                let p = f64::from(exceedances) / f64::from(draws);
                return Significance::drawn(p, [exceedances, draws], least);
            }
        }
        let p = f64::from(exceedances + 1) / (f64::from(limit) + 1.0);
        Significance::drawn(p, [exceedances, limit], least)
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

/// How finely permutations told a p-value.
///
/// A p-value of 1/10,000 by 9,999 permutations may stand for one of 1e-30. Where it is held to a level that so many permutations cannot show, it
/// says nothing of that level, unless it is surely above: a [`DriftCheck`](crate::DriftCheck) calls the column untested then, not stable.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::divergence::Wasserstein;
/// use mlops_drift::two_sample::TwoSampleTest;
/// let near = NumericSample::new((0..200).map(f64::from));
/// let far = NumericSample::new((0..200).map(|i| f64::from(i) + 500.0));
/// let result = Wasserstein::default().test(&near, &far)?;
/// let resolution = result.resolution.unwrap();
/// assert_eq!(result.p_value, resolution.least); // none of 9,999 permutations is as extreme
/// assert_eq!(resolution.low.get(), 0.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    /// The least p-value that so many permutations of these values can show.
    pub least: PValue,
    /// What all permutations would have shown is not less than this, but for one case in 100: Clopper and Pearson's lower limit of the share of them
    /// that are as extreme as the data.
    pub low: PValue,
}

impl Resolution {
    /// Whether a p-value that is not rejected tells nothing of the level that it is held to: one that is not excluded would be rejected, and permutations
    /// show none that is, or do so by luck alone. `rejects` says of any p-value in its place whether it would be.
    pub(crate) fn hides(&self, rejects: impl Fn(PValue) -> bool) -> bool {
        let shown = PValue::saturating(self.least.get() * FINE);
        !rejects(shown) && rejects(self.low)
    }

    /// Of the least of several p-values: how finely that was told which may be the least of all; `None` if laws told all of them.
    pub(crate) fn of_least(found: impl Iterator<Item = Option<Self>>) -> Option<Self> {
        found.flatten().min_by(|a, b| {
            let by_low = a.low.get().total_cmp(&b.low.get());
            by_low.then(b.least.get().total_cmp(&a.least.get()))
        })
    }

    /// Both p-values as a function of each makes them.
    pub(crate) fn map(self, of: impl Fn(PValue) -> PValue) -> Self {
        Self {
            least: of(self.least),
            low: of(self.low),
        }
    }
}

/// Permutations that must be expected to be as extreme at a level, for the level to be shown without luck: of one, a third of p-values far below are not.
const FINE: f64 = 5.0;

/// The chance that the lower limit of a resolution is above the p-value.
const DOUBT: SignificanceLevel = SignificanceLevel::ONE_PERCENT;

/// A p-value, and how finely it was told where permutations told it.
#[derive(Clone, Copy, Debug)]
pub struct Significance {
    pub(crate) p_value: PValue,
    pub(crate) resolution: Option<Resolution>,
}

impl From<PValue> for Significance {
    fn from(p_value: PValue) -> Self {
        Self {
            p_value,
            resolution: None,
        }
    }
}

impl Significance {
    /// By so many exceedances in so many draws. Where these ended at a fixed number of exceedances, the limit is that of inverse sampling, which is
    /// the same.
    fn drawn(p: f64, [exceedances, draws]: [u32; 2], least: PValue) -> Self {
        let low = share_at_least(exceedances.into(), draws.into(), DOUBT);
        Self {
            p_value: PValue::saturating(p),
            resolution: Some(Resolution {
                least,
                low: PValue::saturating(low),
            }),
        }
    }
}

/// The share of an error rate that an exact bound gets of a p-value whose rest is for permutations.
const BOUND: f64 = 0.01;

/// The least of an exact bound and of p by permutations, of which `least` is the least: the bound reaches where permutations cannot. By
/// Bonferroni's inequality, one hundredth of an error rate being the bound's. Nothing is drawn where that could not change the verdict of the bound; the
/// p-value may be any below it then.
pub(crate) fn beside(
    bound: PValue,
    least: f64,
    permuted: impl FnOnce() -> Significance,
) -> Significance {
    let of_bound = bound.get() / BOUND;
    if of_bound <= least {
        let p_value = PValue::saturating(of_bound);
        let low = PValue::saturating(0.0);
        let resolution = Some(Resolution {
            least: p_value,
            low,
        });
        return Significance {
            p_value,
            resolution,
        };
    }
    let shared = |p: PValue| PValue::saturating(of_bound.min(p.get() / (1.0 - BOUND)));
    let permuted = permuted();
    Significance {
        p_value: shared(permuted.p_value),
        resolution: permuted.resolution.map(|resolution| resolution.map(shared)),
    }
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// By hand, of an error rate of which 1 % is the bound's and 99 % that of permutations: a bound of 0.002 is worth 0.2, and
    /// permutations at 0.0495 are worth 0.05. The lesser counts, and no p-value is more than 1.
    #[test]
    fn the_bound_and_the_permutations_each_pay_their_share() {
        let p = |bound: f64, permuted: f64| {
            let [bound, permuted] = [bound, permuted].map(PValue::saturating);
            beside(bound, 0.001, || permuted.into()).p_value.get()
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

    fn p(p: f64) -> PValue {
        PValue::saturating(p)
    }

    /// SciPy 1.17's `beta.ppf(0.01, k, n - k + 1)` of k exceedances in n draws; 0 of none.
    #[test]
    fn the_lower_limit_is_that_of_clopper_and_pearson() {
        for (exceedances, draws, low) in [
            (0, 999, 0.0),
            (1, 9_999, 1.005_133_593_612_911e-6),
            (5, 9_999, 0.000_127_940_809_136_891_8),
            (50, 100, 0.380_717_466_906_952_46),
            (50, 5_321, 0.006_592_478_705_261_633_5),
            (999, 999, 0.995_400_828_762_152_3),
        ] {
            let found = Significance::drawn(0.5, [exceedances, draws], p(1e-4));
            let found = found.resolution.unwrap().low.get();
            assert!(
                (found - low).abs() < 1e-11 + 1e-9 * low,
                "{found} for {low}"
            );
        }
    }

    fn of(least: f64, low: f64) -> Resolution {
        Resolution {
            least: p(least),
            low: p(low),
        }
    }

    /// The one that may be the least of all counts, however finely others are told; of two that may be alike, the coarser. Laws alone have none.
    #[test]
    fn the_least_of_several_is_as_fine_as_the_one_that_may_be_the_least() {
        let least = |found: &[Option<Resolution>]| Resolution::of_least(found.iter().copied());
        let (fine, coarse) = (of(1e-7, 0.025), of(1e-4, 0.01));
        for found in [
            [None, Some(fine), Some(coarse)],
            [Some(coarse), None, Some(fine)],
        ] {
            assert_eq!(least(&found), Some(coarse));
        }
        assert_eq!(
            least(&[Some(of(1e-7, 0.0)), Some(of(1e-4, 0.0))]),
            Some(of(1e-4, 0.0))
        );
        assert_eq!(least(&[None]), None);
    }

    /// A level of 1e-3, which 99 permutations do not show and 99,999 do; one of 1e-5, which a lower limit of 2e-5 excludes; and one of 4e-4, at which one
    /// permutation in 10,000 is a matter of luck.
    #[test]
    fn a_level_is_hidden_between_what_may_be_and_what_can_be_shown() {
        let hides = |least: f64, low: f64, level: f64| of(least, low).hides(|p| p.get() <= level);
        assert!(hides(0.01, 0.0, 1e-3) && !hides(1e-5, 0.0, 1e-3));
        assert!(hides(1e-4, 0.9e-5, 1e-5) && !hides(1e-4, 2e-5, 1e-5));
        assert!(hides(1e-4, 0.0, 4e-4) && !hides(1e-4, 0.0, 6e-4));
    }

    /// Rows drawn are 2e8 at most: 200,000 at once leave 1,000 draws, of which none exceeds.
    #[test]
    fn costly_permutations_are_fewer() {
        let drawn = |cost: u64| {
            let found = Permutations::default().sequential([1_u64].into_iter(), cost, |_| false);
            assert_eq!(Some(found.p_value), found.resolution.map(|own| own.least));
            1.0 / found.p_value.get()
        };
        assert!((drawn(1) - 10_000.0).abs() < 1e-6 && (drawn(200_000) - 1_001.0).abs() < 1e-6);
    }

    /// By hand: 0.00002 as a bound is worth 0.002, which is what may be at least and what can be shown, if that is less than a permuted one at 0.99; a bound that
    /// makes drawing idle leaves all below it open.
    #[test]
    fn a_bound_shows_what_permutations_cannot() {
        let found = |bound: f64| {
            let permuted = Significance::drawn(0.0001, [0, 9_999], p(1e-4));
            beside(p(bound), 1e-4, || permuted).resolution.unwrap()
        };
        let [idle, drawn] = [found(0.9e-6), found(0.5)];
        assert!((idle.least.get() - 0.9e-4).abs() < 1e-15 && idle.low.get() == 0.0);
        assert!((drawn.least.get() - 1e-4 / 0.99).abs() < 1e-15 && drawn.low.get() == 0.0);
        let sure = Significance::drawn(0.5, [50, 100], p(1e-4));
        let sure = beside(p(2e-3), 1e-4, || sure).resolution.unwrap();
        assert!((sure.low.get() - 0.2).abs() < 1e-15 && sure.least.get() < 2e-4);
    }

    /// Permutations that give 0.001 at least cannot lower 0.99e-5/0.01, so that none is drawn; 2e-5/0.01 they can.
    #[test]
    fn nothing_is_drawn_where_the_bound_says_more() {
        let drawn = std::cell::Cell::new(0);
        let p = |bound: f64| {
            let permuted = || {
                drawn.set(drawn.get() + 1);
                PValue::saturating(0.001).into()
            };
            let found = beside(PValue::saturating(bound), 0.001, permuted);
            found.p_value.get()
        };
        assert!((p(0.99e-5) - 0.99e-3).abs() < 1e-15);
        assert_eq!(drawn.get(), 0);
        assert!((p(2e-5) - 0.001 / 0.99).abs() < 1e-15);
        assert_eq!(drawn.get(), 1);
    }
}
