use super::bins::QuantileBins;
use super::of_shares::{divergence_of_shares, limit_law};
use super::shares::EmptyBins;
use crate::two_sample::{NullDistribution, Permutations};

/// The Kullback–Leibler divergence of the current sample from the reference: Σ p·ln(p/q), p and q the shares of
/// reference and current; in nats, at least 0, not symmetric.
///
/// **Cells**: of numeric samples the bins `[low, high)` between the distinct quantiles of the reference (10 by
/// default, the outer ones open; a constant reference has three); of categorical samples the categories.
/// **Empty cells**: by [`EmptyBins`] counted as half a value, and at most as a share of 1e-4 (the shares are then
/// divided by their sum, so that the divergence stays at least 0); or otherwise.
/// **As a test**: if every cell expects at least 100 values in both samples, 2·N times the divergence follows
/// approximately a chi-square law with cells − 1 degrees of freedom, N = n·m/(n + m). Otherwise seeded permutations
/// with the bins computed again from each permuted reference, so that under exchangeability the level is exact at
/// every sample size. (The plug-in estimate is biased upward: without a test, a threshold on it means something else
/// at every sample size and number of cells.)
/// **Weakness**: blind inside a bin. **Cost**: O((n + m) log) for the divergence; O(k log k + bins·log(n + m))
/// per permutation of numbers, k = min(n, m), and O(k + cells) of categories.
/// **Source**: Kullback & Leibler, "On information and sufficiency", Annals of Mathematical Statistics 22, 1951.
///
/// ```
/// use mlops_drift::CategoricalSample;
/// use mlops_drift::divergence::{Divergence, KullbackLeibler};
///
/// let reference = CategoricalSample::new(["a", "b"].map(Some));
/// let current = CategoricalSample::new(["a", "a", "a", "b"].map(Some));
/// let nats = KullbackLeibler::default().divergence(&reference, &current)?.get();
/// assert!((nats - 0.5 * (4.0_f64 / 3.0).ln()).abs() < 1e-12);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KullbackLeibler {
    bins: QuantileBins,
    empty: EmptyBins,
    null: NullDistribution,
    permutations: Permutations,
}

divergence_of_shares!(KullbackLeibler);
limit_law!(KullbackLeibler);

impl KullbackLeibler {
    const SYMMETRIC: bool = false;

    /// What an empty cell counts as.
    ///
    /// ```
    /// use mlops_drift::CategoricalSample;
    /// use mlops_drift::divergence::{Divergence, EmptyBins, KullbackLeibler};
    /// let (a, b) = (CategoricalSample::new([Some("a")]), CategoricalSample::new([Some("b")]));
    /// let strict = KullbackLeibler::default().empty_bins(EmptyBins::Refuse);
    /// assert!(strict.divergence(&a, &b).is_err());
    /// ```
    #[must_use]
    pub fn empty_bins(self, empty: EmptyBins) -> Self {
        Self { empty, ..self }
    }

    fn index(&self, cells: &[[u64; 2]]) -> f64 {
        let filled: Vec<[f64; 2]> = self.empty.shares(cells).collect();
        relative_entropy(&filled)
    }

    /// What follows the chi-square law when multiplied by n·m/(n + m).
    fn deviance(&self, index: f64) -> f64 {
        2.0 * index
    }

    fn measure(&self) -> &'static str {
        "kullback_leibler"
    }
}

/// Σ p·ln(p/q) of weights, each side divided by its sum; 0·ln 0 is 0.
pub(super) fn relative_entropy(weights: &[[f64; 2]]) -> f64 {
    let sum = |side: usize| weights.iter().map(|pair| pair[side]).sum::<f64>();
    let (all_p, all_q) = (sum(0), sum(1));
    let terms = weights.iter().filter(|pair| pair[0] > 0.0);
    let term = |[p, q]: &[f64; 2]| p / all_p * (p / all_p / (q / all_q)).ln();
    terms.map(term).sum::<f64>().max(0.0) // equal shares leave rounding
}
