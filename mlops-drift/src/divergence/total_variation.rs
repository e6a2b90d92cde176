use super::bins::QuantileBins;
use super::of_shares::{divergence_of_shares, no_limit_law};
use super::shares::shares;
use crate::two_sample::Permutations;

/// Total variation: half the sum of |p − q| over the cells, in \[0, 1]: the share of values that would have to change
/// their cell. The plug-in estimate is biased upward when there are many rare cells.
///
/// **Cells**: of numeric samples the bins `[low, high)` between the distinct quantiles of the reference (10 by
/// default, the outer ones open; a constant reference has three); of categorical samples the categories.
/// **As a test**: seeded permutations of the values, with the bins computed again from each permuted reference: under
/// exchangeability the level is exact at every sample size.
/// **Cost**: O((n + m) log) for the divergence; O(k log k + bins·log(n + m)) per permutation of numbers,
/// k = min(n, m), and O(k + cells) of categories.
/// **Weakness**: blind inside a bin.
///
/// ```
/// use mlops_drift::divergence::{Divergence, TotalVariation};
/// use mlops_drift::{CategoricalSample, NumericSample};
///
/// let reference = CategoricalSample::new([Some("a"), Some("b")]);
/// let current = CategoricalSample::new([Some("a"), Some("a")]);
/// assert_eq!(TotalVariation::default().divergence(&reference, &current)?.get(), 0.5);
///
/// let reference = NumericSample::new((0..100).map(f64::from));
/// let current = NumericSample::new((0..100).map(|i| f64::from(i % 50)));
/// assert!((TotalVariation::default().divergence(&reference, &current)?.get() - 0.5).abs() < 1e-12);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TotalVariation {
    bins: QuantileBins,
    permutations: Permutations,
}

divergence_of_shares!(TotalVariation);
no_limit_law!(TotalVariation);

impl TotalVariation {
    const SYMMETRIC: bool = true;

    fn index(&self, cells: &[[u64; 2]]) -> f64 {
        let sum: f64 = shares(cells).map(|[p, q]| (p - q).abs()).sum();
        (sum / 2.0).min(1.0) // rounding
    }

    fn measure(&self) -> &'static str {
        "total_variation"
    }
}
