use mlops_core::Result;

use super::groups::{approximates, comparable, defined, groups};
use super::ladder::{Ladder, sizes};
use super::laws::student_two_sided;
use super::{
    NullDistribution, Permutations, TestResult, TwoSampleTest, least_share, null_settings,
};
use crate::sample::{NumericSample, quantile_by};

/// Where deviations are measured from.
///
/// ```
/// use mlops_drift::two_sample::{Centre, Levene};
/// assert_eq!(Levene::default().centre(Centre::Median), Levene::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Centre {
    /// Each sample's median: Brown and Forsythe's test, robust against skewness.
    #[default]
    Median,
    /// Each sample's mean: Levene's own test. Its F law is wrong for skewed values at every size.
    Mean,
}

/// Levene's test of two scales, by default in the form of Brown and Forsythe.
///
/// **Statistic**: W, the F statistic of the absolute deviations from each sample's [`Centre`], with 1 and
/// n + m − 2 degrees of freedom.
/// **Hypothesis**: both samples come from one law; sees a difference of the spreads, not of the means.
/// **Assumption**: exchangeable, finite values; at least two in each sample.
/// **Guarantee**: the F law for deviations from the median where each sample holds at least 30 values, 25
/// times the square of the skewness of the pooled deviations, and no value makes up more than 1 % of
/// all; otherwise, and always for deviations from the mean, seeded [`Permutations`] of the values,
/// hence an exact level.
/// **Errors**: undefined for an infinite value, and where no deviation varies.
/// **Cost**: O(n + m) for sorted samples; O(n + m) per permutation.
/// **Source**: Levene, "Robust tests for equality of variances", 1960; Brown & Forsythe, Journal of the
/// American Statistical Association 69, 1974.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::two_sample::{Levene, TwoSampleTest};
///
/// let reference = NumericSample::new((0..40).map(f64::from));
/// let current = NumericSample::new((0..40).map(|i| 5.0 * f64::from(i)));
/// assert!(Levene::default().test(&reference, &current)?.p_value.get() < 0.01);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levene {
    null: NullDistribution,
    permutations: Permutations,
    centre: Centre,
}

null_settings!("two_sample", Levene);

/// Share of one value from which the deviations are too discrete for the F law.
const ATOM: f64 = 0.01;

impl Levene {
    /// Deviations from another centre.
    ///
    /// ```
    /// use mlops_drift::two_sample::{Centre, Levene};
    /// let test = Levene::default().centre(Centre::Mean);
    /// # let _ = test;
    /// ```
    #[must_use]
    pub fn centre(self, centre: Centre) -> Self {
        Self { centre, ..self }
    }

    fn w(&self, values: &[f64], steps: &[[u64; 2]]) -> f64 {
        let centres = match self.centre {
            Centre::Median => [0, 1].map(|side| median(values, steps, side)),
            Centre::Mean => groups(steps, |index, _| values[index]).map(|group| group.mean),
        };
        let [x, y] = groups(steps, |index, side| (values[index] - centres[side]).abs());
        let within = (x.squares + y.squares) / (x.size + y.size - 2.0);
        (x.mean - y.mean).powi(2) / (within * (1.0 / x.size + 1.0 / y.size))
    }

    fn approximates(&self, ladder: &Ladder) -> bool {
        let steps: Vec<[u64; 2]> = ladder.steps().iter().map(|s| [s[0] + s[1], 0]).collect();
        let centre = median(ladder.values(), &steps, 0);
        let fits = self.centre == Centre::Median && ladder.largest_atom() <= ATOM;
        let automatic = self.null == NullDistribution::Automatic;
        (fits || !automatic) && approximates(self.null, ladder, 0.0, |value| (value - centre).abs())
    }
}

impl TwoSampleTest<NumericSample> for Levene {
    fn test(&self, reference: &NumericSample, current: &NumericSample) -> Result<TestResult> {
        let ladder = comparable(reference, current)?;
        let statistic = defined(self.w(ladder.values(), ladder.steps()))?;
        Ok(if self.approximates(&ladder) {
            let [n, m] = ladder.sizes();
            // F with 1 and k degrees of freedom is the square of Student's t with k.
            let p = student_two_sided(statistic.sqrt(), (n + m - 2) as f64);
            TestResult::new(statistic, p, "levene_asymptotic")
        } else {
            let w = |steps: &[[u64; 2]]| self.w(ladder.values(), steps);
            let p = ladder.permuted(self.permutations, statistic, w);
            TestResult::new(statistic, p, "levene_permutation")
        })
    }

    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        self.null.exactly(least_share(sizes, true))
    }
}

fn median(values: &[f64], steps: &[[u64; 2]], side: usize) -> f64 {
    let size = sizes(steps)[side] as usize;
    let value = |rank: usize| {
        let mut left = rank as u64;
        let index = steps.iter().position(|step| {
            let found = left < step[side];
            left = left.saturating_sub(step[side]);
            found
        });
        values[index.unwrap_or(values.len() - 1)]
    };
    quantile_by(size, 0.5, value)
}
