use mlops_core::Result;

use super::bins::QuantileBins;
use super::noncentral;
use super::of_shares::{divergence_of_shares, limit_law};
use super::shares::EmptyBins;
use crate::sample::NumericSample;
use crate::two_sample::{NullDistribution, Permutations};

/// The population stability index over bins between quantiles of the reference or over categories, with the null
/// distribution that it usually comes without.
///
/// **Statistic**: Σ (q − p)·ln(q/p) over the cells, p and q the shares of reference and current; at least 0, in nats.
/// **Cells**: of numeric samples the bins `[low, high)` between the distinct type-7 quantiles of the reference
/// (10 bins by default, fewer under ties), the outer ones open; a constant reference has three bins: below, at, and
/// above its value. Of categorical samples the categories.
/// **Empty cells**: by [`EmptyBins`]; by default, as is usual, a share below 1e-4 counts as 1e-4.
/// **Hypothesis**: both samples have the same shares in the cells.
/// **Assumption**: exchangeable values.
/// **Guarantee**: a p-value at every sample size. If every cell expects at least 100 values in both
/// samples, PSI/(1/n + 1/m) follows approximately a chi-square law with cells − 1 degrees of freedom.
/// Otherwise values are permuted between the samples, *with the bins computed again from each
/// permuted reference*: PSI is a function of the two samples, bins included, so that under
/// exchangeability the level is exact. (Without drift the expected index is about (bins − 1)·(1/n + 1/m), 0.6 for ten bins and samples of
/// 30 values: the usual threshold of 0.1 or 0.2 means nothing there.)
/// **Weakness**: blind inside a bin, so to the tails beyond the outer quantiles. A reference of two values, or mostly of the least, has one
/// bin: [`tells_nothing`](crate::two_sample::TwoSampleTest::tells_nothing) says so, and a check calls the column untested. Compare it as categories.
/// **Cost**: O((n + m) log) for the index; O(k log k + bins·log(n + m)) per permutation of numbers,
/// k = min(n, m), and O(k + cells) of categories.
/// **Source**: Yurdakul & Naranjo, "Statistical properties of the population stability index",
/// Journal of Risk Model Validation 2020, for the limit law.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::divergence::{Divergence, Psi};
/// use mlops_drift::two_sample::TwoSampleTest;
///
/// let reference = NumericSample::new((0..30).map(f64::from));
/// let current = NumericSample::new((0..30).map(|i| f64::from(i * i) / 30.0));
/// let psi = Psi::default();
/// assert!(psi.divergence(&reference, &current)?.get() > 0.1); // "drift", by the usual threshold
/// assert!(psi.test(&reference, &current)?.p_value.get() > 0.5); // nothing but noise
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Psi {
    bins: QuantileBins,
    empty: EmptyBins,
    null: NullDistribution,
    permutations: Permutations,
}

impl Default for Psi {
    fn default() -> Self {
        Self {
            bins: QuantileBins::default(),
            empty: EmptyBins::Floor,
            null: NullDistribution::default(),
            permutations: Permutations::default(),
        }
    }
}

divergence_of_shares!(Psi);
limit_law!(Psi);

impl Psi {
    const SYMMETRIC: bool = true;

    pub(crate) fn has_default_bins(&self) -> bool {
        self.bins == QuantileBins::default()
    }

    /// With another number of bins.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `2 <= bins <= 1000`.
    ///
    /// ```
    /// use mlops_drift::divergence::Psi;
    /// assert!(Psi::with_bins(20).is_ok());
    /// assert!(Psi::with_bins(1).is_err());
    /// ```
    pub fn with_bins(bins: usize) -> Result<Self> {
        Self::default().bins(bins)
    }

    /// What an empty cell counts as.
    ///
    /// ```
    /// use mlops_drift::CategoricalSample;
    /// use mlops_drift::divergence::{Divergence, EmptyBins, Psi};
    /// let (a, b) = (CategoricalSample::new([Some("a")]), CategoricalSample::new([Some("b")]));
    /// assert!(Psi::default().divergence(&a, &b)?.get() > 18.0); // twice the logarithm of 10,000
    /// assert!(Psi::default().empty_bins(EmptyBins::Refuse).divergence(&a, &b).is_err());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    #[must_use]
    pub fn empty_bins(self, empty: EmptyBins) -> Self {
        Self { empty, ..self }
    }

    /// The index of counts `[reference, current]` per cell.
    pub(crate) fn index(&self, cells: &[[u64; 2]]) -> f64 {
        let term = |[p, q]: [f64; 2]| if p == q { 0.0 } else { (q - p) * (q / p).ln() };
        self.empty.shares(cells).map(term).sum()
    }

    /// Where the index of the laws lies, see [`noncentral`], of numbers in the bins that the reference's sample fixes.
    pub(crate) fn ends_of(
        &self,
        reference: &NumericSample,
        current: &NumericSample,
        confidence: f64,
    ) -> Option<[f64; 2]> {
        let cells = self.bins.counts(reference.sorted(), current.sorted());
        self.ends(&cells, confidence)
    }

    /// The same of counts in cells.
    pub(crate) fn ends(&self, cells: &[[u64; 2]], confidence: f64) -> Option<[f64; 2]> {
        let slopes = |[p, q]: [f64; 2]| [(p / q).ln() + 1.0 - q / p, (q / p).ln() + 1.0 - p / q];
        noncentral::ends(cells, self.index(cells), slopes, confidence)
    }

    /// What follows the chi-square law when multiplied by n·m/(n + m).
    fn deviance(&self, index: f64) -> f64 {
        index
    }

    fn measure(&self) -> &'static str {
        "psi"
    }
}
