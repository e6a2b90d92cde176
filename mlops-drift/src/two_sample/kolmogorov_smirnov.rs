use mlops_core::Result;
use mlops_core::evidence::PValue;

use super::kolmogorov::{one_sample_sf, two_sample_sf};
use super::{NullDistribution, TestResult, TwoSampleTest};
use crate::sample::NumericSample;

/// Lattice points up to which paths are counted: a few milliseconds.
const COUNTABLE: u64 = 4_000_000;

/// The two-sample, two-sided Kolmogorov–Smirnov test.
///
/// **Statistic**: D, the greatest distance between the two empirical distribution functions, in
/// \[0, 1]; computed in integers, so exact under ties and for ±inf.
/// **Hypothesis**: both samples come from one law.
/// **Assumption**: exchangeable values.
/// **Guarantee**: the exact p-value has its level at every sample size, and is conservative when
/// values tie (discrete columns: an actual level far below alpha, hence less power).
/// **Weakness**: tails; scale changes are seen later than shifts.
/// **Null distribution**: exact by counting lattice paths if the sizes are equal or n·m ≤ 4·10^6;
/// otherwise that of the one-sample statistic at size round(n·m/(n+m)), as SciPy's
/// `ks_2samp(method="asymp")`.
/// **Cost**: O(n + m) for the statistic of sorted samples; the exact p-value O(n) for equal sizes,
/// else at most O(n·m).
/// **Source**: Hodges, "The significance probability of the Smirnov two-sample test", Arkiv för
/// Matematik 1958; Simard & L'Ecuyer, "Computing the two-sided Kolmogorov–Smirnov distribution",
/// Journal of Statistical Software 39(11), 2011.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::two_sample::{KolmogorovSmirnov, TwoSampleTest};
///
/// let reference = NumericSample::new([1.0, 2.0, 3.0, 4.0]);
/// let current = NumericSample::new([5.0, 6.0, 7.0, 8.0]);
/// let result = KolmogorovSmirnov::default().test(&reference, &current)?;
/// assert_eq!(result.statistic, 1.0);
/// assert!((result.p_value.get() - 2.0 / 70.0).abs() < 1e-15); // 2 of C(8, 4) orders
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KolmogorovSmirnov {
    null: NullDistribution,
}

impl KolmogorovSmirnov {
    /// Fixes the null distribution.
    ///
    /// ```
    /// use mlops_drift::two_sample::{KolmogorovSmirnov, NullDistribution};
    /// let test = KolmogorovSmirnov::default().null(NullDistribution::Asymptotic);
    /// # let _ = test;
    /// ```
    #[must_use]
    pub fn null(self, null: NullDistribution) -> Self {
        Self { null }
    }

    /// D alone, without a p-value.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) if a sample holds no value.
    ///
    /// ```
    /// use mlops_drift::{NumericSample, two_sample::KolmogorovSmirnov};
    /// let (low, high) = (NumericSample::new([1.0, 2.0]), NumericSample::new([2.0, 3.0]));
    /// assert_eq!(KolmogorovSmirnov::statistic(&low, &high)?, 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn statistic(reference: &NumericSample, current: &NumericSample) -> Result<f64> {
        let x = reference.require("reference")?.sorted();
        let y = current.require("current")?.sorted();
        Ok(greatest_gap(x, y) as f64 / lcm(x.len() as u64, y.len() as u64) as f64)
    }

    /// The result for D in units of 1/lcm(n, m).
    pub(crate) fn judge(&self, steps: u64, n: u64, m: u64) -> TestResult {
        let statistic = steps as f64 / lcm(n, m) as f64;
        let (p, method) = if self.counts_paths(n, m) {
            (two_sample_sf(steps, n, m), "kolmogorov_smirnov_exact")
        } else {
            let size = (n as f64 * m as f64 / (n + m) as f64).round_ties_even();
            let p = one_sample_sf(statistic, size.max(1.0) as u64);
            (p, "kolmogorov_smirnov_asymptotic")
        };
        TestResult::new(statistic, PValue::saturating(p), method)
    }

    fn counts_paths(&self, n: u64, m: u64) -> bool {
        match self.null {
            NullDistribution::Automatic => n == m || n.saturating_mul(m) <= COUNTABLE,
            NullDistribution::Exact => true,
            NullDistribution::Asymptotic => false,
        }
    }
}

impl TwoSampleTest<NumericSample> for KolmogorovSmirnov {
    fn test(&self, reference: &NumericSample, current: &NumericSample) -> Result<TestResult> {
        let x = reference.require("reference")?.sorted();
        let y = current.require("current")?.sorted();
        Ok(self.judge(greatest_gap(x, y), x.len() as u64, y.len() as u64))
    }
}

/// D in units of 1/lcm(n, m): the greatest `|i·lcm/n − j·lcm/m|` over the values, where `i` and `j`
/// count the values up to each.
fn greatest_gap(x: &[f64], y: &[f64]) -> u64 {
    let divisor = gcd(x.len() as u64, y.len() as u64) as i64;
    let (x_step, y_step) = (y.len() as i64 / divisor, x.len() as i64 / divisor);
    let (mut i, mut j, mut greatest) = (0, 0, 0);
    while i < x.len() && j < y.len() {
        let value = x[i].min(y[j]);
        i += x[i..].iter().take_while(|&&v| v == value).count();
        j += y[j..].iter().take_while(|&&v| v == value).count();
        greatest = greatest.max((i as i64 * x_step - j as i64 * y_step).unsigned_abs());
    }
    greatest
}

pub(crate) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

pub(super) fn lcm(a: u64, b: u64) -> u64 {
    a / gcd(a, b) * b
}
