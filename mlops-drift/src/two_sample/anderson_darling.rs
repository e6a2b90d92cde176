use mlops_core::Result;

use super::anderson_darling_law::Law;
use super::ladder::{Ladder, sizes};
use super::many::Many;
use super::resample::ROUNDING;
use super::{
    NullDistribution, Permutations, TestResult, TwoSampleTest, null_settings, one_of_all_ways,
};
use crate::permutation::Significance;
use crate::sample::NumericSample;

/// Size of the smaller sample from which the limit law is used.
const LARGE: u64 = 50;
/// Share of one value from which its ties distort the limit law visibly.
const ATOM: f64 = 0.01;
/// How a distribution function counts at a value where it jumps.
///
/// ```
/// use mlops_drift::two_sample::{AndersonDarling, AtTies};
/// assert_eq!(AndersonDarling::default().at_ties(AtTies::Midrank), AndersonDarling::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtTies {
    /// The mean of the values before and after the jump: equation 7 of the paper.
    #[default]
    Midrank,
    /// The value after the jump: equation 6.
    Right,
}

/// The Anderson–Darling test of two samples, or of [several](Self::of_samples): the squared distance of the distribution functions,
/// weighted so that the tails count as much as the middle.
///
/// **Statistic**: Scholz and Stephens's A² with k = 2, less its mean 1 and divided by its standard
/// deviation without ties.
/// **Hypothesis**: both samples come from one law.
/// **Assumption**: exchangeable values; at least four in all.
/// **Guarantee**: seeded [`Permutations`], hence an exact level, where a sample has fewer than 50 values
/// or one value makes up more than 1 % of all; otherwise the limit law of A² (good to some tenths of a
/// percent at 5 %). If all values are equal, p is 1.
/// **Weakness**: none in particular; usually the most powerful test of a distribution function.
/// **Cost**: O(n + m) for sorted samples; O(n + m) per permutation.
/// **Source**: Scholz & Stephens, "K-sample Anderson–Darling tests", Journal of the American Statistical
/// Association 82, 1987; Anderson & Darling, Annals of Mathematical Statistics 23, 1952, for the limit.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::two_sample::{AndersonDarling, TwoSampleTest};
///
/// let reference = NumericSample::new((0..100).map(f64::from));
/// let current = NumericSample::new((30..130).map(f64::from));
/// let result = AndersonDarling::default().test(&reference, &current)?;
/// assert_eq!(result.method, "anderson_darling_asymptotic");
/// assert!(result.p_value.get() < 1e-4);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AndersonDarling {
    null: NullDistribution,
    permutations: Permutations,
    at_ties: AtTies,
    published: bool,
}

null_settings!("two_sample", AndersonDarling);

impl AndersonDarling {
    /// Another convention for ties.
    ///
    /// ```
    /// use mlops_drift::two_sample::{AndersonDarling, AtTies};
    /// let test = AndersonDarling::default().at_ties(AtTies::Right);
    /// # let _ = test;
    /// ```
    #[must_use]
    pub fn at_ties(self, at_ties: AtTies) -> Self {
        Self { at_ties, ..self }
    }

    /// The p-value from the paper's table, as SciPy gives it: interpolated, and confined to
    /// \[0.001, 0.25], so that it is none above 0.25. For comparison only.
    ///
    /// ```
    /// use mlops_drift::NumericSample;
    /// use mlops_drift::two_sample::{AndersonDarling, TwoSampleTest};
    /// let sample = NumericSample::new((0..10).map(f64::from));
    /// let result = AndersonDarling::default().published_table().test(&sample, &sample)?;
    /// assert_eq!(result.p_value.get(), 0.25);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    #[must_use]
    pub fn published_table(self) -> Self {
        Self {
            published: true,
            ..self
        }
    }

    /// The test of two or more samples at once: do they all come from one law? Several reference months, or the segments of one table.
    ///
    /// **Statistic**: A² of k samples, less its mean k − 1 and divided by its standard deviation without ties; of two samples that of
    /// [`test`](TwoSampleTest::test). **Guarantee**, **assumption**: as of two samples, by the smallest of them; values of all samples are
    /// permuted, or it is the limit law for k. **Cost**: O(N log N) for N values, O(N·k) per permutation.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than 2 samples, one without values, or fewer than k + 2 values in all.
    ///
    /// ```
    /// use mlops_drift::NumericSample;
    /// use mlops_drift::two_sample::AndersonDarling;
    ///
    /// let month = |shift: f64| NumericSample::new((0..100).map(move |i| f64::from(i) + shift));
    /// let [january, february, march] = [0.0, 3.0, 60.0].map(month);
    /// let test = AndersonDarling::default();
    /// assert!(test.of_samples(&[&january, &february])?.p_value.get() > 0.5);
    /// assert!(test.of_samples(&[&january, &february, &march])?.p_value.get() < 1e-6);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn of_samples(&self, samples: &[&NumericSample]) -> Result<TestResult> {
        if let [reference, current] = samples {
            return self.test(reference, current);
        }
        let many = Many::of(samples)?;
        let law = Law::of(&many.sizes())?;
        let a_squared = self.a_squared_of(&many);
        let least = many.sizes().into_iter().min().unwrap_or(0);
        let permuted = || {
            let threshold = a_squared - ROUNDING * a_squared.abs();
            many.permuted(self.permutations, |dealt| {
                self.a_squared_of(dealt) >= threshold
            })
        };
        Ok(self.conclude(
            &law,
            a_squared,
            self.approximates(least, many.largest_atom()),
            permuted,
        ))
    }

    fn a_squared(&self, steps: &[[u64; 2]]) -> f64 {
        let [n, m] = sizes(steps);
        let steps = &mut steps.iter().map(|step| (step[0], step[0] + step[1]));
        // Either sample is as far from both together.
        self.at_ties.distance(steps, n, n + m) * (1.0 / n as f64 + 1.0 / m as f64)
    }

    fn a_squared_of(&self, many: &Many) -> f64 {
        let all = many.sizes().iter().sum();
        let of_sample = |(sample, size): (usize, u64)| {
            self.at_ties.distance(&mut many.steps_of(sample), size, all) / size as f64
        };
        many.sizes().into_iter().enumerate().map(of_sample).sum()
    }

    /// By the smallest sample and the share of the most frequent value.
    fn approximates(&self, least: u64, largest_atom: f64) -> bool {
        match self.null {
            NullDistribution::Automatic => least >= LARGE && largest_atom <= ATOM,
            NullDistribution::Exact => false,
            NullDistribution::Asymptotic => true,
        }
    }

    fn conclude(
        &self,
        law: &Law,
        a_squared: f64,
        approximates: bool,
        permuted: impl FnOnce() -> Significance,
    ) -> TestResult {
        let statistic = law.standardized(a_squared);
        let (p, method) = if self.published {
            (law.table_sf(statistic).into(), "anderson_darling_table")
        } else if approximates {
            (
                law.limit_sf(statistic).into(),
                "anderson_darling_asymptotic",
            )
        } else {
            (permuted(), "anderson_darling_permutation")
        };
        TestResult::new(statistic, p, method)
    }
}

impl TwoSampleTest<NumericSample> for AndersonDarling {
    fn test(&self, reference: &NumericSample, current: &NumericSample) -> Result<TestResult> {
        let ladder = Ladder::of(reference, current)?;
        let sizes = ladder.sizes();
        let law = Law::of(&sizes)?;
        let a_squared = self.a_squared(ladder.steps());
        let approximates = self.approximates(sizes[0].min(sizes[1]), ladder.largest_atom());
        let permuted =
            || ladder.permuted(self.permutations, a_squared, |steps| self.a_squared(steps));
        Ok(self.conclude(&law, a_squared, approximates, permuted))
    }
    /// One sample below or above the other: two of all ways to part the values.
    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        match self.published {
            true => 0.0,
            false => self.null.exactly(2.0 * one_of_all_ways(sizes)),
        }
    }
}

/// Of the distinct values ascending: how many values of one sample stand there, and how many of all.
type Steps<'a> = &'a mut dyn Iterator<Item = (u64, u64)>;

impl AtTies {
    /// What one sample adds to A², times its size: the weighted squared distance of its distribution function from that of all values.
    fn distance(self, steps: Steps<'_>, size: u64, all: u64) -> f64 {
        let (size, all) = (size as f64, all as f64);
        match self {
            Self::Midrank => midrank(steps, size, all),
            Self::Right => right(steps, size, all),
        }
    }
}

/// Equation 7.
fn midrank(steps: Steps<'_>, size: f64, all: f64) -> f64 {
    let (mut x, mut both, mut sum) = (0.0, 0.0, 0.0);
    for (own, height) in steps {
        let (own, height) = (own as f64, height as f64);
        let below = both + height / 2.0;
        let distance = all * (x + own / 2.0) - below * size;
        let spread = below * (all - below) - all * height / 4.0;
        if spread > 0.0 {
            sum += height * distance * distance / spread;
        }
        (x, both) = (x + own, both + height);
    }
    sum / all * (all - 1.0) / all
}

/// Equation 6: the greatest value does not count, both functions are 1 there.
fn right(steps: Steps<'_>, size: f64, all: f64) -> f64 {
    let (mut x, mut both, mut sum) = (0.0, 0.0, 0.0);
    for (own, height) in steps {
        let height = height as f64;
        (x, both) = (x + own as f64, both + height);
        if both < all {
            let distance = all * x - both * size;
            sum += height * distance * distance / (both * (all - both));
        }
    }
    sum / all
}
