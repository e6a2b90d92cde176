use mlops_core::Result;
use mlops_core::evidence::{Distance, PValue};

use super::Divergence;
use super::bins::QuantileBins;
use super::shares::shares;
use crate::sample::NumericSample;
use crate::two_sample::ladder::sizes;
use crate::two_sample::{NullDistribution, Permutations, TestResult, TwoSampleTest, chi_square_sf};

/// An empty bin counts as this share: the usual convention, and a cap of about 7 nats per bin.
const FLOOR: f64 = 1e-4;
/// Values that every bin must hold in both samples for the chi-square approximation.
const LEAST_COUNT: f64 = 100.0;

/// The population stability index over bins between quantiles of the reference, with the null
/// distribution that it usually comes without.
///
/// **Statistic**: Σ (q − p)·ln(q/p) over the bins, p and q the shares of reference and current; at
/// least 0, in nats. Bins are `[low, high)` between the distinct type-7 quantiles of the reference
/// (10 bins by default, fewer under ties), the outer ones open. A constant reference has three
/// bins: below, at, and above its value. A share below 1e-4 counts as 1e-4 (empty bins).
/// **Hypothesis**: both samples have the same shares in the bins.
/// **Assumption**: exchangeable values.
/// **Guarantee**: a p-value at every sample size. If every bin expects at least 100 values in both
/// samples, PSI/(1/n + 1/m) follows approximately a chi-square law with bins − 1 degrees of freedom.
/// Otherwise values are permuted between the samples, *with the bins computed again from each
/// permuted reference*: PSI is a function of the two samples, bins included, so that under
/// exchangeability the level is exact. (Without drift the expected index is about (bins − 1)·(1/n + 1/m), 0.6 for ten bins and samples of
/// 30 values: the usual threshold of 0.1 or 0.2 means nothing there.)
/// **Weakness**: blind inside a bin, so to the tails beyond the outer quantiles.
/// **Cost**: O((n + m) log) for the index; O(k log k + bins·log(n + m)) per permutation,
/// k = min(n, m).
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Psi {
    bins: QuantileBins,
    null: NullDistribution,
    permutations: Permutations,
}

impl Psi {
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
        Ok(Self {
            bins: QuantileBins::new(bins)?,
            ..Self::default()
        })
    }

    /// Fixes the null distribution.
    ///
    /// ```
    /// use mlops_drift::{divergence::Psi, two_sample::NullDistribution};
    /// let always_permuted = Psi::default().null(NullDistribution::Exact);
    /// # let _ = always_permuted;
    /// ```
    #[must_use]
    pub fn null(self, null: NullDistribution) -> Self {
        Self { null, ..self }
    }

    /// How permutations are drawn.
    ///
    /// ```
    /// use mlops_drift::{divergence::Psi, two_sample::Permutations};
    /// let cheaper = Psi::default().permutations(Permutations::default().limit(999));
    /// # let _ = cheaper;
    /// ```
    #[must_use]
    pub fn permutations(self, permutations: Permutations) -> Self {
        Self {
            permutations,
            ..self
        }
    }
}

impl Psi {
    /// The index of counts `[reference, current]` per bin.
    pub(crate) fn index(cells: &[[u64; 2]]) -> f64 {
        let floored = |[p, q]: [f64; 2]| {
            let (p, q) = (p.max(FLOOR), q.max(FLOOR));
            (q - p) * (q / p).ln()
        };
        shares(cells).map(floored).sum()
    }
}

fn least_expected(cells: &[[u64; 2]]) -> f64 {
    let [n, m] = sizes(cells).map(|size| size as f64);
    let rarest = cells.iter().map(|[p, q]| p + q).min().unwrap_or(0);
    rarest as f64 * n.min(m) / (n + m)
}

fn asymptotic(cells: &[[u64; 2]], index: f64) -> PValue {
    let [n, m] = sizes(cells).map(|size| size as f64);
    chi_square_sf(index / (1.0 / n + 1.0 / m), (cells.len() - 1) as f64)
}

impl Divergence<NumericSample> for Psi {
    fn divergence(&self, reference: &NumericSample, current: &NumericSample) -> Result<Distance> {
        let reference = reference.require("reference")?.sorted();
        let current = current.require("current")?.sorted();
        let cells = self.bins.counts(reference, current);
        Ok(Distance::new(Self::index(&cells), "psi")?)
    }
}

impl TwoSampleTest<NumericSample> for Psi {
    fn test(&self, reference: &NumericSample, current: &NumericSample) -> Result<TestResult> {
        let reference = reference.require("reference")?.sorted();
        let current = current.require("current")?.sorted();
        let cells = self.bins.counts(reference, current);
        let index = Self::index(&cells);
        let approximates = match self.null {
            NullDistribution::Automatic => least_expected(&cells) >= LEAST_COUNT,
            NullDistribution::Exact => false,
            NullDistribution::Asymptotic => true,
        };
        Ok(if approximates {
            TestResult::new(index, asymptotic(&cells, index), "psi_asymptotic")
        } else {
            let p = self
                .bins
                .permuted(reference, current, self.permutations, index, Self::index);
            TestResult::new(index, p, "psi_permutation")
        })
    }
}
