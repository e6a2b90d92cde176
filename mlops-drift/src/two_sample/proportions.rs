use mlops_core::Result;
use mlops_core::evidence::PValue;

use super::contingency::Contingency;
use super::hypergeometric::{Hypergeometric, two_by_two};
use super::laws::normal_two_sided;
use super::{NullDistribution, TestResult, TwoSampleTest, least_share};
use crate::sample::CategoricalSample;

/// The z test of two proportions, with the pooled variance.
///
/// **Statistic**: z, the share of the second category (in the order of the labels) in the reference less
/// that in the current sample, over its standard error from the pooled share. z² is Pearson's statistic.
/// **Hypothesis**: both samples have the same shares.
/// **Assumption**: exchangeable values.
/// **Guarantee**: at its level for every table, by the exact hypergeometric law; the normal law only if asked for. With one category in all,
/// z is 0 and p is 1.
/// **Weakness**: looked at again and again while data arrive, it alarms far above its level; see
/// [`FailureOdds`](mlops_core::evidence::FailureOdds).
/// **Errors**: more than two categories.
/// **Cost**: some dozens of standard deviations of the count, O(√n).
/// **Source**: Fleiss, Levin & Paik, "Statistical Methods for Rates and Proportions", section 3.1.
///
/// ```
/// use mlops_drift::CategoricalSample;
/// use mlops_drift::two_sample::{TwoProportions, TwoSampleTest};
///
/// let flags = |yes| CategoricalSample::new((0..100).map(|i| Some(if i < yes { "yes" } else { "no" })));
/// let result = TwoProportions::default().test(&flags(60), &flags(40))?;
/// assert!((result.statistic - 0.2 / (0.25_f64 * 0.02).sqrt()).abs() < 1e-12);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TwoProportions {
    null: NullDistribution,
}

impl TwoProportions {
    /// Fixes the null distribution.
    ///
    /// ```
    /// use mlops_drift::two_sample::{NullDistribution, TwoProportions};
    /// let as_in_the_textbook = TwoProportions::default().null(NullDistribution::Asymptotic);
    /// # let _ = as_in_the_textbook;
    /// ```
    #[must_use]
    pub fn null(self, null: NullDistribution) -> Self {
        Self { null }
    }
}

impl TwoSampleTest<CategoricalSample> for TwoProportions {
    fn test(
        &self,
        reference: &CategoricalSample,
        current: &CategoricalSample,
    ) -> Result<TestResult> {
        let table = Contingency::of(reference.require("reference")?, current.require("current")?);
        let Some(table) = two_by_two(table)? else {
            return Ok(TestResult::new(
                0.0,
                PValue::saturating(1.0),
                "two_proportions_exact",
            ));
        };
        let law = Hypergeometric::of(&table);
        let z = z(law.cells(table.cells()[0][0]));
        Ok(if self.null == NullDistribution::Asymptotic {
            TestResult::new(z, normal_two_sided(z), "two_proportions_asymptotic")
        } else {
            let p = law.two_sided(table.cells()[0][0]);
            TestResult::new(z, p, "two_proportions_exact")
        })
    }

    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        self.null.exactly(least_share(sizes, true))
    }
}

fn z([first, second]: [[u64; 2]; 2]) -> f64 {
    let [n, m] = [0, 1].map(|side| (first[side] + second[side]) as f64);
    let pooled = (second[0] + second[1]) as f64 / (n + m);
    let difference = second[0] as f64 / n - second[1] as f64 / m;
    difference / (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt()
}
