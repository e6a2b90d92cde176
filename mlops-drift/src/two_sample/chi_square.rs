use mlops_core::Result;
use mlops_core::evidence::PValue;
use statrs::function::gamma::checked_gamma_ur;

use super::contingency::Contingency;
use super::hypergeometric::Hypergeometric;
use super::tables::Tables;
use super::{NullDistribution, Permutations, TestResult, TwoSampleTest, least_share};
use crate::permutation::Significance;
use crate::sample::CategoricalSample;

/// Cochran's rule: below this expected count the chi-square law is a poor approximation.
const LEAST_EXPECTED: f64 = 5.0;
/// P-values below which the chi-square law is not relied on: it is good to some tenths of a percent, which is much of the levels that a
/// correction over many columns leaves. What it calls more probable, no test at 10 % or less rejects anyway.
pub(super) const DOUBTFUL: f64 = 0.1;
/// Statistics closer than rounding count as equal: more extreme than the data or equal to them.
const ROUNDING: f64 = 1e-9;

/// Pearson's chi-square test on the 2 × k table of two categorical samples.
///
/// **Statistic**: the sum over both rows of (observed − expected)² / expected, where the expected
/// counts come from *both* samples. (Taking the reference's shares for the exact law, as some
/// monitors do, alarms in 20 % to 86 % of drift-free cases at a nominal 5 %.)
/// **Hypothesis**: both samples have the same shares.
/// **Assumption**: exchangeable values; the set of categories may differ and is not fixed beforehand.
/// **Guarantee**: at its level for every table and for every alpha up to 10 %, however small. Two categories: the exact hypergeometric law. More:
/// the chi-square law with k − 1 degrees of freedom where every expected count is at least 5, but for p-values of 10 % and less, which are
/// decided by seeded [`Permutations`] with fixed margins. These end at 1 in 10,000; below that p is a hundred times the exact bound "the
/// most surprising of k categories" (hypergeometric, by Bonferroni's inequality), so that a long watch over many columns can alarm as well.
/// **Weakness**: many rare categories dilute it; it knows no order among categories.
/// **Cost**: O(k log k); a permutation O(k), or as many steps as rare categories have values, whatever the number of rows.
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
/// assert_eq!(result.method, "chi_square_exact");
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
    /// Yates's continuity correction, where there are two categories and the chi-square law is asked for
    /// ([`NullDistribution::Asymptotic`]). Makes the test conservative.
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
        if self.null != NullDistribution::Exact
            && let Some(result) = self.approximate(table)
        {
            return result;
        }
        let statistic = table.pearson(0.0);
        if categories == 2 {
            let p = Hypergeometric::of(table).two_sided(table.cells()[0][0]);
            return TestResult::new(statistic, p, "chi_square_exact");
        }
        TestResult::new(statistic, self.permuted(table), "chi_square_permutation")
    }

    /// By the chi-square law, where that is asked for or good enough.
    fn approximate(&self, table: &Contingency) -> Option<TestResult> {
        let categories = table.cells().len();
        let is_asked_for = self.null == NullDistribution::Asymptotic;
        if !is_asked_for && (categories == 2 || table.least_expected() < LEAST_EXPECTED) {
            return None;
        }
        let is_corrected = self.yates && categories == 2;
        let statistic = table.pearson(if is_corrected { 0.5 } else { 0.0 });
        let p = chi_square_sf(statistic, (categories - 1) as f64);
        let is_good = is_asked_for || p.get() > DOUBTFUL;
        is_good.then(|| TestResult::new(statistic, p, "chi_square_asymptotic"))
    }

    fn permuted(&self, table: &Contingency) -> Significance {
        let tables = Tables::of(table.cells());
        let totals = table.cells().iter().map(|cell| (cell[0] + cell[1]) as f64);
        let totals: Vec<f64> = totals.collect();
        // With fixed margins Pearson's statistic is increasing in Σ count²/total of either sample.
        let sum = |counts: &mut dyn Iterator<Item = u64>| -> f64 {
            let parts = counts.zip(&totals);
            parts
                .map(|(count, total)| (count as f64).powi(2) / total)
                .sum()
        };
        let few = tables.few();
        let observed = sum(&mut table.cells().iter().map(|cell| cell[few]));
        let least = observed * (1.0 - ROUNDING);
        let bound = most_surprising(table);
        tables.p_value_beside(bound, self.permutations, |counts| {
            sum(&mut counts.iter().copied()) >= least
        })
    }
}

/// The exact p-value of the category that is most surprising beside all others, times their number.
fn most_surprising(table: &Contingency) -> PValue {
    let sizes = table.sizes();
    let cells = table.cells().iter();
    let each = cells.map(|&[a, b]| Hypergeometric::new(sizes, a + b).two_sided(a).get());
    let least = each.fold(1.0, f64::min);
    PValue::saturating(least * table.cells().len() as f64)
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

    /// A label each: one of all ways to part the rows, or two where the samples could be exchanged.
    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        self.null.exactly(least_share(sizes, true))
    }
}
