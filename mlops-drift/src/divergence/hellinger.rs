use super::bins::QuantileBins;
use super::of_shares::{divergence_of_shares, limit_law};
use super::shares::shares;
use crate::two_sample::{NullDistribution, Permutations};

/// The Hellinger distance √(½·Σ(√p − √q)²) = √(1 − Σ√(p·q)), in \[0, 1]: a metric, and finite for every pair of
/// samples.
///
/// **Cells**: of numeric samples the bins `[low, high)` between the distinct quantiles of the reference (10 by
/// default, the outer ones open; a constant reference has three); of categorical samples the categories.
/// **Empty cells**: need no policy.
/// **As a test**: if every cell expects at least 100 values in both samples, 8·N times the square of the distance follows
/// approximately a chi-square law with cells − 1 degrees of freedom, N = n·m/(n + m). Otherwise seeded permutations
/// with the bins computed again from each permuted reference, so that under exchangeability the level is exact at
/// every sample size. (The plug-in estimate is biased upward: without a test, a threshold on it means something else
/// at every sample size and number of cells.)
/// **Weakness**: blind inside a bin. **Cost**: O((n + m) log) for the divergence; O(k log k + bins·log(n + m))
/// per permutation of numbers, k = min(n, m), and O(k + cells) of categories.
/// **Source**: Hellinger 1909; Le Cam & Yang, "Asymptotics in Statistics", section 3.2.
///
/// ```
/// use mlops_drift::CategoricalSample;
/// use mlops_drift::divergence::{Divergence, Hellinger};
///
/// let (a, b) = (CategoricalSample::new([Some("a")]), CategoricalSample::new([Some("b")]));
/// assert_eq!(Hellinger::default().divergence(&a, &b)?.get(), 1.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hellinger {
    bins: QuantileBins,
    null: NullDistribution,
    permutations: Permutations,
}

divergence_of_shares!(Hellinger);
limit_law!(Hellinger);

impl Hellinger {
    const SYMMETRIC: bool = true;

    fn index(&self, cells: &[[u64; 2]]) -> f64 {
        // From the differences of the roots, which keep their digits where the shares are nearly equal.
        let squares = shares(cells).map(|[p, q]| (p.sqrt() - q.sqrt()).powi(2));
        (squares.sum::<f64>() / 2.0).sqrt().min(1.0)
    }

    /// What follows the chi-square law when multiplied by n·m/(n + m).
    fn deviance(&self, index: f64) -> f64 {
        8.0 * index * index
    }

    fn measure(&self) -> &'static str {
        "hellinger"
    }
}
