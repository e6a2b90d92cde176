use mlops_core::Result;
use mlops_core::evidence::PValue;
use statrs::function::gamma::checked_gamma_ur;

use super::contingency::Contingency;
use super::hypergeometric::Hypergeometric;
use super::{NullDistribution, Permutations, TestResult, TwoSampleTest};
use crate::sample::CategoricalSample;

/// Cochran's rule: below this expected count the chi-square law is a poor approximation.
const LEAST_EXPECTED: f64 = 5.0;
/// Statistics closer than rounding count as equal: more extreme than the data or equal to them.
const ROUNDING: f64 = 1e-9;

/// Pearson's chi-square test on the 2 × k table of two categorical samples.
///
/// **Statistic**: the sum over both rows of (observed − expected)² / expected, where the expected
/// counts come from *both* samples. (Taking the reference's shares for the exact law, as some
/// monitors do, alarms in 20 % to 86 % of drift-free cases at a nominal 5 %.)
/// **Hypothesis**: both samples have the same shares.
/// **Assumption**: exchangeable values; the set of categories may differ and is not fixed beforehand.
/// **Guarantee**: at its level for every table: where every expected count is at least 5 the
/// chi-square law with k − 1 degrees of freedom is used (an approximation, good to some tenths of a
/// percent at 5 %); else the exact hypergeometric law (two categories) or seeded
/// [`Permutations`] with fixed margins.
/// **Weakness**: many rare categories dilute it; it knows no order among categories.
/// **Cost**: O(k log k); with permutations O(min(n, m)) each.
/// **Source**: Pearson 1900; Cochran, "Some methods for strengthening the common χ² tests",
/// Biometrics 1954; Besag & Clifford, "Sequential Monte Carlo p-values", Biometrika 1991.
///
/// ```
/// use mlops_drift::CategoricalSample;
/// use mlops_drift::two_sample::{ChiSquare, TwoSampleTest};
///
/// let reference = CategoricalSample::new([Some("a"); 40].into_iter().chain([Some("b"); 10]));
/// let current = CategoricalSample::new([Some("a"); 20].into_iter().chain([Some("b"); 30]));
/// let result = ChiSquare::default().test(&reference, &current)?;
/// assert_eq!(result.method, "chi_square_asymptotic");
/// assert!(result.p_value.get() < 0.001);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChiSquare {
    null: NullDistribution,
    yates: bool,
    permutations: Permutations,
}

impl ChiSquare {
    /// Yates's continuity correction, where there are two categories and the chi-square law is used.
    /// Makes the test conservative.
    ///
    /// ```
    /// let test = mlops_drift::two_sample::ChiSquare::default().yates();
    /// # let _ = test;
    /// ```
    #[must_use]
    pub fn yates(self) -> Self {
        Self {
            yates: true,
            ..self
        }
    }

    /// Fixes the null distribution.
    ///
    /// ```
    /// use mlops_drift::two_sample::{ChiSquare, NullDistribution};
    /// let as_in_the_textbook = ChiSquare::default().null(NullDistribution::Asymptotic);
    /// # let _ = as_in_the_textbook;
    /// ```
    #[must_use]
    pub fn null(self, null: NullDistribution) -> Self {
        Self { null, ..self }
    }

    /// How permutations are drawn.
    ///
    /// ```
    /// use mlops_drift::two_sample::{ChiSquare, Permutations};
    /// let test = ChiSquare::default().permutations(Permutations::default().seed(1));
    /// # let _ = test;
    /// ```
    #[must_use]
    pub fn permutations(self, permutations: Permutations) -> Self {
        Self {
            permutations,
            ..self
        }
    }

    /// The test of a table whose cells are `[reference, current]` counts.
    pub(crate) fn test_table(&self, table: &Contingency) -> TestResult {
        let categories = table.cells().len();
        if categories < 2 {
            return TestResult::new(0.0, PValue::saturating(1.0), "chi_square_exact");
        }
        let approximates = match self.null {
            NullDistribution::Automatic => table.least_expected() >= LEAST_EXPECTED,
            NullDistribution::Exact => false,
            NullDistribution::Asymptotic => true,
        };
        if approximates {
            let correction = if self.yates && categories == 2 {
                0.5
            } else {
                0.0
            };
            let statistic = table.pearson(correction);
            let p = chi_square_sf(statistic, (categories - 1) as f64);
            return TestResult::new(statistic, p, "chi_square_asymptotic");
        }
        let statistic = table.pearson(0.0);
        if categories == 2 {
            return TestResult::new(statistic, hypergeometric(table), "chi_square_exact");
        }
        TestResult::new(statistic, self.permuted(table), "chi_square_permutation")
    }

    fn permuted(&self, table: &Contingency) -> PValue {
        let sizes = table.sizes();
        let (few, size) = if sizes[0] <= sizes[1] {
            (0, sizes[0])
        } else {
            (1, sizes[1])
        };
        let totals: Vec<f64> = table
            .cells()
            .iter()
            .map(|cell| (cell[0] + cell[1]) as f64)
            .collect();
        // With fixed margins Pearson's statistic is increasing in Σ count²/total of either sample.
        let observed: f64 = table
            .cells()
            .iter()
            .zip(&totals)
            .map(|(cell, total)| (cell[few] as f64).powi(2) / total)
            .sum();
        let rows = (0u32..)
            .zip(table.cells())
            .flat_map(|(category, cell)| {
                std::iter::repeat_n(category, (cell[0] + cell[1]) as usize)
            })
            .collect();
        let mut counts = vec![0.0; totals.len()];
        let bits = totals.iter().map(|total| total.to_bits());
        self.permutations
            .p_value(bits, rows, size as usize, |drawn| {
                let drawn_sum = sum_of_squares(drawn, &totals, &mut counts);
                drawn_sum >= observed * (1.0 - ROUNDING)
            })
    }
}

/// `Σ count²/total` of the drawn categories, one category at a time; leaves `counts` at zero.
fn sum_of_squares(drawn: &[u32], totals: &[f64], counts: &mut [f64]) -> f64 {
    let mut sum = 0.0;
    for &category in drawn {
        let count = &mut counts[category as usize];
        sum += (2.0 * *count + 1.0) / totals[category as usize];
        *count += 1.0;
    }
    drawn
        .iter()
        .for_each(|&category| counts[category as usize] = 0.0);
    sum
}

/// The exact p-value of a 2 × 2 table with fixed margins: the probability of all tables at least as
/// far from expectation.
fn hypergeometric(table: &Contingency) -> PValue {
    let [n, m] = table.sizes();
    let [a, b] = table.cells()[0];
    let expected = (a + b) as f64 * n as f64 / (n + m) as f64;
    let deviation = (a as f64 - expected).abs() * (1.0 - ROUNDING);
    Hypergeometric::of(table).p_value(|count| (count as f64 - expected).abs() >= deviation)
}

/// P(χ² ≥ x) with `freedom` degrees of freedom.
pub(crate) fn chi_square_sf(x: f64, freedom: f64) -> PValue {
    if x <= 0.0 {
        return PValue::saturating(1.0);
    }
    PValue::saturating(checked_gamma_ur(freedom / 2.0, x / 2.0).unwrap_or(f64::NAN))
}

impl TwoSampleTest<CategoricalSample> for ChiSquare {
    fn test(
        &self,
        reference: &CategoricalSample,
        current: &CategoricalSample,
    ) -> Result<TestResult> {
        let table = Contingency::of(reference.require("reference")?, current.require("current")?);
        Ok(self.test_table(&table))
    }
}
