use super::bins::QuantileBins;
use super::noncentral;
use super::of_shares::{divergence_of_shares, no_limit_law};
use crate::two_sample::Permutations;
use crate::two_sample::ladder::sizes;

/// Cramér's V of sample against cell, in \[0, 1]: √(χ²/(n + m)) of Pearson's χ², since two rows make the lesser
/// dimension 1. Depends on the ratio of the sample sizes: compare it only at equal ratios.
///
/// **Cells**: of numeric samples the bins `[low, high)` between the distinct quantiles of the reference (10 by
/// default, the outer ones open; a constant reference has three); of categorical samples the categories.
/// **As a test**: seeded permutations of the values, with the bins computed again from each permuted reference: under
/// exchangeability the level is exact at every sample size.
/// **Cost**: O((n + m) log) for the divergence; O(k log k + bins·log(n + m)) per permutation of numbers,
/// k = min(n, m), and O(k + cells) of categories.
/// **Weakness**: blind inside a bin; of categories, [`ChiSquare`](crate::two_sample::ChiSquare) tests the same statistic by its exact law.
/// **Source**: Cramér, "Mathematical Methods of Statistics", 1946, section 21.9.
///
/// ```
/// use mlops_drift::CategoricalSample;
/// use mlops_drift::divergence::{CramersV, Divergence};
///
/// let reference = CategoricalSample::new([Some("a"), Some("a")]);
/// let current = CategoricalSample::new([Some("b"), Some("b")]);
/// assert_eq!(CramersV::default().divergence(&reference, &current)?.get(), 1.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CramersV {
    bins: QuantileBins,
    permutations: Permutations,
}

divergence_of_shares!(CramersV);
no_limit_law!(CramersV);

impl CramersV {
    const SYMMETRIC: bool = true;

    fn index(&self, cells: &[[u64; 2]]) -> f64 {
        let [n, m] = sizes(cells).map(|size| size as f64);
        let occupied = cells.iter().filter(|[p, q]| p + q > 0);
        let term = |&[p, q]: &[u64; 2]| {
            let apart = p as f64 / n - q as f64 / m;
            apart * apart * n * m / ((p + q) as f64 * (n + m))
        };
        occupied.map(term).sum::<f64>().sqrt().min(1.0)
    }

    /// Where V of the laws lies, at this ratio of sizes: see [`noncentral`].
    pub(crate) fn ends(&self, cells: &[[u64; 2]], confidence: f64) -> Option<[f64; 2]> {
        let [n, m] = sizes(cells).map(|size| size as f64);
        let (of_n, of_m) = (n / (n + m), m / (n + m));
        // V² = n·m/(n + m)²·Σ (p − q)²/r, r being the share in both.
        let slopes = |[p, q]: [f64; 2]| {
            let relative = (p - q) / (of_n * p + of_m * q);
            let square = relative * relative;
            [
                2.0 * relative - of_n * square,
                -2.0 * relative - of_m * square,
            ]
        };
        let v = self.index(cells);
        let index = v.powi(2) / (of_n * of_m);
        let ends = noncentral::ends(cells, index, slopes, confidence)?;
        let [low, high] = ends.map(|end| (end * of_n * of_m).sqrt().min(1.0));
        Some([low.min(v), high.max(v)]) // rounding
    }

    fn measure(&self) -> &'static str {
        "cramers_v"
    }
}
