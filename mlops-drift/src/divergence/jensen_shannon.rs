use super::bins::QuantileBins;
use super::of_shares::{divergence_of_shares, limit_law};
use super::shares::shares;
use crate::two_sample::{NullDistribution, Permutations};

/// The base of the logarithm of a [`JensenShannon`] distance.
///
/// ```
/// use mlops_drift::divergence::LogBase;
/// assert_eq!(LogBase::default(), LogBase::Two);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogBase {
    /// Bits: the distance lies in \[0, 1].
    #[default]
    Two,
    /// Nats: the distance lies in \[0, √ln 2], about 0.83, as Evidently reports it.
    E,
}

/// The Jensen–Shannon distance: the square root of the mean divergence of both samples from their mixture.
/// Symmetric in the shares, a metric, and finite for every pair of samples.
///
/// **Cells**: of numeric samples the bins `[low, high)` between the distinct quantiles of the reference (10 by
/// default, the outer ones open; a constant reference has three); of categorical samples the categories.
/// **Empty cells**: need no policy, since the mixture is never 0 where a share is not.
/// **As a test**: if every cell expects at least 100 values in both samples, 8·N times the square of the distance in nats follows
/// approximately a chi-square law with cells − 1 degrees of freedom, N = n·m/(n + m). Otherwise seeded permutations
/// with the bins computed again from each permuted reference, so that under exchangeability the level is exact at
/// every sample size. (The plug-in estimate is biased upward: without a test, a threshold on it means something else
/// at every sample size and number of cells.)
/// **Weakness**: blind inside a bin. **Cost**: O((n + m) log) for the divergence; O(k log k + bins·log(n + m))
/// per permutation of numbers, k = min(n, m), and O(k + cells) of categories.
/// **Source**: Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions on Information Theory
/// 37, 1991; Endres & Schindelin, the same, 49, 2003, for the metric.
///
/// ```
/// use mlops_drift::CategoricalSample;
/// use mlops_drift::divergence::{Divergence, JensenShannon};
///
/// let (a, b) = (CategoricalSample::new([Some("a")]), CategoricalSample::new([Some("b")]));
/// assert_eq!(JensenShannon::default().divergence(&a, &b)?.get(), 1.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JensenShannon {
    bins: QuantileBins,
    base: LogBase,
    null: NullDistribution,
    permutations: Permutations,
}

divergence_of_shares!(JensenShannon);
limit_law!(JensenShannon);

impl JensenShannon {
    const SYMMETRIC: bool = true;

    /// In another base; the measure is then named `jensen_shannon_nats`.
    ///
    /// ```
    /// use mlops_drift::divergence::{JensenShannon, LogBase};
    /// assert_ne!(JensenShannon::default().base(LogBase::E), JensenShannon::default());
    /// ```
    #[must_use]
    pub fn base(self, base: LogBase) -> Self {
        Self { base, ..self }
    }

    fn index(&self, cells: &[[u64; 2]]) -> f64 {
        (nats(shares(cells)) / self.unit()).sqrt()
    }

    /// Nats.
    fn unit(&self) -> f64 {
        match self.base {
            LogBase::Two => std::f64::consts::LN_2,
            LogBase::E => 1.0,
        }
    }

    /// What follows the chi-square law when multiplied by n·m/(n + m).
    fn deviance(&self, index: f64) -> f64 {
        8.0 * index * index * self.unit()
    }

    fn measure(&self) -> &'static str {
        match self.base {
            LogBase::Two => "jensen_shannon",
            LogBase::E => "jensen_shannon_nats",
        }
    }
}

/// The divergence, before the root.
pub(super) fn nats(shares: impl Iterator<Item = [f64; 2]>) -> f64 {
    let half = |share: f64, mixture: f64| {
        if share > 0.0 {
            share * (share / mixture).ln() / 2.0
        } else {
            0.0
        }
    };
    let term = |[p, q]: [f64; 2]| half(p, (p + q) / 2.0) + half(q, (p + q) / 2.0);
    shares.map(term).sum::<f64>().max(0.0) // equal shares leave rounding
}
