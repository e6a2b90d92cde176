use mlops_core::Result;
use mlops_core::evidence::PValue;

use super::contingency::Contingency;
use super::hypergeometric::{Hypergeometric, two_by_two};
use super::{TestResult, TwoSampleTest, least_share};
use crate::sample::CategoricalSample;

/// Probabilities closer than this share count as equal, as in R's `fisher.test`.
const ROUNDING: f64 = 1e-7;

/// Fisher's exact test of two categories.
///
/// **Statistic**: the odds ratio (reference's first over second category) / (current's first over second),
/// categories in order of their labels; infinite if a category is missing in one sample only.
/// **Hypothesis**: both samples have the same shares.
/// **Assumption**: exchangeable values.
/// **Guarantee**: at its level for every table (conservative: there are few tables); two-sided, the
/// probability of all tables with the same margins that are at most as probable as the data.
/// With one category in all, the odds ratio is 1 and so is p.
/// **Errors**: more than two categories.
/// **Cost**: O(min(n, column total)).
/// **Source**: Fisher, "On the interpretation of χ² from contingency tables, and the calculation of P", JRSS
/// 85, 1922.
///
/// ```
/// use mlops_drift::CategoricalSample;
/// use mlops_drift::two_sample::{FisherExact, TwoSampleTest};
///
/// // The lady tasting tea, three right of four.
/// let reference = CategoricalSample::new(["milk", "milk", "milk", "tea"].map(Some));
/// let current = CategoricalSample::new(["milk", "tea", "tea", "tea"].map(Some));
/// let result = FisherExact.test(&reference, &current)?;
/// assert_eq!(result.statistic, 9.0);
/// assert!((result.p_value.get() - 34.0 / 70.0).abs() < 1e-12);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FisherExact;

impl TwoSampleTest<CategoricalSample> for FisherExact {
    fn test(
        &self,
        reference: &CategoricalSample,
        current: &CategoricalSample,
    ) -> Result<TestResult> {
        let table = Contingency::of(reference.require("reference")?, current.require("current")?);
        let Some(table) = two_by_two(table)? else {
            return Ok(TestResult::new(
                1.0,
                PValue::saturating(1.0),
                "fisher_exact",
            ));
        };
        let [first, second] = [table.cells()[0], table.cells()[1]];
        let odds = first[0] as f64 * second[1] as f64 / (second[0] as f64 * first[1] as f64);
        let law = Hypergeometric::of(&table);
        let most = law.probability(first[0]) * (1.0 + ROUNDING);
        let p = law.p_value(|_, probability| probability <= most);
        Ok(TestResult::new(odds, p, "fisher_exact"))
    }

    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        least_share(sizes, true)
    }
}
