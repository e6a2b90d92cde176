use super::bins::QuantileBins;
use super::of_shares::{divergence_of_shares, no_limit_law};
use super::shares::shares;
use crate::two_sample::Permutations;

/// The greatest |p − q| over the cells, in \[0, 1]: blind to many small changes, easy to explain.
///
/// **Cells**: of numeric samples the bins `[low, high)` between the distinct quantiles of the reference (10 by
/// default, the outer ones open; a constant reference has three); of categorical samples the categories.
/// **As a test**: seeded permutations of the values, with the bins computed again from each permuted reference: under
/// exchangeability the level is exact at every sample size.
/// **Cost**: O((n + m) log) for the divergence; O(k log k + bins·log(n + m)) per permutation of numbers,
/// k = min(n, m), and O(k + cells) of categories.
/// **Weakness**: blind inside a bin, and between bins of numbers, where half of the greatest change at least is seen by
/// [`TotalVariation`](super::TotalVariation).
///
/// ```
/// use mlops_drift::divergence::{Divergence, LInfinity};
/// use mlops_drift::{CategoricalSample, NumericSample};
///
/// let reference = CategoricalSample::new([Some("a"), Some("b")]);
/// let current = CategoricalSample::new([Some("a"), Some("a")]);
/// assert_eq!(LInfinity::default().divergence(&reference, &current)?.get(), 0.5);
///
/// let reference = NumericSample::new((0..100).map(f64::from));
/// let current = NumericSample::new((0..100).map(|i| f64::from(i % 50)));
/// assert!((LInfinity::default().divergence(&reference, &current)?.get() - 0.1).abs() < 1e-12);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LInfinity {
    bins: QuantileBins,
    permutations: Permutations,
}

divergence_of_shares!(LInfinity);
no_limit_law!(LInfinity);

impl LInfinity {
    const SYMMETRIC: bool = true;

    fn index(&self, cells: &[[u64; 2]]) -> f64 {
        shares(cells)
            .map(|[p, q]| (p - q).abs())
            .fold(0.0, f64::max)
    }

    fn measure(&self) -> &'static str {
        "l_infinity"
    }
}
