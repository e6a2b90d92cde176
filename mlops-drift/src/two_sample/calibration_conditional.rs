use mlops_core::Result;
use mlops_core::evidence::{PValue, SignificanceLevel};

use super::kolmogorov::one_sample_sf;
use super::{KolmogorovSmirnov, TestResult, TwoSampleTest};
use crate::profile::NumericProfile;
use crate::sample::{CategoricalSample, NumericSample};

/// Kolmogorov and Smirnov's distance from one reference that is used again and again: the level holds for this very reference.
///
/// Other tests promise an error rate on average over references. A reference that happens to be odd is odd every week: with reference and windows of
/// 1,000 values each, the Kolmogorov–Smirnov test at 5 % alarms in 18 % of drift-free windows or more for one reference in twenty, and never for
/// others (`tests/fixed_reference.rs`).
///
/// **Statistic**: D, less the distance ε = √(ln(2/risk)/2n) within which a reference of n values lies of its law, at least but for the risk.
/// **Hypothesis**: the current values are independent and of the law that the reference was drawn from.
/// **Guarantee**: for all but a share `risk` of references, P(p ≤ alpha | reference) ≤ alpha, for every window and law at once. Exact for
/// continuous laws, conservative for others. Categories are compared in the order of their names, so that nothing need be known of their number.
/// **Weakness**: costs power as the average does not: drift below ε is never seen. A reference of 100 times the window's size costs little.
/// **Null distribution**: that of the one-sample statistic, see [`KolmogorovSmirnov`]. **Cost**: O(n + m).
/// **Source**: the notion: Bates, Candès, Lei, Romano & Sesia, "Testing for outliers with conformal p-values", Annals of Statistics 51, 2023; ε:
/// Massart, "The tight constant in the Dvoretzky–Kiefer–Wolfowitz inequality", Annals of Probability 18, 1990.
///
/// ```
/// use mlops_core::evidence::SignificanceLevel;
/// use mlops_drift::NumericSample;
/// use mlops_drift::two_sample::{CalibrationConditional, TwoSampleTest};
///
/// let test = CalibrationConditional::new(SignificanceLevel::FIVE_PERCENT);
/// let reference = NumericSample::new((0..10_000).map(f64::from));
/// assert!((test.radius(10_000) - 0.0136).abs() < 1e-4);
/// let same = NumericSample::new((0..100).map(|i| f64::from(i) * 100.0));
/// assert_eq!(test.test(&reference, &same)?.p_value.get(), 1.0);
/// let high = NumericSample::new((0..100).map(|i| f64::from(i) * 100.0 + 3_000.0));
/// assert!(test.test(&reference, &high)?.p_value.get() < 1e-4);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationConditional {
    risk: f64,
}

impl CalibrationConditional {
    /// With the share of references that the level need not hold for.
    pub fn new(risk: SignificanceLevel) -> Self {
        Self { risk: risk.get() }
    }

    /// The risk shared equally by so many tests of one reference.
    pub(crate) fn shared_by(self, tests: usize) -> Self {
        Self {
            risk: self.risk / tests.max(1) as f64,
        }
    }

    /// ε: how far a reference of n values may lie from its law.
    pub fn radius(&self, n: u64) -> f64 {
        ((2.0 / self.risk).ln() / (2.0 * n as f64)).sqrt()
    }

    /// The verdict on a distance of n values of the reference from m others.
    pub(crate) fn judge(&self, d: f64, n: u64, m: u64) -> TestResult {
        let beyond = (d - self.radius(n)).max(0.0);
        let p = if beyond > 0.0 {
            one_sample_sf(beyond, m)
        } else {
            1.0
        };
        TestResult::new(
            d,
            PValue::saturating(p),
            "kolmogorov_smirnov_calibration_conditional",
        )
    }

    /// Of samples that have nothing in common.
    fn least(&self, [n, m]: [usize; 2]) -> f64 {
        self.judge(1.0, n as u64, m as u64).p_value.get()
    }

    /// The test of two shares: those of `[missing, present]` values, say.
    pub(crate) fn test_shares(&self, reference: [u64; 2], current: [u64; 2]) -> TestResult {
        let sizes = [reference, current].map(|[some, others]| some + others);
        let shares = [
            reference[0] as f64 / sizes[0] as f64,
            current[0] as f64 / sizes[1] as f64,
        ];
        self.judge((shares[0] - shares[1]).abs(), sizes[0], sizes[1])
    }
}

impl TwoSampleTest<NumericSample> for CalibrationConditional {
    fn test(&self, reference: &NumericSample, current: &NumericSample) -> Result<TestResult> {
        let d = KolmogorovSmirnov::statistic(reference, current)?;
        Ok(self.judge(d, reference.len() as u64, current.len() as u64))
    }

    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        self.least(sizes)
    }
}

/// At the lower end of the bracket.
impl TwoSampleTest<NumericProfile> for CalibrationConditional {
    fn test(&self, reference: &NumericProfile, current: &NumericProfile) -> Result<TestResult> {
        let d = reference.kolmogorov_smirnov(current)?.low;
        let [n, m] = [reference, current].map(NumericProfile::present);
        Ok(self.judge(d, n, m))
    }

    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        self.least(sizes)
    }
}

/// In the order of the names.
impl TwoSampleTest<CategoricalSample> for CalibrationConditional {
    fn test(
        &self,
        reference: &CategoricalSample,
        current: &CategoricalSample,
    ) -> Result<TestResult> {
        let samples = [reference.require("reference")?, current.require("current")?];
        let sizes = samples.map(|sample| sample.len() as u64);
        let names: std::collections::BTreeSet<&str> = samples
            .iter()
            .flat_map(|sample| sample.counts())
            .map(|(name, _)| name)
            .collect();
        let (mut below, mut d) = ([0, 0], 0.0_f64);
        for name in names {
            below = [0, 1].map(|i: usize| below[i] + samples[i].count(name));
            let shares = [0, 1].map(|i: usize| below[i] as f64 / sizes[i] as f64);
            d = d.max((shares[0] - shares[1]).abs());
        }
        Ok(self.judge(d, sizes[0], sizes[1]))
    }

    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        self.least(sizes)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// By hand: √(ln 40/400) at a risk of 5 %, and √(ln 160/400) at a quarter of that.
    #[test]
    fn the_radius_is_that_of_the_inequality() {
        let test = CalibrationConditional::new(SignificanceLevel::FIVE_PERCENT);
        assert!((test.radius(200) - 0.096_032).abs() < 1e-6);
        assert!((test.shared_by(4).radius(200) - 0.112_641).abs() < 1e-6);
    }
}
