use mlops_core::Result;

use super::groups::{Group, approximates, comparable, defined, groups, permuted};
use super::laws::student_two_sided;
use super::{
    NullDistribution, Permutations, TestResult, TwoSampleTest, least_share, null_settings,
};
use crate::sample::NumericSample;

/// Welch's t test of two means, whatever the two variances.
///
/// **Statistic**: t, the difference of the means (reference less current) over its standard error
/// from both variances, with Welch's degrees of freedom.
/// **Hypothesis**: both samples come from one law; sees a difference of the means.
/// **Assumption**: exchangeable, finite values; at least two in each sample.
/// **Guarantee**: Student's law where each sample holds at least 30 values and 25 times the square of the
/// pooled skewness (Cochran's rule: good to about half a percent at 5 %), and up to 500 times where t is far out: then the
/// level is good to a quarter of itself down to 0.1 %, for exponential values; at 0.01 % it may be one and a half
/// times the stated one. Otherwise seeded [`Permutations`], hence an exact level, under any law.
/// **Weakness**: outliers hide a shift; under heavy tails
/// [`MannWhitney`](super::MannWhitney) sees more.
/// **Errors**: undefined for an infinite value, and where neither sample varies.
/// **Cost**: O(n + m) for sorted samples; O(min(n, m)) per permutation.
/// **Source**: Welch, "The generalization of 'Student's' problem when several different population
/// variances are involved", Biometrika 34, 1947.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::two_sample::{Welch, NullDistribution, TwoSampleTest};
///
/// let reference = NumericSample::new([1.0, 2.0, 3.0]);
/// let current = NumericSample::new([2.0, 4.0, 6.0]);
/// let in_the_textbook = Welch::default().null(NullDistribution::Asymptotic);
/// let result = in_the_textbook.test(&reference, &current)?;
/// assert!((result.statistic - -2.0 / (5.0_f64 / 3.0).sqrt()).abs() < 1e-12);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Welch {
    null: NullDistribution,
    permutations: Permutations,
}

null_settings!("two_sample", Welch);

impl Welch {
    /// The degrees of freedom of the law of t, by Welch's (Satterthwaite's) approximation: between the lesser
    /// size − 1 and n + m − 2.
    ///
    /// # Errors
    /// As the test's.
    ///
    /// ```
    /// use mlops_drift::NumericSample;
    /// use mlops_drift::two_sample::Welch;
    /// let (narrow, wide) = (NumericSample::new([1.0, 2.0, 3.0]), NumericSample::new([2.0, 4.0, 6.0]));
    /// assert!((Welch::degrees_of_freedom(&narrow, &wide)? - 50.0 / 17.0).abs() < 1e-12);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn degrees_of_freedom(reference: &NumericSample, current: &NumericSample) -> Result<f64> {
        let ladder = comparable(reference, current)?;
        defined(freedom(&groups(ladder.steps(), |index, _| {
            ladder.values()[index]
        })))
    }
}

impl TwoSampleTest<NumericSample> for Welch {
    fn test(&self, reference: &NumericSample, current: &NumericSample) -> Result<TestResult> {
        let ladder = comparable(reference, current)?;
        let observed = groups(ladder.steps(), |index, _| ladder.values()[index]);
        let statistic = defined(t(&observed))?;
        Ok(
            if approximates(self.null, &ladder, statistic, |value| value) {
                let p = student_two_sided(statistic, freedom(&observed));
                TestResult::new(statistic, p, "welch_asymptotic")
            } else {
                let t = |groups: &[Group; 2]| t(groups).abs();
                let p = permuted(&ladder, self.permutations, statistic.abs(), t);
                TestResult::new(statistic, p, "welch_permutation")
            },
        )
    }

    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        self.null.exactly(least_share(sizes, true))
    }
}

fn t([x, y]: &[Group; 2]) -> f64 {
    (x.mean - y.mean) / (x.variance() / x.size + y.variance() / y.size).sqrt()
}

/// Welch's (Satterthwaite's) approximation.
fn freedom([x, y]: &[Group; 2]) -> f64 {
    let [a, b] = [x, y].map(|group| group.variance() / group.size);
    // In shares of the sum, so that tiny variances do not vanish when squared.
    let [a, b] = [a / (a + b), b / (a + b)];
    1.0 / (a * a / (x.size - 1.0) + b * b / (y.size - 1.0))
}
